// SASL2 (XEP-0388) at the receiving end: one element asks for login, session and more, and one
// answers, without a new stream between.
#include "sasl/ht.h"
#include "sasl/mechanism.h"
#include "stanza/ns.h"
#include "stanza/stanza.h"
#include "stream/sasl2_attempt.h"

#include <algorithm>
#include <span>
#include <utility>

namespace balcony::stream {
// ---- the offer

void ReceivingStream::offer_sasl2(xml::Element& features) const {
  const Sasl2Offer offer = policy_->sasl2(domain_);
  const std::vector<std::string> mechanisms = offered_mechanisms();
  // XEP-0388 §4: only after TLS; §2.1: not without a mechanism.
  if (!tls_ || !offer.offered || mechanisms.empty()) return;
  xml::ElementRef authentication = features.append(ns::kSasl2, "authentication");
  for (const std::string& name : mechanisms) authentication.append_text_element("mechanism", name);
  xml::ElementRef inline_offer = authentication.append("inline");
  if (offer.resumption) inline_offer.append(ns::kStreamManagement, "sm");
  // XEP-0386 §3.1.
  xml::Element inline_features(ns::kBind2, "inline");
  policy_->add_inline_features(domain_, inline_features);
  xml::ElementRef bind = inline_offer.append(ns::kBind2, "bind");
  if (inline_features.view().has_children()) bind.append(std::move(inline_features));
  if (offer.tokens) {
    // XEP-0484 §3.1.
    xml::ElementRef fast = inline_offer.append(ns::kFast, "fast");
    for (const std::string& name : sasl::ht_mechanisms(bindings_)) {
      fast.append_text_element("mechanism", name);
    }
  }
  for (const sasl::ScramHash hash : offer.upgrades) {
    authentication.append_text_element(ns::kSaslUpgrade, "upgrade", upgrade_task(hash));
  }
}

// ---- the exchange

Actions ReceivingStream::on_sasl2(xml::ElementView element) {
  if (element.name() == "authenticate") return on_authenticate(element);
  if (!sasl2_) return stream_error(StreamCondition::kPolicyViolation);
  if (element.name() == "abort") return sasl_failed(Error(Errc::kSaslAborted));
  if (sasl2_->continued && !sasl_) return on_task(element);
  if (element.name() == "response" && sasl_) {
    auto data = read_sasl2(element);
    if (!data) return sasl_failed(data.error());
    return on_sasl_step(sasl_->step(*data));
  }
  // XEP-0388 §2.4: any other traffic ends the stream.
  return stream_error(StreamCondition::kPolicyViolation);
}

Actions ReceivingStream::on_authenticate(xml::ElementView element) {
  // §2.4 while an attempt is under way, §5.8 once the authentication is done.
  if (sasl_ || sasl2_) return stream_error(StreamCondition::kPolicyViolation);
  sasl2_ = std::make_unique<Sasl2Attempt>();
  mechanism_ = element.attr("mechanism");
  username_.clear();
  const Sasl2Offer offer = policy_->sasl2(domain_);
  if (!tls_) return sasl_failed(Error(Errc::kSaslEncryptionRequired));
  if (!offer.offered) return sasl_failed(Error(Errc::kSaslInvalidMechanism));
  auto asked = read_authenticate(element);
  if (!asked) return sasl_failed(asked.error());
  sasl2_->asked = *std::move(asked);
  if (sasl::ht_name(mechanism_)) {
    sasl2_->by_token = true;
    if (auto fits = check_token_login(); !fits) return sasl_failed(fits.error());
  } else if (!has(offered_mechanisms(), mechanism_)) {
    return sasl_failed(not_offered());
  }
  // What was not offered is not done.
  if (!offer.resumption) sasl2_->asked.resume.reset();
  std::erase_if(sasl2_->asked.upgrades, [&](sasl::ScramHash hash) {
    return std::ranges::find(offer.upgrades, hash) == offer.upgrades.end();
  });
  return start_mechanism(std::move(sasl2_->asked.initial_response));
}

// XEP-0484 §3.4, §4.1: a token's mechanism is used with <fast/>, by a client that says which it is.
Result<> ReceivingStream::check_token_login() const {
  if (!policy_->sasl2(domain_).tokens || !has(sasl::ht_mechanisms(bindings_), mechanism_)) {
    return fail(Errc::kSaslInvalidMechanism);
  }
  if (!sasl2_->asked.fast || sasl2_->asked.user_agent.id.empty()) {
    return fail(Errc::kSaslMalformedRequest, "a token needs <fast/> and the user agent's id");
  }
  return {};
}

Actions ReceivingStream::look_for_token(sasl::VerifyToken what) {
  state_ = State::kWaiting;
  username_ = what.username;
  return list(VerifyToken{std::move(what), sasl2_->asked.user_agent.id, *sasl2_->asked.fast});
}

Actions ReceivingStream::on_token_verified(Result<std::optional<UsedToken>> token) {
  if (state_ != State::kWaiting || !sasl_ || !sasl2_) return {};
  if (!token) return sasl_failed(token.error());
  if (!*token) return on_sasl_step(sasl_->token({}));
  sasl2_->rotate = (*token)->rotate && !sasl2_->asked.fast->invalidate;
  return on_sasl_step(sasl_->token(std::move((*token)->token)));
}

// ---- after the authentication: one thing after the other

Actions ReceivingStream::sasl2_go_on() {
  using Step = Sasl2Attempt::Step;
  Sasl2Attempt& attempt = *sasl2_;
  state_ = State::kWaiting;
  if (attempt.step == Step::kUpgrades) {
    // Who has only a token or a certificate shall not choose a password (XEP-0480).
    const bool may =
        !attempt.by_token && mechanism_ != sasl::kAnonymous && mechanism_ != sasl::kExternal;
    if (may && attempt.upgrades_done < attempt.asked.upgrades.size()) {
      return list(LookUp{username_, attempt.asked.upgrades[attempt.upgrades_done]});
    }
    attempt.step = Step::kToken;
  }
  if (attempt.step == Step::kToken) {
    attempt.step = Step::kResume;
    if (Actions actions = ask_for_token(); !actions.empty()) return actions;
  }
  if (attempt.step == Step::kResume) {
    attempt.step = Step::kBind;
    if (attempt.asked.resume) {
      return list(ResumeSession{attempt.asked.resume->previd, attempt.asked.resume->h});
    }
  }
  if (attempt.step == Step::kBind) {
    attempt.step = Step::kDone;
    if (attempt.asked.bind) {
      const std::string tag = attempt.asked.bind.view().child_text(ns::kBind2, "tag");
      std::string resource = bind2_resource(policy_->fake_secret(domain_), attempt.account,
                                            attempt.asked.user_agent.id, tag, random_.token(9));
      return list(BindResource{std::move(resource), std::move(attempt.asked.bind),
                               attempt.asked.user_agent.id});
    }
  }
  return sasl2_succeeded(attempt.account);
}

// ---- upgrade tasks (XEP-0480)

Actions ReceivingStream::start_upgrade(bool is_needed) {
  Sasl2Attempt& attempt = *sasl2_;
  if (!is_needed) {
    ++attempt.upgrades_done;
    return sasl2_go_on();
  }
  state_ = State::kNegotiating;
  attempt.continued = true;
  const std::string task = upgrade_task(attempt.asked.upgrades[attempt.upgrades_done]);
  return list(Send{written(write_continue(std::exchange(success_data_, {}), task))});
}

Actions ReceivingStream::on_task(xml::ElementView element) {
  Sasl2Attempt& attempt = *sasl2_;
  const sasl::ScramHash hash = attempt.asked.upgrades[attempt.upgrades_done];
  if (element.name() == "next" && !attempt.upgrading) {
    if (element.attr("task") != upgrade_task(hash)) {
      return sasl_failed(Error(Errc::kSaslMalformedRequest, "a task that was not asked for"));
    }
    std::string salt(sasl::kSaltBytes, '\0');
    random_.fill(std::as_writable_bytes(std::span(salt)));
    attempt.upgrading = UpgradeSalt{std::move(salt), policy_->iterations(domain_)};
    return list(Send{written(write_upgrade_salt(*attempt.upgrading))});
  }
  if (element.name() != "task-data" || !attempt.upgrading) {
    return stream_error(StreamCondition::kPolicyViolation);
  }
  auto salted = read_upgrade_hash(element);
  if (!salted || salted->size() != sasl::digest_size(hash)) {
    return sasl_failed(Error(Errc::kSaslMalformedRequest, "the upgrade's hash is none"));
  }
  state_ = State::kWaiting;
  const UpgradeSalt salt = *std::exchange(attempt.upgrading, {});
  sasl::ScramKeys keys = sasl::keys_of_salted(hash, *salted, salt.salt, salt.iterations);
  sasl::wipe(*salted);
  return list(AddKeys{username_, std::move(keys)});
}

Actions ReceivingStream::on_keys_added(Result<> added) {
  if (state_ != State::kWaiting || !sasl2_) return {};
  if (!added) return sasl_failed(Error(Errc::kSaslTemporaryAuthFailure, added.error().detail));
  ++sasl2_->upgrades_done;
  return sasl2_go_on();
}

// ---- tokens (XEP-0484)

// §3.3, §3.5: a new token for who asks for one, and in place of one that grows old.
Actions ReceivingStream::ask_for_token() {
  const Authenticate& asked = sasl2_->asked;
  std::string mechanism = sasl2_->rotate ? mechanism_ : "";
  if (!asked.request_token.empty()) mechanism = asked.request_token;
  const bool offered =
      policy_->sasl2(domain_).tokens && has(sasl::ht_mechanisms(bindings_), mechanism);
  if (!offered || asked.user_agent.id.empty() || mechanism_ == sasl::kAnonymous) return {};
  // It would let in when the certificate has expired or was revoked.
  if (mechanism_ == sasl::kExternal) return {};
  return list(IssueToken{username_, asked.user_agent, std::move(mechanism)});
}

Actions ReceivingStream::on_token_issued(Result<FastToken> token) {
  if (state_ != State::kWaiting || !sasl2_) return {};
  // Without one the client simply logs in with its password the next time.
  if (token) sasl2_->answers.push_back(write_token(*token));
  return sasl2_go_on();
}

// ---- resumption, binding, the end

Actions ReceivingStream::sasl2_resumed(const std::optional<Jid>& full, xml::Element answer) {
  sasl2_->answers.push_back(std::move(answer));
  // XEP-0386 §3.2: a session that goes on is bound already; one that cannot is replaced.
  if (!full) return sasl2_go_on();
  state_ = State::kBound;
  managed_ = true;
  return sasl2_succeeded(full->str());
}

Actions ReceivingStream::sasl2_bound(const Result<Jid>& full, std::vector<xml::Element> answers) {
  // The client is who it is, all the same: it may bind by RFC 6120 §7.
  if (!full) return sasl2_go_on();
  state_ = State::kBound;
  xml::Element bound(ns::kBind2, "bound");
  for (xml::Element& answer : answers) {
    managed_ = managed_ || answer.is(ns::kStreamManagement, "enabled");
    bound.append(std::move(answer));
  }
  sasl2_->answers.push_back(std::move(bound));
  return sasl2_succeeded(full->str());
}

Actions ReceivingStream::sasl2_succeeded(std::string_view jid) {
  authenticated_ = true;
  if (state_ != State::kBound) state_ = State::kNegotiating;
  xml::Element success = write_sasl2_success(std::exchange(success_data_, {}), jid);
  for (xml::Element& answer : sasl2_->answers) success.append(std::move(answer));
  sasl2_.reset();
  // XEP-0388 §2.6.1: features follow at once, in the same stream.
  Actions actions = list(Send{written(success)});
  append(actions, features());
  return actions;
}

}  // namespace balcony::stream
