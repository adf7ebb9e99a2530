// HttpsClient: fetches small documents over HTTPS (RFC 9110), for the few that this server reads
// from others' web servers. GET and nothing else: no redirects, cookies, proxies or compression.
//
// The one place of net/ that knows libcurl is https_client.cc. It blocks, and so has threads of its
// own. Who asks says where to connect to: no name is looked up here.
//
// Threads: made and destroyed by one thread; get() and stop() from any.
#pragma once

#include "base/loop.h"
#include "net/socket_address.h"

#include <balcony/result.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace balcony {

class ThreadPool;

struct HttpsRequest {
  std::string url;                       // https_place() takes it
  std::vector<SocketAddress> addresses;  // of its host, not empty; all with the port to connect to
  std::string ca_file;                   // PEM with trusted authorities; empty: those of the system
  std::string crl_file;  // PEM with the lists of what they have revoked; empty: none is looked at
  std::size_t bytes_max = 64 * 1024;
  std::chrono::milliseconds within{5'000};  // for everything
};

struct HttpsBody {
  std::string text;
  // How long it may be kept (RFC 9111 §5.2.2); nullopt: the server says nothing of that.
  std::optional<std::chrono::seconds> max_age;
};

struct HttpsPlace {
  std::string host;  // as it stands there, in lower case
  std::uint16_t port = 443;
};

// Where a URL leads. Errors: kMalformed: no https URL, one with a user or a password in it, or of
// more than 2 KiB.
Result<HttpsPlace> https_place(const std::string& url);

// From the value of Cache-Control: max-age, or 0 with no-store and no-cache. nullopt: neither.
std::optional<std::chrono::seconds> read_max_age(std::string_view cache_control);

class HttpsClient {
 public:
  // `threads`: fetches at the same time. `queue_max`: that may wait for a thread.
  HttpsClient(std::size_t threads, std::size_t queue_max);
  // Cuts off what is under way and waits for the threads.
  ~HttpsClient();

  using Done = std::move_only_function<void(Result<HttpsBody>)>;
  // `done` is called once, later, on `loop`.
  // Errors: kTls: the server's certificate is not for the host of the URL, or not trusted.
  // kConnect, kTimeout. kNotFound: another status than 200. kOverloaded: more than bytes_max, or
  // too many fetches wait. kCancelled: stop() was called.
  void get(Loop& loop, HttpsRequest request, Done done);

  // What is under way or asked from now on is kCancelled.
  void stop() { *stopping_ = true; }

 private:
  std::shared_ptr<std::atomic<bool>> stopping_ = std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<ThreadPool> pool_;
};

}  // namespace balcony
