#include "server/s2s/incoming_stream.h"

#include "base/log.h"
#include "base/random.h"
#include "precis/idna.h"
#include "server/s2s/federation.h"
#include "xml/writer.h"

#include <utility>

namespace balcony::server::s2s {
namespace {

stream::ReceivingServerOptions options_of(const Config& config, bool direct_tls) {
  stream::ReceivingServerOptions options;
  options.direct_tls = direct_tls;
  // What DNSSEC says of the other server's certificate is looked at when we go to it (RFC 7673 §3),
  // so where that counts, we go.
  options.bidi = config.s2s.bidi && config.dns.trust_anchor_file.empty();
  options.pairs.unproved_pending_max =
      static_cast<std::size_t>(config.s2s.verifications_per_stream);
  options.limits.bytes_max = config.s2s.stanza.count;
  options.limits.idle_seconds = static_cast<std::uint64_t>(config.s2s.idle_timeout.count());
  return options;
}

}  // namespace

void IncomingStream::start(ShardContext& context, ConnectionPtr connection, bool direct_tls) {
  auto machine = std::make_unique<MachineOf<stream::ReceivingServer>>(
      context.federation->policy(), system_random(), options_of(*context.config, direct_tls));
  auto* session = new IncomingStream(context, std::move(machine), direct_tls);
  session->take(std::move(connection));
  // docs/security.md: absolute, until a domain is proved.
  session->transport_->set_deadline_in(context.config->s2s.auth_timeout);
  spawn(session->run(direct_tls));
}

IncomingStream::IncomingStream(ShardContext& context,
                               std::unique_ptr<MachineOf<stream::ReceivingServer>> machine, bool)
    : PeerStream(context, std::move(machine)),
      machine_of_(static_cast<MachineOf<stream::ReceivingServer>&>(*machine_).own) {}

Task<> IncomingStream::run(bool direct_tls) {
  Next next = Next::kGoOn;
  if (direct_tls) {
    // XEP-0368 §3: TLS first, then the stream.
    if (auto tls = co_await upgrade_tls(); !tls) {
      next = on_lost(tls.error());
    } else {
      next = co_await perform(machine_->on_tls(!transport_->peer_certificate().der.empty()));
    }
  }
  if (next == Next::kGoOn) next = co_await reader_.run(*transport_);
  if (next == Next::kMove) co_return;  // it is another shard's now
  finish();
}

// The first header says who it claims to be. Nothing is believed of that; but where he really is
// the one, everything of that domain is at one place (decision 0010).
Task<Next> IncomingStream::negotiate(xml::SplitEvent event) {
  if (moved_ || event.kind != xml::SplitKind::kStreamHeader) {
    co_return co_await PeerStream::negotiate(event);
  }
  moved_ = true;
  auto header = xml::parse_stream_header(event.bytes, limits_);
  const auto claimed = header ? Jid::make("", header->from) : Result<Jid>(fail(Errc::kJidEmpty));
  const auto& contexts = context_->shared.contexts;
  const std::size_t here = context_->shard.index();
  const std::size_t home =
      claimed ? router::home_shard(claimed->bare_str(), contexts.size()) : here;
  if (home == here) co_return co_await PeerStream::negotiate(event);
  header_ = *std::move(header);
  reader_.keep_rest();
  move_to(*contexts[home]);
  co_return Next::kMove;
}

void IncomingStream::move_to(ShardContext& home) {
  unsent_.reset();
  auto detached = std::make_shared<Detached>(transport_->release());
  transport_.reset();
  context_->federation->streams.erase(this);
  home.shard.post([this, &home, detached] {
    context_ = &home;
    take(Connection::adopt(home.shard, std::move(*detached)));
    machine_of_.set_policy(home.federation->policy());
    home.federation->streams.insert(this);
    spawn(run_at_home());
  });
}

Task<> IncomingStream::run_at_home() {
  if (context_->shared.stopping) end({StreamCondition::kSystemShutdown, ""});
  Next next = ended_ ? Next::kEnd : co_await perform(machine_->on_header(header_));
  if (next == Next::kGoOn) next = co_await reader_.run(*transport_);
  finish();
}

Task<Result<>> IncomingStream::upgrade_tls() {
  std::string hint = precis::domain_to_ascii(machine_of_.domain()).value_or("");
  std::string leftover = reader_.take_rest_before_tls();
  return transport_->start_tls_server(*context_->shared.tls_s2s, std::move(hint),
                                      std::move(leftover));
}

void IncomingStream::on_accepted(const stream::PairAccepted& what) {
  PeerStream::on_accepted(what);
  if (context_->federation->incoming_from(remote()) >
      static_cast<std::size_t>(config().streams_per_domain)) {
    end({StreamCondition::kPolicyViolation, "your domain has streams enough"});
  }
}

void IncomingStream::on_opened(const stream::PairOpened& what) {
  // The routes of a domain are at its home; a further domain on this stream may have another one.
  const auto remote = Jid::make("", what.pair.to);
  if (remote && context_->router->is_home(*remote)) PeerStream::on_opened(what);
}

void IncomingStream::reconsider() {
  for (const auto& [pair, proof] : proofs_in_) {
    const auto trust = context_->federation->policy().trust(pair.from, pair.to);
    if (!trust.allowed) {
      return end({StreamCondition::kPolicyViolation, "this server talks to yours no more"});
    }
    if (!context_->router->serves(pair.to)) return end({StreamCondition::kHostGone, ""});
  }
}

// ---- stream management

stream::ServerActions IncomingStream::on_management_asked(bool resume) {
  if (managed_) {
    write(xml::to_string(stream::write_failed(Errc::kUnexpectedRequest)));
    return {};
  }
  // It does not resume what was lost.
  context_->federation->let_go(machine_of_.incoming().accepted());
  const ManagedOptions options = peer_management(*context_->config);
  const bool is_resumable = resume && options.resume_timeout.count() > 0;
  const std::string id = is_resumable ? system_random().token(16) : "";
  manage(std::make_unique<ManagedStream>(context_->shard, std::make_shared<Ledger>(context_->shard),
                                         id, options));
  write(xml::to_string(
      stream::write_enabled(id, static_cast<std::uint32_t>(options.resume_timeout.count()))));
  return {};
}

// XEP-0198 §5: somebody else's stream is not known, and does not notice.
void IncomingStream::on_resumption_asked(const stream::Resume& what) {
  auto lost = managed_
                  ? std::nullopt
                  : context_->federation->take_lost(what.previd, machine_of_.incoming().accepted());
  if (!lost) {
    write(xml::to_string(stream::write_failed(Errc::kItemNotFound)));
    return;
  }
  // Too late for what we had sent, or the stream cannot carry it: what came is told all the same.
  const bool can_go_on = lost->sends.empty() || machine_->is_bidirectional();
  if (lost->is_over || !can_go_on) {
    write(xml::to_string(stream::write_failed(Errc::kItemNotFound, lost->managed->h())));
    return context_->federation->let_go(*lost);
  }
  auto missed = lost->managed->resume(what.h);
  if (!missed) {
    write(xml::to_string(stream::write_failed(Errc::kBadRequest, lost->managed->h())));
    context_->federation->keep_lost(what.previd, *std::move(lost));
    return;
  }
  write(xml::to_string(stream::write_resumed(what.previd, lost->managed->h())));
  manage(std::move(lost->managed));
  write(*missed);
  say("server stream resumed", remote(), "");
  // XEP-0288: what waited follows what was sent again.
  for (const stream::DomainPair& pair : lost->sends) {
    const router::DomainPair route{pair.from, pair.to};
    context_->router->remotes().release(route);
    context_->router->remotes().ready(route, *this);
  }
}

void IncomingStream::leave(bool is_lost) {
  if (!is_lost) return leave_routes(false);
  LostStream lost;
  for (const auto& [pair, proof] : proofs_out_) {
    // What waits for the pair goes nowhere else until it is known whether this stream goes on.
    const router::DomainPair route{pair.from, pair.to};
    if (context_->router->remotes().suspended(route, *this)) lost.sends.insert(pair);
  }
  lost.receives = machine_of_.incoming().accepted();
  managed_->attach(nullptr);
  lost.managed = std::move(managed_);
  const std::string id = lost.managed->id();
  context_->federation->keep_lost(id, std::move(lost));
}

}  // namespace balcony::server::s2s
