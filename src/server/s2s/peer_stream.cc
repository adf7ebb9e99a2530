#include "server/s2s/peer_stream.h"

#include "base/log.h"
#include "router/subscription.h"
#include "server/s2s/federation.h"
#include "server/unacknowledged.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"
#include "xml/writer.h"

#include <algorithm>
#include <utility>

namespace balcony::server::s2s {
namespace {

// RFC 6120 §4.8.3: stanzas of this stream are in its content namespace.
xml::WriteOptions as_server() {
  xml::WriteOptions options;
  options.scope_ns = options.content_ns = ns::kServer;
  return options;
}

// A stop waits no longer for a server to acknowledge what it has.
constexpr std::chrono::seconds kStopWithin{2};

// Serialising goes through one string a thread: the connection copies it into its queue.
std::string& scratch() {
  thread_local std::string text;
  text.clear();
  return text;
}

}  // namespace

PeerStream::PeerStream(ShardContext& context, std::unique_ptr<Machine> machine)
    : context_(&context),
      machine_(std::move(machine)),
      reader_(*this, limits_),
      since_(context.shard.clock().wall()) {
  const LimitsConfig& config = context.config->limits;
  limits_.stanza_bytes_max = config.stanza_before_auth.count;
  limits_.depth_max = static_cast<std::size_t>(config.depth);
  limits_.attributes_max = static_cast<std::size_t>(config.attributes);
  limits_.nodes_max = static_cast<std::size_t>(config.nodes);
  reader_.set_limits(limits_);
  context_->federation->streams.insert(this);
}

PeerStream::~PeerStream() {
  context_->shard.cancel(idle_timer_);
  context_->shard.cancel(stop_timer_);
  context_->federation->streams.erase(this);
}

void PeerStream::take(ConnectionPtr connection) {
  transport_ = std::make_unique<session::TcpTransport>(std::move(connection));
  unsent_ = std::make_unique<UnsentStanzas>(
      context_->shard, [transport = transport_.get()] { return transport->unsent(); });
}

void PeerStream::become_trusted() {
  transport_->clear_deadline();
  transport_->leave_address_limit();
  transport_->set_rate(static_cast<std::uint32_t>(config().rate.count),
                       static_cast<std::uint32_t>(config().rate_burst.count));
  transport_->set_output_max(config().output_queue.count);
  limits_.stanza_bytes_max = config().stanza.count;
  reader_.set_limits(limits_);
  if (idle_timer_ == 0) watch_idleness();
}

// Looks twice in that time; a stream is closed by its first look without news.
void PeerStream::watch_idleness() {
  idle_at_ = stanzas_in_ + stanzas_out_;
  idle_timer_ = context_->shard.after(config().idle_timeout, [this] {
    idle_timer_ = 0;
    const bool is_idle =
        idle_at_ == stanzas_in_ + stanzas_out_ && (!managed_ || managed_->waiting().empty());
    if (is_idle) return end_politely();
    watch_idleness();
  });
}

void PeerStream::say(std::string_view event, std::string_view remote, std::string_view why) const {
  log_info(event, {{"stream", machine_->id()},
                   {"remote", remote},
                   {"peer", transport_ ? transport_->peer() : ""},
                   {"why", why}});
}

// ---- the end

void PeerStream::finish() {
  ended_ = true;
  const bool is_resumable = lost_ && managed_ && managed_->is_resumable();
  leave(is_resumable && !context_->shared.stopping);
  return_stanzas();
  if (transport_) session::Transport::close_in_background(std::move(transport_));
  delete this;
}

void PeerStream::end(const StreamError& error) {
  if (ended_) return;
  say("server stream ended by us", remote(), to_string(error.condition));
  // Nothing may be written behind the end of the stream.
  leave_routes(false);
  ended_ = true;
  apply(machine_->end(error));
  wake();
}

void PeerStream::stop() {
  const StreamError shutdown{StreamCondition::kSystemShutdown, ""};
  if (ended_ || !managed_ || managed_->waiting().empty()) return end(shutdown);
  leave_routes(false);
  stopping_ = true;
  managed_->ask();
  stop_timer_ = context_->shard.after(kStopWithin, [this, shutdown] {
    stop_timer_ = 0;
    end(shutdown);
  });
}

void PeerStream::end_politely() {
  if (ended_) return;
  leave_routes(false);
  ended_ = true;
  apply(machine_->close());
  wake();
}

// The reader then ends the session.
void PeerStream::wake() {
  if (transport_) transport_->set_deadline_in(std::chrono::milliseconds(0));
  settled();
}

Next PeerStream::on_refused(const Error& error) {
  if (ended_) return Next::kEnd;
  say("server stream refused", remote(), error.to_string());
  leave_routes(false);
  ended_ = true;
  apply(machine_->on_error(error));
  return Next::kEnd;
}

Next PeerStream::on_lost(const Error& error) {
  if (ended_) return Next::kEnd;
  lost_ = has_pairs();
  say(lost_ ? "server stream lost" : "server stream failed", remote(), error.to_string());
  ended_ = true;
  apply(machine_->on_error(error));
  return Next::kEnd;
}

void PeerStream::leave_routes(bool is_suspended) {
  for (const auto& [pair, proof] : proofs_out_) {
    const router::DomainPair route{pair.from, pair.to};
    if (is_suspended) {
      context_->router->remotes().suspended(route, *this);
    } else {
      context_->router->remotes().gone(route, *this);
    }
  }
}

void PeerStream::return_stanzas() {
  std::vector<Stanza> lost;
  if (unsent_) {
    for (Stanza& stanza : unsent_->take()) lost.push_back(std::move(stanza));
    unsent_.reset();
  }
  if (managed_) {
    for (Stanza& stanza : read_kept(managed_->take_unacknowledged())) {
      lost.push_back(std::move(stanza));
    }
    managed_.reset();
  }
  const Error error(Errc::kRemoteServerTimeout, "the connection to that server was lost");
  for (const Stanza& stanza : lost) context_->router->remotes().give_back(stanza, error);
}

// ---- stanzas out

void PeerStream::deliver(const Stanza& stanza, std::string_view to) {
  std::string& text = scratch();
  xml::WriteOptions options = as_server();
  options.to = to;
  xml::write(text, stanza.xml(), options);
  const std::uint64_t bytes_max = machine_->peer_limits().bytes_max;
  if (bytes_max > 0 && text.size() > bytes_max) return return_too_big(stanza);
  ++stanzas_out_;
  write(text);
  if (unsent_) unsent_->wrote(stanza);
  if (managed_ && !managed_->sent(text, to_answer_for(stanza))) {
    end({StreamCondition::kPolicyViolation, "too much waits for your acknowledgement"});
  }
}

// XEP-0478 §2: it would cost the stream, and everybody's stanzas in it. Not on the stack of the
// router, which is not called back from here.
void PeerStream::return_too_big(const Stanza& stanza) {
  auto given_back = std::make_shared<Stanza>(stanza.clone());
  context_->shard.post([&router = *context_->router, given_back] {
    const Error error(Errc::kPolicyViolation, "that server takes no stanza as large as this one");
    router.remotes().give_back(*given_back, error);
  });
}

void PeerStream::deliver(xml::ElementView element) {
  std::string& text = scratch();
  xml::write(text, element, as_server());
  ++stanzas_out_;
  write(text);
  if (managed_) (void)managed_->sent(text, nullptr);
}

void PeerStream::write(std::string_view bytes) {
  if (!transport_) return;
  transport_->write(bytes);
  if (unsent_) unsent_->wrote(bytes.size());
}

bool PeerStream::has_room() const {
  return !ended_ && (!managed_ || managed_->has_room()) &&
         transport_->unsent_bytes() < config().output_queue.count / 2;
}

// ---- stanzas in

Next PeerStream::on_stanza(std::string_view bytes, Rest& rest) {
  auto element = xml::parse(bytes, xml::scope_of(header_), limits_);
  if (!element) return on_refused(element.error());
  if (managed_ && element->ns() == ns::kStreamManagement &&
      (element->name() == "r" || element->name() == "a")) {
    return on_management_element(*element);
  }
  if (!stanza_kind(*element)) {
    apply(machine_->on_element(*std::move(element)));
    return ended_ ? Next::kEnd : Next::kGoOn;
  }
  // XEP-0198 §5: what is sent again after a resumption, and is here already, is handled once.
  if (managed_ && managed_->ledger()->arrives(bytes)) return Next::kGoOn;
  auto stanza = Stanza::make(*element);
  if (!stanza) {
    refuse(*element, stanza.error());
    return ended_ ? Next::kEnd : Next::kGoOn;
  }
  if (const auto error = machine_->check(*stanza)) {
    log_warning("a server sent what it may not",
                {{"stream", machine_->id()},
                 {"peer", transport_->peer()},
                 {"remote", remote()},
                 {"from", stanza->from() ? stanza->from()->str() : ""},
                 {"to", stanza->to() ? stanza->to()->str() : ""}});
    end(*error);
    return Next::kEnd;
  }
  ++stanzas_in_;
  hand_in(*std::move(stanza), bytes.size(), rest);
  return Next::kGoOn;
}

// As a client's (docs/decisions/0012), where the peer waits for acknowledgements.
void PeerStream::hand_in(Stanza stanza, std::size_t bytes, Rest& rest) {
  ReceiptPtr receipt;
  if (managed_) receipt = managed_->ledger()->enter(stanza.is_message() ? bytes : 0);
  const bool is_stored = stanza.is_message() || router::is_subscription_type(stanza.type());
  if (is_stored || (stanza.is_request() && !stanza.to()->is_full())) stanza.set_receipt(receipt);
  rest.task = context_->router->receive_foreign(std::move(stanza));
  if (rest.task) rest.receipt = std::move(receipt);
}

// What is no valid stanza costs the stanza and not the stream, where its sender can be told so: a
// server has many users, and one of them must not end it for the others.
void PeerStream::refuse(xml::ElementView stanza, const Error& error) {
  if (error.code != Errc::kBadRequest) {
    // RFC 6120 §4.9.3.7: an address that is none.
    return end({StreamCondition::kImproperAddressing, error.detail});
  }
  if (managed_) managed_->ledger()->pass();
  xml::Element answer = error_reply(stanza, error);
  if (!answer) return;
  auto reply = Stanza::make(answer);
  if (!reply || !reply->from() || !reply->to()) return;
  if (!machine_->incoming().may_send(reply->to()->domain(), reply->from()->domain())) return;
  context_->router->route(*std::move(reply));
}

bool PeerStream::is_too_far_ahead() const {
  if (!managed_) return false;
  const LimitsConfig& limits = context_->config->limits;
  return managed_->ledger()->open() >= static_cast<std::size_t>(limits.unsettled_stanzas) ||
         managed_->ledger()->open_bytes() >= limits.unsettled_bytes.count;
}

Task<> PeerStream::catch_up() {
  while (!ended_ && is_too_far_ahead()) {
    const auto waiter = std::make_shared<OneShot<bool>>();
    caught_up_ = waiter;
    OneShot<bool>& done = *waiter;
    co_await done;
    caught_up_.reset();
  }
}

void PeerStream::settled() {
  // Not on the stack of whoever settled it: the reader would go on there.
  if (caught_up_) context_->shard.post([waiter = caught_up_] { waiter->set(true); });
}

// ---- stream management

void PeerStream::manage(std::unique_ptr<ManagedStream> managed) {
  managed_ = std::move(managed);
  managed_->attach(this);
  unsent_.reset();
}

Next PeerStream::on_management_element(xml::ElementView element) {
  const auto effect = managed_->on_element(element);
  write(effect.reply);
  if (!effect.error) {
    if (stopping_ && managed_->waiting().empty()) end({StreamCondition::kSystemShutdown, ""});
    return ended_ ? Next::kEnd : Next::kGoOn;
  }
  say("server stream ended by us", remote(), effect.error->text);
  leave_routes(false);
  if (!std::exchange(ended_, true)) write(stream::kStreamEndTag);
  return Next::kEnd;
}

void PeerStream::peer_is_silent() {
  say("a server acknowledges nothing", remote(), "");
  transport_->set_deadline_in(std::chrono::milliseconds(0));
}

// ---- for operators

bool PeerStream::has_remote(std::string_view domain) const {
  return std::ranges::any_of(proofs_in_, [&](const auto& p) { return p.first.from == domain; }) ||
         std::ranges::any_of(proofs_out_, [&](const auto& p) { return p.first.to == domain; }) ||
         remote() == domain;
}

router::Endpoint::Info PeerStream::info() const {
  return {machine_->id(),
          transport_ ? transport_->peer() : "",
          transport_ ? transport_->tls_summary() : "",
          since_,
          stanzas_in_,
          stanzas_out_};
}

StreamDescription PeerStream::describe() const {
  StreamDescription all;
  all.is_ready = has_pairs();
  all.is_bidirectional = machine_->is_bidirectional();
  all.is_managed = managed_ != nullptr;
  all.remote = remote();
  const auto write_pair = [](const auto& entry) {
    return entry.first.from + " -> " + entry.first.to + ": " + std::string(to_string(entry.second));
  };
  for (const auto& entry : proofs_out_) all.sends.push_back(write_pair(entry));
  for (const auto& entry : proofs_in_) all.receives.push_back(write_pair(entry));
  if (managed_) all.unacknowledged = managed_->waiting().size();
  all.info = info();
  return all;
}

}  // namespace balcony::server::s2s
