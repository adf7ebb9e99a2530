#include "server/s2s/peer_stream.h"

#include "base/log.h"
#include "server/s2s/federation.h"
#include "server/unacknowledged.h"
#include "stanza/ns.h"

#include <algorithm>
#include <utility>

namespace balcony::server::s2s {
namespace {

// A stop waits no longer for a server to acknowledge what it has.
constexpr std::chrono::seconds kStopWithin{2};

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
  if (looking_up_) {
    // Not on the stack of who ends it: the reader would go on there.
    context_->shard.post(
        [lookup = looking_up_] { lookup->set(fail(Errc::kCancelled, "the stream has ended")); });
  }
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
    for (Stanza& stanza : read_kept(managed_->take_unacknowledged(), ns::kServer)) {
      lost.push_back(std::move(stanza));
    }
    managed_.reset();
  }
  const Error error(Errc::kRemoteServerTimeout, "the connection to that server was lost");
  for (const Stanza& stanza : lost) context_->router->remotes().give_back(stanza, error);
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

std::string PeerStream::vouched_by(const stream::DomainPair& pair) const {
  for (const std::string& domain : {pair.from, pair.to}) {
    const auto found = vouched_for_.find(domain);
    if (found != vouched_for_.end()) return " by " + std::string(to_string(found->second));
  }
  return {};
}

StreamDescription PeerStream::describe() const {
  StreamDescription all;
  all.is_ready = has_pairs();
  all.is_bidirectional = machine_->is_bidirectional();
  all.is_managed = managed_ != nullptr;
  all.remote = remote();
  const auto write_pair = [this](const auto& entry) {
    std::string text = entry.first.from + " -> " + entry.first.to + ": ";
    text.append(to_string(entry.second));
    const bool is_by_certificate = entry.second != stream::PairProof::kDialback;
    if (is_by_certificate) text += vouched_by(entry.first);
    return text;
  };
  for (const auto& entry : proofs_out_) all.sends.push_back(write_pair(entry));
  for (const auto& entry : proofs_in_) all.receives.push_back(write_pair(entry));
  if (managed_) all.unacknowledged = managed_->waiting().size();
  all.info = info();
  return all;
}

}  // namespace balcony::server::s2s
