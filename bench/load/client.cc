#include "bench/load/client.h"

#include "base/random.h"
#include "net/connector.h"
#include "net/shard.h"
#include "stanza/ns.h"

#include <utility>

namespace balcony::bench {
namespace {

using namespace std::chrono_literals;

xml::Limits limits() {
  xml::Limits limits;
  limits.stanza_bytes_max = 1u << 20;
  return limits;
}

stream::InitiatingOptions negotiation(const LoginSettings& settings, Jid account,
                                      std::string password) {
  stream::InitiatingOptions options(std::move(account));
  options.password = std::move(password);
  options.keys = settings.keys;
  // Without TLS the machine would not say PLAIN. For measuring it is told that TLS stands: it
  // begins as with direct TLS.
  options.tls = settings.tls ? stream::TlsPolicy::kRequired : stream::TlsPolicy::kDirect;
  return options;
}

// Leaves PLAIN alone among the mechanisms that are offered, so that it is chosen.
void keep_plain(xml::Element& features) {
  const xml::ElementView offer = features.child(ns::kSasl, "mechanisms");
  if (!offer) return;
  features.ref().remove_child(offer);
  features.append(ns::kSasl, "mechanisms").append_text_element("mechanism", "PLAIN");
}

}  // namespace

Client::Client(Shard& shard, LoginSettings& settings, Jid account, std::string password)
    : shard_(shard),
      settings_(settings),
      machine_(std::make_unique<stream::InitiatingStream>(
          system_random(), negotiation(settings, std::move(account), std::move(password)))),
      splitter_(limits()) {}

Task<Result<>> Client::log_in() {
  std::vector<Endpoint> servers;
  servers.emplace_back(settings_.server, "localhost");
  BALCONY_CO_ASSIGN(auto connected, co_await connect_any(shard_, std::move(servers), 60s));
  connection_ = std::move(connected.connection);
  auto actions = settings_.tls ? machine_->on_start() : machine_->on_tls({}, true);
  for (;;) {
    BALCONY_CO_ASSIGN(const bool bound, co_await perform(std::move(actions)));
    if (bound) break;
    actions.clear();
    BALCONY_CO_ASSIGN(const xml::SplitEvent event, splitter_.next());
    if (event.kind != xml::SplitKind::kNeedMore) {
      actions = on_event(event);
    } else if (auto more = co_await fill(); !more) {
      co_return more;
    }
  }
  machine_.reset();
  header_.reset();
  co_return {};
}

Task<Result<bool>> Client::perform(stream::InitiatingActions actions) {
  for (std::size_t i = 0; i < actions.size(); ++i) {
    stream::InitiatingAction action = std::move(actions[i]);
    if (const auto* send = std::get_if<stream::Send>(&action)) {
      connection_->write(send->bytes);
    } else if (std::holds_alternative<stream::UpgradeTls>(action)) {
      for (auto& more : co_await upgrade_tls()) actions.push_back(std::move(more));
    } else if (std::holds_alternative<stream::RestartStream>(action)) {
      splitter_.reset();
    } else if (auto* bound = std::get_if<stream::Bound>(&action)) {
      jid_ = bound->jid.str();
      if (bound->keys) settings_.keys = std::move(bound->keys);
      co_return true;
    } else if (auto* failed = std::get_if<stream::Failed>(&action)) {
      co_return fail(std::move(failed->error));
    }
  }
  co_return false;
}

stream::InitiatingActions Client::on_event(const xml::SplitEvent& event) {
  if (event.kind == xml::SplitKind::kStreamEnd) return machine_->on_stream_end();
  if (event.kind == xml::SplitKind::kStreamHeader) {
    auto header = xml::parse_stream_header(event.bytes, limits());
    if (!header) return machine_->on_error(header.error());
    header_ = std::make_unique<xml::StreamHeader>(*std::move(header));
    return machine_->on_header(*header_);
  }
  if (event.kind != xml::SplitKind::kStanza) return {};
  auto element = xml::parse(event.bytes, xml::scope_of(*header_), limits());
  if (!element) return machine_->on_error(element.error());
  if (settings_.plain) keep_plain(*element);
  return machine_->on_element(*std::move(element));
}

Task<stream::InitiatingActions> Client::upgrade_tls() {
  std::string leftover(splitter_.rest());
  auto done = co_await connection_->start_tls_client(*settings_.context, "localhost",
                                                     std::move(leftover), 60s);
  if (!done) co_return machine_->on_error(done.error());
  co_return machine_->on_tls({}, true);
}

Task<Result<>> Client::fill() {
  for (;;) {
    BALCONY_CO_CHECK(co_await connection_->readable());
    BALCONY_CO_ASSIGN(const std::size_t count, connection_->read_some(shard_.buffer()));
    if (count == 0) continue;
    carried_.assign(shard_.buffer().data(), count);
    splitter_.feed(carried_);
    co_return {};
  }
}

Task<Error> Client::read(std::function<void(std::string_view)> on_stanza) {
  for (;;) {
    auto event = splitter_.next();
    if (!event) co_return event.error();
    if (event->kind == xml::SplitKind::kStanza && !(managed_ && manage_own(event->bytes))) {
      on_stanza(event->bytes);
    }
    if (event->kind == xml::SplitKind::kStreamEnd) {
      co_return Error(Errc::kClosed, "the server closed the stream");
    }
    if (event->kind != xml::SplitKind::kNeedMore) continue;
    std::size_t count = 0;
    while (count == 0) {
      if (auto ready = co_await connection_->readable(); !ready) co_return ready.error();
      auto got = connection_->read_some(shard_.buffer());
      if (!got) co_return got.error();
      count = *got;
    }
    splitter_.feed({shard_.buffer().data(), count});
  }
}

void Client::write(std::string_view stanza) {
  connection_->write(stanza);
  constexpr std::uint32_t kAskAfter = 5;
  if (managed_ && ++sent_ % kAskAfter == 0) connection_->write("<r xmlns='urn:xmpp:sm:3'/>");
}

void Client::manage() {
  managed_ = true;
  connection_->write("<enable xmlns='urn:xmpp:sm:3'/>");
}

// Whether it belongs to stream management.
bool Client::manage_own(std::string_view stanza) {
  if (stanza.starts_with("<r ")) {
    connection_->write("<a xmlns='urn:xmpp:sm:3' h='" + std::to_string(received_) + "'/>");
    return true;
  }
  if (stanza.starts_with("<enabled ")) {
    received_ = 0;  // §4: what came before it is not counted
    return true;
  }
  if (stanza.starts_with("<a ")) return true;
  ++received_;
  return false;
}

Task<> Client::close() {
  if (!connection_) co_return;
  connection_->write("</stream:stream>");
  co_await connection_->close();
}

}  // namespace balcony::bench
