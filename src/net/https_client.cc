#include "net/https_client.h"

#include "base/ascii.h"
#include "base/number.h"
#include "net/thread_pool.h"
#include "net/tls_internal.h"

#include <curl/curl.h>

#include <mutex>
#include <utility>

namespace balcony {
namespace {

constexpr std::size_t kUrlBytesMax = 2048;

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(char* text) const { curl_free(text); }
};
template <class T>
using CurlPtr = std::unique_ptr<T, CurlFree>;

// One fetch, as the library's callbacks see it.
struct Transfer {
  const HttpsRequest& request;
  const std::atomic<bool>& stopping;
  HttpsBody body;
  bool is_too_big = false;
};

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::size_t take(char* data, std::size_t size, std::size_t count, void* given) {
  auto& transfer = *static_cast<Transfer*>(given);
  const std::size_t bytes = size * count;
  if (transfer.body.text.size() + bytes > transfer.request.bytes_max) {
    transfer.is_too_big = true;
    return 0;  // ends the transfer
  }
  transfer.body.text.append(data, bytes);
  return bytes;
}

std::size_t hear(char* data, std::size_t size, std::size_t count, void* given) {
  const std::string_view line(data, size * count);
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos && ascii_lower(line.substr(0, colon)) == "cache-control") {
    auto& transfer = *static_cast<Transfer*>(given);
    if (auto age = read_max_age(line.substr(colon + 1))) transfer.body.max_age = age;
  }
  return line.size();
}

int watch(void* given, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(given)->stopping.load() ? 1 : 0;
}

CURLcode set_up_tls(CURL*, void* context, void* given) {
  const auto& request = static_cast<Transfer*>(given)->request;
  const auto loaded = tls::load_revocations(static_cast<SSL_CTX*>(context), request.crl_file);
  return loaded ? CURLE_OK : CURLE_SSL_CRL_BADFILE;
}

// Goes to the addresses that were given, whatever names they have: "host:port:address,address",
// and from the port of the URL to theirs.
struct Route {
  Route(const HttpsPlace& place, const std::vector<SocketAddress>& addresses) {
    const std::string port = std::to_string(addresses.front().port());
    std::string known = place.host + ':' + port + ':';
    for (const SocketAddress& address : addresses) {
      if (known.back() != ':') known += ',';
      known += address.is_v6() ? '[' + address.ip() + ']' : address.ip();
    }
    resolve.reset(curl_slist_append(nullptr, known.c_str()));
    const std::string there =
        place.host + ':' + std::to_string(place.port) + ':' + place.host + ':' + port;
    connect_to.reset(curl_slist_append(nullptr, there.c_str()));
  }
  CurlPtr<curl_slist> resolve;
  CurlPtr<curl_slist> connect_to;
};

void set_limits(CURL* curl, const HttpsRequest& request) {
  const auto within = static_cast<long>(request.within.count());
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, within);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, within);
  curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request.bytes_max));
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");  // none out of the environment
  curl_easy_setopt(curl, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
}

void set_callbacks(CURL* curl, Transfer& transfer) {
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, hear);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, set_up_tls);
  curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, &transfer);
}

Error error_of(CURLcode code, const Transfer& transfer) {
  const std::string why = std::string("HTTPS: ") + curl_easy_strerror(code);
  if (transfer.is_too_big) return Error(Errc::kOverloaded, "HTTPS: the document is too large");
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK: return Error(Errc::kCancelled, "HTTPS: cut off");
    case CURLE_OPERATION_TIMEDOUT: return Error(Errc::kTimeout, why);
    case CURLE_FILESIZE_EXCEEDED: return Error(Errc::kOverloaded, why);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE: return Error(Errc::kTls, why);
    default: return Error(Errc::kConnect, why);
  }
}

Result<HttpsBody> get_now(const HttpsRequest& request, const std::atomic<bool>& stopping) {
  BALCONY_ASSIGN(const HttpsPlace place, https_place(request.url));
  if (request.addresses.empty()) return fail(Errc::kConnect, "HTTPS: no address to connect to");
  const CurlPtr<CURL> curl(curl_easy_init());
  if (!curl) return fail(Errc::kIo, "HTTPS: libcurl cannot be started");
  Transfer transfer{request, stopping, {}, false};
  const Route route(place, request.addresses);
  curl_easy_setopt(curl.get(), CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_RESOLVE, route.resolve.get());
  curl_easy_setopt(curl.get(), CURLOPT_CONNECT_TO, route.connect_to.get());
  curl_easy_setopt(curl.get(), CURLOPT_USERAGENT, "Balcony");
  if (!request.ca_file.empty()) {
    curl_easy_setopt(curl.get(), CURLOPT_CAINFO, request.ca_file.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_CAPATH, nullptr);  // these and no others
  }
  set_limits(curl.get(), request);
  set_callbacks(curl.get(), transfer);
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) return fail(error_of(code, transfer));
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) {
    return fail(Errc::kNotFound, "HTTPS: the server answers " + std::to_string(status));
  }
  return std::move(transfer.body);
}

}  // namespace

Result<HttpsPlace> https_place(const std::string& url) {
  const auto refuse = [] { return fail(Errc::kMalformed, "that is no URL for HTTPS"); };
  if (url.size() > kUrlBytesMax) return refuse();
  const CurlPtr<CURLU> parsed(curl_url());
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return refuse();
  }
  const auto part = [&parsed](CURLUPart which, unsigned flags = 0) {
    char* text = nullptr;
    curl_url_get(parsed.get(), which, &text, flags);
    const CurlPtr<char> owned(text);
    return text ? std::string(text) : std::string();
  };
  if (part(CURLUPART_SCHEME) != "https") return refuse();
  if (!part(CURLUPART_USER).empty() || !part(CURLUPART_PASSWORD).empty()) return refuse();
  HttpsPlace place;
  place.host = part(CURLUPART_HOST);
  place.host = ascii_lower(place.host);
  place.port = read_number<std::uint16_t>(part(CURLUPART_PORT, CURLU_DEFAULT_PORT)).value_or(0);
  if (place.host.empty() || place.port == 0) return refuse();
  return place;
}

std::optional<std::chrono::seconds> read_max_age(std::string_view value) {
  std::optional<std::chrono::seconds> age;
  while (!value.empty()) {
    const std::size_t comma = value.find(',');
    const std::string directive = ascii_lower(trimmed(value.substr(0, comma)));
    value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
    if (directive == "no-store" || directive == "no-cache") return std::chrono::seconds(0);
    constexpr std::string_view kName = "max-age=";
    if (!directive.starts_with(kName)) continue;
    const auto seconds =
        read_number<std::uint32_t>(std::string_view(directive).substr(kName.size()));
    if (seconds) age = std::chrono::seconds(*seconds);
  }
  return age;
}

HttpsClient::HttpsClient(std::size_t threads, std::size_t queue_max) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  pool_ = std::make_unique<ThreadPool>(threads, queue_max);
}

HttpsClient::~HttpsClient() {
  stop();
}

void HttpsClient::get(Loop& loop, HttpsRequest request, Done done) {
  // The callback lives on the loop and nowhere else: a thread only carries it back.
  auto waiting = std::make_shared<Done>(std::move(done));
  const auto answer = [&loop, waiting](Result<HttpsBody> result) {
    loop.post([waiting, result = std::move(result)]() mutable { (*waiting)(std::move(result)); });
  };
  const bool queued = pool_->try_post([answer, stopping = stopping_, request = std::move(request)] {
    if (*stopping) return answer(fail(Errc::kCancelled, "HTTPS: cut off"));
    answer(get_now(request, *stopping));
  });
  if (!queued) answer(fail(Errc::kOverloaded, "too many documents are being fetched"));
}

}  // namespace balcony
