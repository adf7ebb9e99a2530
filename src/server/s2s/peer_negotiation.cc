// What both ends of a stream between servers do with what their machine asks for.
#include "server/s2s/peer_stream.h"

#include "base/log.h"
#include "server/s2s/federation.h"
#include "server/s2s/policy.h"

#include <algorithm>
#include <utility>

namespace balcony::server::s2s {

Task<Next> PeerStream::negotiate(xml::SplitEvent event) {
  stream::ServerActions actions;
  if (event.kind == xml::SplitKind::kStreamEnd) {
    actions = machine_->on_stream_end();
  } else if (event.kind == xml::SplitKind::kStreamHeader) {
    auto header = xml::parse_stream_header(event.bytes, limits_);
    if (header) {
      header_ = *std::move(header);
      actions = machine_->on_header(header_);
    } else {
      actions = machine_->on_error(header.error());
    }
  } else {
    auto element = xml::parse(event.bytes, xml::scope_of(header_), limits_);
    actions =
        element ? machine_->on_element(*std::move(element)) : machine_->on_error(element.error());
  }
  reader_.keep_rest();
  co_return co_await perform(std::move(actions));
}

// Actions whose answers come at once give new actions: a queue, not recursion.
Task<Next> PeerStream::perform(stream::ServerActions actions) {
  for (std::size_t i = 0; i < actions.size() && !ended_; ++i) {
    stream::ServerAction action = std::move(actions[i]);
    stream::ServerActions more;
    if (std::holds_alternative<stream::UpgradeTls>(action)) {
      auto upgraded = co_await upgrade_tls();
      if (!upgraded) co_return on_lost(upgraded.error());
      more = machine_->on_tls(!transport_->peer_certificate().der.empty());
    } else if (const auto* asked = std::get_if<stream::CheckCertificate>(&action);
               asked && machine_->waits_for_certificate()) {
      std::string domain = asked->domain;
      more = co_await check_and_wait(std::move(domain));
    } else {
      apply_one(action, more);
    }
    stream::append(actions, std::move(more));
  }
  co_return ended_ ? Next::kEnd : Next::kGoOn;
}

void PeerStream::apply(stream::ServerActions actions) {
  for (std::size_t i = 0; i < actions.size(); ++i) {
    stream::ServerAction action = std::move(actions[i]);
    stream::ServerActions more;
    apply_one(action, more);
    stream::append(actions, std::move(more));
  }
}

void PeerStream::apply_one(stream::ServerAction& action, stream::ServerActions& more) {
  if (auto* send = std::get_if<stream::Send>(&action)) {
    write(send->bytes);
  } else if (std::holds_alternative<stream::RestartStream>(action)) {
    reader_.restart();
  } else if (auto* asked = std::get_if<stream::CheckCertificate>(&action)) {
    const auto verdict = check_certificate(asked->domain);
    if (const Lookup lookup = verdict ? nullptr : look_up(asked->domain, verdict.error())) {
      return spawn(check_later(self_, lookup, asked->domain));
    }
    if (!verdict) say("certificate does not count", asked->domain, verdict.error().detail);
    more = machine_->on_certificate(asked->domain, verdict);
  } else if (auto* key = std::get_if<stream::VerifyKey>(&action)) {
    verify(*key);
  } else if (auto* accepted = std::get_if<stream::PairAccepted>(&action)) {
    on_accepted(*accepted);
  } else if (auto* rejected = std::get_if<stream::PairRejected>(&action)) {
    say("server not accepted", rejected->pair.from, rejected->error.to_string());
  } else if (auto* opened = std::get_if<stream::PairOpened>(&action)) {
    on_opened(*opened);
  } else if (auto* refused = std::get_if<stream::PairRefused>(&action)) {
    on_refused_pair(*refused);
  } else if (auto* answer = std::get_if<stream::KeyAnswered>(&action)) {
    on_key_answered(*answer);
  } else if (auto* enable = std::get_if<stream::EnableManagement>(&action)) {
    more = on_management_asked(enable->resume);
  } else if (auto* resume = std::get_if<stream::ResumeManagement>(&action)) {
    on_resumption_asked(resume->what);
  } else if (auto* outcome = std::get_if<stream::ManagementOutcome>(&action)) {
    on_management(std::move(*outcome));
  } else if (auto* ready = std::get_if<stream::StreamReady>(&action)) {
    on_ready(*ready);
  } else if (auto* failed = std::get_if<stream::Failed>(&action)) {
    on_failed(*failed);
  } else if (auto* end = std::get_if<stream::EndStream>(&action)) {
    if (ended_) return;
    if (end->error) say("server stream ended", remote(), to_string(end->error->condition));
    leave_routes(false);
    ended_ = true;
    wake();
  }
}

// The stream goes on meanwhile, and may be gone when the answer comes.
void PeerStream::verify(const stream::VerifyKey& what) {
  context_->federation->verify(
      what, transport_->peer_address(),
      [weak = std::weak_ptr(self_), pair = what.pair](const Result<>& verdict) {
        const auto self = weak.lock();
        if (!self || (*self)->ended_) return;
        (*self)->apply((*self)->machine_->on_key(pair, verdict));
      });
}

// ---- certificates that do not count by themselves

PeerStream::Lookup PeerStream::look_up(const std::string& domain, const Error& why) {
  CertificateLookup& lookup = context_->federation->certificates();
  CertificateQuestion what{domain, transport_->peer_address(), transport_->peer_certificate(),
                           is_incoming(), why};
  if (!asks_others(domain) || !lookup.is_of_use(what)) return nullptr;
  return lookup.ask(std::move(what));
}

stream::ServerActions PeerStream::tell_certificate(const std::string& domain,
                                                   const Result<CertificateWay>& way) {
  Result<> verdict;
  if (way) {
    vouched_for_[domain] = *way;
  } else {
    say("certificate does not count", domain, way.error().detail);
    verdict = fail(way.error());
  }
  return machine_->on_certificate(domain, verdict);
}

// Nothing is read meanwhile (receiving_server.h); the time is bounded, and cut by the end.
Task<stream::ServerActions> PeerStream::check_and_wait(std::string domain) {
  const auto verdict = check_certificate(domain);
  const Lookup lookup = verdict ? nullptr : look_up(domain, verdict.error());
  if (!lookup) {
    if (!verdict) say("certificate does not count", domain, verdict.error().detail);
    co_return machine_->on_certificate(domain, verdict);
  }
  looking_up_ = lookup;
  CertificateLookup::Answer& answer = *lookup;
  const Result<CertificateWay> way = co_await answer;
  looking_up_.reset();
  if (ended_) co_return stream::ServerActions();
  co_return tell_certificate(domain, way);
}

// Of a further domain on a stream that goes on.
Task<> PeerStream::check_later(std::weak_ptr<PeerStream*> weak, Lookup lookup, std::string domain) {
  CertificateLookup::Answer& answer = *lookup;
  const Result<CertificateWay> way = co_await answer;
  const auto self = weak.lock();
  if (!self || (*self)->ended_) co_return;
  (*self)->apply((*self)->tell_certificate(domain, way));
}

Result<> PeerStream::check_certificate(std::string_view domain) const {
  return s2s::check_certificate(config(), transport_->peer_certificate(), domain);
}

void PeerStream::on_accepted(const stream::PairAccepted& what) {
  const bool is_first = !has_pairs();
  proofs_in_[what.pair] = what.proof;
  log_info("server accepted", {{"stream", machine_->id()},
                               {"remote", what.pair.from},
                               {"local", what.pair.to},
                               {"proof", to_string(what.proof)},
                               {"tls", transport_->tls_summary()},
                               {"peer", transport_->peer()}});
  if (is_first) become_trusted();
}

void PeerStream::on_opened(const stream::PairOpened& what) {
  const bool is_first = !has_pairs();
  proofs_out_[what.pair] = what.proof;
  log_info("server reached", {{"stream", machine_->id()},
                              {"remote", what.pair.to},
                              {"local", what.pair.from},
                              {"proof", to_string(what.proof)},
                              {"tls", transport_->tls_summary()},
                              {"peer", transport_->peer()}});
  if (is_first) become_trusted();
  // The routes of a domain are at its home; a further one on this stream may have another.
  const auto remote = Jid::make("", what.pair.to);
  if (!remote || !context_->router->is_home(*remote)) return;
  context_->router->remotes().ready({what.pair.from, what.pair.to}, *this);
}

void PeerStream::on_failed(const stream::Failed& what) {
  if (!ended_) say("server stream failed", remote(), what.error.to_string());
}

void PeerStream::on_refused_pair(const stream::PairRefused& what) {
  say("server does not accept us", what.pair.to, what.error.to_string());
}

}  // namespace balcony::server::s2s
