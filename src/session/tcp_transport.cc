#include "session/tcp_transport.h"

#include "net/shard.h"

#include <utility>

namespace balcony::session {

void Transport::close_in_background(std::unique_ptr<Transport> transport) {
  transport->close_and_forget();
}

TcpTransport::TcpTransport(ConnectionPtr connection) : connection_(std::move(connection)) {}

TcpTransport::~TcpTransport() = default;

Detached TcpTransport::release() {
  Detached detached = connection_->release();
  connection_.reset();
  return detached;
}

bool TcpTransport::begin_wait() {
  wait_.emplace(*connection_);
  return wait_->await_ready();
}

Result<> TcpTransport::end_wait() {
  Result<> result = wait_->await_resume();
  wait_.reset();
  return result;
}

Result<std::string_view> TcpTransport::read() {
  const std::span<char> buffer = connection_->shard().buffer();
  BALCONY_ASSIGN(const std::size_t count, connection_->read_some(buffer));
  return std::string_view(buffer.data(), count);
}

Task<Result<>> TcpTransport::start_tls_server(const TlsServerContext& context,
                                              std::string host_hint, std::string leftover) {
  return connection_->start_tls_server(context, std::move(host_hint), std::move(leftover));
}

Task<Result<>> TcpTransport::start_tls_client(const TlsClientContext& context, std::string name,
                                              std::string leftover) {
  return connection_->start_tls_client(context, std::move(name), std::move(leftover));
}

void TcpTransport::set_deadline_in(std::chrono::milliseconds from_now) {
  connection_->set_deadline_in(from_now);
}

void TcpTransport::set_rate(std::uint32_t bytes_per_second, std::uint32_t burst_bytes) {
  ConnectionOptions options = connection_->options();
  options.read_bytes_per_second = bytes_per_second;
  options.read_burst_bytes = burst_bytes;
  connection_->set_options(options);
}

void TcpTransport::set_output_max(std::size_t bytes) {
  ConnectionOptions options = connection_->options();
  options.output_bytes_max = bytes;
  connection_->set_options(options);
}

std::optional<std::size_t> TcpTransport::unsent() const {
  if (!connection_->is_sending()) return std::nullopt;
  return connection_->unsent_bytes();
}

std::string TcpTransport::peer() const {
  return connection_->peer().to_string();
}

std::string TcpTransport::peer_address() const {
  return connection_->peer().network().ip();
}

std::string TcpTransport::tls_summary() const {
  const auto tls = connection_->tls();
  return tls ? tls->version + ' ' + tls->cipher : std::string{};
}

std::vector<sasl::ChannelBinding> TcpTransport::channel_bindings() const {
  std::vector<sasl::ChannelBinding> bindings;
  using enum ChannelBinding;
  for (const auto& [type, name] : {std::pair{kTlsExporter, sasl::kTlsExporter},
                                   std::pair{kTlsServerEndPoint, sasl::kTlsServerEndPoint},
                                   std::pair{kTlsUnique, sasl::kTlsUnique}}) {
    if (auto data = connection_->channel_binding(type)) {
      bindings.push_back({std::string(name), *std::move(data)});
    }
  }
  return bindings;
}

void TcpTransport::close_and_forget() {
  if (connection_) Connection::close_in_background(std::move(connection_));
}

}  // namespace balcony::session
