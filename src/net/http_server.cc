#include "net/http_server.h"

#include "net/socket_address.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace balcony {
namespace {

using ResponsePtr = std::unique_ptr<MHD_Response, decltype(&MHD_destroy_response)>;

MHD_Result reply(MHD_Connection* connection, const HttpAnswer& answer) {
  const auto& body = answer.body;
  const ResponsePtr response(
      MHD_create_response_from_buffer(body.size(), const_cast<char*>(body.data()),
                                      MHD_RESPMEM_MUST_COPY),
      MHD_destroy_response);
  if (!response) return MHD_NO;
  MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CONTENT_TYPE,
                          answer.content_type.c_str());
  MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  if (answer.status == MHD_HTTP_METHOD_NOT_ALLOWED) {
    MHD_add_response_header(response.get(), MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_GET);
  }
  return MHD_queue_response(connection, static_cast<unsigned>(answer.status), response.get());
}

// Called once with the head of a request; a body is never read: the connection ends then.
MHD_Result on_request(void* handler, MHD_Connection* connection, const char* url,
                      const char* method, const char* /*version*/, const char* /*upload*/,
                      std::size_t* /*upload_size*/, void** /*of_request*/) {
  if (std::strcmp(method, MHD_HTTP_METHOD_GET) != 0) {
    HttpAnswer refusal;
    refusal.status = MHD_HTTP_METHOD_NOT_ALLOWED;
    refusal.body = "Only GET is allowed here.\n";
    return reply(connection, refusal);
  }
  return reply(connection, (*static_cast<HttpServer::Handler*>(handler))(url));
}

// The socket is ours, so that errors are, too.
Result<int> open_socket(const SocketAddress& address) {
  sockaddr_storage to{};
  const socklen_t size = address.to_system(to);
  const int fd = ::socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int yes = 1;
  if (fd >= 0 && ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
      ::bind(fd, reinterpret_cast<const sockaddr*>(&to), size) == 0 && ::listen(fd, 16) == 0) {
    return fd;
  }
  const std::string reason = std::strerror(errno);
  if (fd >= 0) ::close(fd);
  return fail(Errc::kIo, "cannot listen on " + address.to_string() + ": " + reason);
}

std::string bound_address(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  auto* const address = reinterpret_cast<sockaddr*>(&bound);
  if (::getsockname(fd, address, &size) != 0) return "";
  return SocketAddress::from_system(*address).to_string();
}

}  // namespace

struct HttpServer::Daemon {
  Handler handler;
  MHD_Daemon* running = nullptr;
  ~Daemon() {
    if (running) MHD_stop_daemon(running);  // closes the socket
  }
};

HttpServer::HttpServer() = default;
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpOptions& options, Handler handler) {
  BALCONY_ASSIGN(const SocketAddress wanted, SocketAddress::parse(options.address, options.port));
  BALCONY_ASSIGN(const int fd, open_socket(wanted));
  std::unique_ptr<HttpServer> server(new HttpServer);
  server->address_ = bound_address(fd);
  server->daemon_ = std::make_unique<Daemon>();
  Daemon& daemon = *server->daemon_;
  daemon.handler = std::move(handler);
  daemon.running = MHD_start_daemon(
      MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO | MHD_USE_ITC, options.port, nullptr, nullptr,
      &on_request, &daemon.handler, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
      options.connections_max, MHD_OPTION_CONNECTION_TIMEOUT,
      static_cast<unsigned>(options.silence_max.count()), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      options.request_bytes_max, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
  if (!daemon.running) {
    ::close(fd);
    return fail(Errc::kIo, "cannot serve HTTP on " + server->address_);
  }
  return server;
}

}  // namespace balcony
