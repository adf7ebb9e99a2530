#include "server/s2s/federation.h"

#include "base/log.h"
#include "server/s2s/incoming_stream.h"
#include "server/s2s/outgoing_stream.h"
#include "server/unacknowledged.h"
#include "stanza/ns.h"
#include "stream/dialback.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace balcony::server::s2s {

namespace {

// How soon a lost connection is made again after the first attempt; doubled each time.
constexpr std::chrono::milliseconds kRetryFirst{500};

// How long the stanzas for a server that opened a bidirectional stream wait for that to be resumed,
// before we go to that server: time for four attempts as ours.
constexpr std::chrono::seconds kHoldFor{4};

// Whether who has proved `proved` had this stream.
bool is_theirs(const LostStream& lost, const stream::ProvenPairs& proved) {
  return std::ranges::all_of(lost.receives,
                             [&proved](const auto& entry) { return proved.contains(entry.first); });
}

Error lost_error() {
  return Error(Errc::kRemoteServerTimeout, "the connection to that server was lost");
}

}  // namespace

Federation::Federation(ShardContext& context)
    : loans(context),
      context_(context),
      policy_(context),
      key_limits_(ask_limits(*context.config)),
      certificates_(context) {}

Federation::~Federation() {
  for (auto& [id, expiring] : lost_incoming_) expiring.stop(context_.shard);
}

void Federation::reconsider() {
  const bool is_on = context_.config->federates();
  key_limits_.set_options(ask_limits(*context_.config));
  certificates_.reconsider();
  context_.router->remotes().set_dialer(is_on ? this : nullptr);
  const std::vector<PeerStream*> all(streams.begin(), streams.end());
  for (PeerStream* stream : all) {
    if (is_on) {
      stream->reconsider();
    } else {
      stream->end({StreamCondition::kPolicyViolation, "this server talks to no others any more"});
    }
  }
}

void Federation::accept(ConnectionPtr connection, bool direct_tls) {
  if (!context_.config->federates()) return;  // until the port is closed
  ++accepted;
  IncomingStream::start(context_, std::move(connection), direct_tls);
}

void Federation::stop() {
  context_.router->remotes().stop();
  const std::vector<PeerStream*> all(streams.begin(), streams.end());
  for (PeerStream* stream : all) stream->stop();
  for (auto& [pair, lost] : std::exchange(lost_outgoing_, {})) give_up(std::move(lost));
  for (auto& [id, expiring] : std::exchange(lost_incoming_, {})) {
    expiring.stop(context_.shard);
    let_go(expiring.lost);
  }
}

std::optional<Error> Federation::refuses(const router::DomainPair& pair) const {
  return refusal(context_.config->s2s, pair.remote);
}

void Federation::dial(const router::DomainPair& pair) {
  context_.shard.post([this, pair] { find_stream(pair); });
}

void Federation::find_stream(const router::DomainPair& pair) {
  // A stream that the other server opened may carry it (XEP-0288).
  const auto found = std::ranges::find_if(
      streams, [&pair](const PeerStream* stream) { return stream->may_carry(pair); });
  if (found != streams.end()) return context_.router->remotes().ready(pair, **found);
  // One that we opened for another domain of ours may serve this one too (XEP-0220 §2.7).
  for (PeerStream* stream : streams) {
    if (stream->open_also(pair)) return;
  }
  OutgoingStream::start(context_, pair);
}

void Federation::verify(const stream::VerifyKey& what, std::string address, Verdict then) {
  const Question question{what.pair.from, std::move(address)};
  if (auto may = key_limits_.begin(question, context_.shard.clock().now()); !may) {
    ++key_counts_.refused;
    log_info("dialback key not verified", {{"remote", question.target},
                                           {"peer", question.address},
                                           {"why", may.error().to_string()}});
    context_.shard.post([may = std::move(may), then = std::move(then)] { then(may); });
    return;
  }
  OutgoingStream::verify(
      context_, what, [this, question, then = std::move(then)](const Result<>& verdict) {
        key_limits_.end(question, verdict, context_.shard.clock().now());
        const bool is_invalid = !verdict && verdict.error().code == Errc::kForbidden;
        ++(verdict ? key_counts_.valid : is_invalid ? key_counts_.invalid : key_counts_.unanswered);
        then(verdict);
      });
}

std::size_t Federation::incoming_from(std::string_view remote) const {
  return static_cast<std::size_t>(std::ranges::count_if(streams, [&](const PeerStream* stream) {
    return stream->is_incoming() && stream->has_pairs() && stream->remote() == remote;
  }));
}

// ---- streams that were lost

void Federation::keep_lost(const router::DomainPair& pair, LostStream lost) {
  auto& place = lost_outgoing_[pair];
  if (place.managed) give_up(std::move(place));
  place = std::move(lost);
}

bool Federation::try_again(const router::DomainPair& pair) {
  const auto found = lost_outgoing_.find(pair);
  if (found == lost_outgoing_.end()) return false;
  LostStream& lost = found->second;
  const auto delay = kRetryFirst * (1 << std::min(lost.tries++, 5U));
  if (context_.shared.stopping || context_.shard.clock().now() + delay >= lost.until) {
    give_back(lost);
    lost_outgoing_.erase(found);
    return false;
  }
  context_.shard.after(delay, [this, pair] {
    if (lost_outgoing_.contains(pair)) OutgoingStream::start(context_, pair);
  });
  return true;
}

std::optional<LostStream> Federation::take_lost(const router::DomainPair& pair) {
  auto found = lost_outgoing_.extract(pair);
  if (!found) return std::nullopt;
  return std::move(found.mapped());
}

void Federation::keep_lost(const std::string& id, LostStream lost) {
  const auto timeout = lost.managed->options().resume_timeout;
  lost.until = context_.shard.clock().now() + timeout;
  make_room(lost);
  Expiring& place = lost_incoming_[id];
  place.lost = std::move(lost);
  place.timer = context_.shard.after(timeout, [this, id] { expire(id); });
  if (place.lost.sends.empty()) return;
  place.hold = context_.shard.after(kHoldFor, [this, id] {
    const auto found = lost_incoming_.find(id);
    if (found != lost_incoming_.end()) let_go(found->second.lost);
  });
}

// As many of a domain's may wait as it may have connected; the oldest goes.
void Federation::make_room(const LostStream& next) {
  const auto domain_of = [](const LostStream& lost) -> std::string_view {
    return lost.receives.empty() ? std::string_view() : lost.receives.begin()->first.from;
  };
  std::int64_t count = 0;
  auto oldest = lost_incoming_.end();
  for (auto at = lost_incoming_.begin(); at != lost_incoming_.end(); ++at) {
    if (domain_of(at->second.lost) != domain_of(next)) continue;
    ++count;
    if (oldest == lost_incoming_.end() || at->second.lost.until < oldest->second.lost.until) {
      oldest = at;
    }
  }
  if (count < context_.config->s2s.streams_per_domain || count == 0) return;
  oldest->second.stop(context_.shard);
  let_go(lost_incoming_.extract(oldest).mapped().lost);
}

std::optional<LostStream> Federation::take_lost(const std::string& id,
                                                const stream::ProvenPairs& proved) {
  const auto found = lost_incoming_.find(id);
  if (found == lost_incoming_.end()) return std::nullopt;
  if (!is_theirs(found->second.lost, proved)) return std::nullopt;
  found->second.stop(context_.shard);
  LostStream lost = std::move(found->second.lost);
  lost_incoming_.erase(found);
  return lost;
}

void Federation::expire(const std::string& id) {
  auto found = lost_incoming_.extract(id);
  if (!found) return;
  found.mapped().stop(context_.shard);
  let_go(found.mapped().lost);
}

// Nobody knows what of it arrived: it goes back, and the next go by another stream.
void Federation::let_go(LostStream& lost) {
  lost.is_over = lost.is_over || !lost.sends.empty();
  give_back(lost);
  lost.sends.clear();
}

void Federation::let_go(const stream::ProvenPairs& proved) {
  for (auto& [id, expiring] : lost_incoming_) {
    if (!expiring.lost.sends.empty() && is_theirs(expiring.lost, proved)) let_go(expiring.lost);
  }
}

void Federation::give_back(LostStream& lost) {
  for (const Stanza& stanza : read_kept(lost.managed->take_unacknowledged(), ns::kServer)) {
    context_.router->remotes().give_back(stanza, lost_error());
  }
  recall(lost);
  for (const stream::DomainPair& pair : lost.sends) {
    const router::DomainPair route{pair.from, pair.to};
    if (route != lost.first) context_.router->remotes().came_back(route, {});
  }
}

void Federation::recall(LostStream& lost) {
  for (const auto& [pair, borrower] : std::exchange(lost.lent, {})) loans.recall(pair, borrower);
}

void Federation::give_up(LostStream lost) {
  give_back(lost);
  for (const stream::DomainPair& pair : lost.sends) {
    context_.router->remotes().failed({pair.from, pair.to}, lost_error());
  }
}

ManagedOptions peer_management(const Config& config) {
  ManagedOptions options;
  options.resume_timeout = config.s2s.resume_timeout;
  options.silence_max = config.stream_management.silence;
  options.ask_soon = true;
  return options;
}

}  // namespace balcony::server::s2s
