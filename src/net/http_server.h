// HttpServer: answers GET requests with small texts, for the page of metrics. Nothing else of HTTP:
// no TLS, no bodies, no other methods.
//
// The one place that knows an HTTP library is http_server.cc. It has a thread of its own.
#pragma once

#include <balcony/result.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace balcony {

struct HttpOptions {
  std::string address = "127.0.0.1";     // literal IPv4 or IPv6
  std::uint16_t port = 0;                // 0: the system chooses
  unsigned connections_max = 16;         // more are closed at once
  std::chrono::seconds silence_max{10};  // of a connection
  std::size_t request_bytes_max = 16u << 10;
};

struct HttpAnswer {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

class HttpServer {
 public:
  // The answer to GET of `path` (without the query), on the server's thread; it may block. Paths
  // that it does not know: status 404. Other methods are answered with 405 before (RFC 9110
  // §15.5.6).
  using Handler = std::function<HttpAnswer(std::string_view path)>;

  // Errors: kIo with the address and the reason: another process has the port, for one.
  static Result<std::unique_ptr<HttpServer>> start(const HttpOptions& options, Handler handler);
  // Waits for the answer at hand.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // "127.0.0.1:9280", with the port that is bound.
  const std::string& address() const { return address_; }

 private:
  struct Daemon;
  HttpServer();

  std::unique_ptr<Daemon> daemon_;
  std::string address_;
};

}  // namespace balcony
