// SASL2 (XEP-0388) from the side of the client: login, session and its features in one step, with
// the password or with a token (XEP-0484).
#include "precis/precis.h"
#include "sasl/ht.h"
#include "stanza/ns.h"
#include "stanza/stanza.h"
#include "stream/initiating_stream.h"
#include "stream/sasl_elements.h"

#include <algorithm>
#include <utility>

namespace balcony::stream {
namespace {

// RFC 5802 §5.1, and what we are ready to compute for a server.
constexpr std::uint32_t kIterationsMin = 4'096;
constexpr std::uint32_t kIterationsMax = 10'000'000;

std::vector<std::string> token_mechanisms(xml::ElementView authentication) {
  std::vector<std::string> names;
  const auto fast = authentication.child(ns::kSasl2, "inline").child(ns::kFast, "fast");
  for (const auto name : fast.children(ns::kFast, "mechanism")) names.push_back(name.text());
  return names;
}

}  // namespace

// ---- asking

bool InitiatingStream::may_use_token() const {
  const Sasl2Options& options = options_.sasl2;
  // XEP-0484 §6: only where nobody can be in between.
  return options.use && options.token && !sasl2_.token_refused && tls_ && verified_ &&
         !options_.register_first && !options_.anonymous && token_choice().has_value();
}

Result<sasl::MechanismChoice> InitiatingStream::token_choice() const {
  sasl::MechanismChoice choice;
  choice.mechanism = options_.sasl2.token->mechanism;
  const auto name = sasl::ht_name(choice.mechanism);
  if (!name || options_.sasl2.user_agent.id.empty()) return fail(Errc::kSaslInvalidMechanism);
  const std::string_view type = sasl::binding_type(name->binding);
  if (type.empty()) return choice;
  const sasl::ChannelBinding* binding = sasl::find_binding(bindings_, type);
  if (binding == nullptr) return fail(Errc::kSaslInvalidMechanism);
  choice.flag = sasl::BindingFlag::kUsed;
  choice.binding = *binding;
  return choice;
}

// Together with the header: what the server offers is known from the last time (XEP-0388 §2.1).
void InitiatingStream::start_early(InitiatingActions& actions) {
  auto choice = token_choice();
  if (!choice) return;
  auto element = make_authenticate(*choice);
  if (!element) return;
  sasl2_.active = true;
  sasl2_.early = true;
  actions.emplace_back(Send{written(*element)});
}

InitiatingActions InitiatingStream::start_sasl2() {
  const xml::ElementView offer = features_.child(ns::kSasl2, "authentication");
  auto choice = choose(offer);
  if (may_use_token() &&
      std::ranges::count(token_mechanisms(offer), options_.sasl2.token->mechanism) > 0) {
    choice = token_choice();
  }
  if (!choice) return failed(choice.error());
  auto element = make_authenticate(*choice);
  if (!element) return failed(element.error());
  sasl2_.active = true;
  state_ = State::kAwaitSasl;
  return list(Send{written(*element)});
}

Result<xml::Element> InitiatingStream::make_authenticate(const sasl::MechanismChoice& choice) {
  const xml::ElementView offer = features_.child(ns::kSasl2, "authentication");
  const xml::ElementView inline_offer = offer.child(ns::kSasl2, "inline");
  const Sasl2Options& options = options_.sasl2;
  Authenticate what;
  what.mechanism = choice.mechanism;
  BALCONY_ASSIGN(what.initial_response, start_mechanism(choice, offer));
  what.user_agent = options.user_agent;
  sasl2_.by_token = sasl::ht_name(choice.mechanism).has_value();
  if (sasl2_.by_token) {
    what.fast.emplace();
    sasl2_.token_mechanism = choice.mechanism;
  }
  // Before the offer came it is taken to be what it was; what is not known there is ignored.
  const bool early = !offer;
  if (options_.management.lost && (early || inline_offer.child(ns::kStreamManagement, "sm"))) {
    sasl2_.asked_to_resume = true;
    what.resume = Resume{options_.management.lost->id, options_.management.lost->h};
  }
  const bool asks_for_resource = options_.account.is_full();
  if (options.bind && !asks_for_resource && (early || inline_offer.child(ns::kBind2, "bind"))) {
    what.bind = make_bind2();
  }
  if (options.want_token && !sasl2_.by_token && !options.user_agent.id.empty()) {
    // XEP-0484 §6: the best bound one that both can.
    const auto offered = token_mechanisms(offer);
    for (const std::string& name : sasl::ht_mechanisms(bindings_)) {
      if (std::ranges::count(offered, name) == 0) continue;
      what.request_token = sasl2_.token_mechanism = name;
      break;
    }
  }
  // XEP-0480 §5: only bound, so that nobody in between sees the hash.
  if (choice.flag == sasl::BindingFlag::kUsed && !sasl2_.by_token && !options_.password.empty()) {
    for (const auto upgrade : offer.children(ns::kSaslUpgrade, "upgrade")) {
      if (const auto hash = read_upgrade_task(upgrade.text())) what.upgrades.push_back(*hash);
    }
  }
  return write_authenticate(what);
}

// XEP-0386 §3.2.
xml::Element InitiatingStream::make_bind2() {
  xml::Element bind(ns::kBind2, "bind");
  if (!options_.sasl2.tag.empty()) bind.append_text_element("tag", options_.sasl2.tag);
  sasl2_.asked_to_enable = options_.management.enable;
  if (sasl2_.asked_to_enable) bind.append(write_enable(options_.management.resumable));
  for (const auto& [ns, name] : options_.sasl2.features) bind.append(ns, name);
  return bind;
}

// ---- the answers

InitiatingActions InitiatingStream::on_sasl2(xml::ElementView element) {
  if (element.name() == "failure") return on_sasl2_failure(element);
  if (element.name() == "success") return on_sasl2_success(element);
  if (element.name() == "continue") return on_sasl2_continue(element);
  if (element.name() == "task-data" && sasl2_.upgrading) return on_sasl2_task(element);
  if (element.name() != "challenge" || sasl2_.proven) {
    return refused(StreamCondition::kUnsupportedStanzaType, "an element of SASL2 out of turn");
  }
  auto data = read_sasl2(element);
  Result<std::string> response = data ? sasl_->step(*data) : fail(data.error());
  if (!response) return give_up_sasl2(response.error());
  return list(Send{written(write_sasl2("response", *response))});
}

InitiatingActions InitiatingStream::give_up_sasl2(Error error) {
  // XEP-0388 §5.5: the server hears that we give up.
  InitiatingActions actions = list(Send{written(xml::Element(ns::kSasl2, "abort"))});
  append(actions, failed(std::move(error)));
  return actions;
}

InitiatingActions InitiatingStream::on_sasl2_failure(xml::ElementView element) {
  const Error error = read_sasl_failure(element);
  sasl_.reset();
  const bool by_token = std::exchange(sasl2_.by_token, false);
  sasl2_.active = false;
  sasl2_.early = false;
  if (!by_token) return failed(error);
  // XEP-0484 §4.1: the token is thrown away, and the password tried.
  sasl2_.token_refused = true;
  if (options_.password.empty() && !options_.keys) return failed(error);
  return start_sasl();
}

// The mechanism is through: RFC 5802 §5: who cannot prove that he knows us is not our server.
Result<> InitiatingStream::prove_sasl2(xml::ElementView element) {
  if (std::exchange(sasl2_.proven, true)) return {};
  std::optional<std::string> data;
  if (const auto additional = element.child(ns::kSasl2, "additional-data")) {
    BALCONY_ASSIGN(data, read_sasl2(additional));
  }
  BALCONY_CHECK(sasl_->success(data));
  if (const sasl::ClientKeys* keys = sasl_->keys()) keys_ = *keys;
  sasl_.reset();
  return {};
}

// XEP-0480 §2.2: one task at a time, and only what we asked for.
InitiatingActions InitiatingStream::on_sasl2_continue(xml::ElementView element) {
  if (auto proved = prove_sasl2(element); !proved) return give_up_sasl2(proved.error());
  const auto tasks = element.child(ns::kSasl2, "tasks");
  const xml::ElementView offer = features_.child(ns::kSasl2, "authentication");
  for (const auto task : tasks.children(ns::kSasl2, "task")) {
    const std::string name = task.text();
    const auto hash = read_upgrade_task(name);
    const auto offered = [&](xml::ElementView upgrade) { return upgrade.text() == name; };
    if (!hash || !std::ranges::any_of(offer.children(ns::kSaslUpgrade, "upgrade"), offered)) {
      continue;
    }
    sasl2_.upgrading = *hash;
    return list(Send{written(write_next(name))});
  }
  return give_up_sasl2(
      Error(Errc::kFeatureNotImplemented, "the server wants something more that we do not know"));
}

InitiatingActions InitiatingStream::on_sasl2_task(xml::ElementView element) {
  const sasl::ScramHash hash = *std::exchange(sasl2_.upgrading, {});
  const auto salt = read_upgrade_salt(element);
  if (!salt || salt->iterations < kIterationsMin || salt->iterations > kIterationsMax) {
    return give_up_sasl2(Error(Errc::kSaslMechanismTooWeak, "the server asks for odd keys"));
  }
  auto password = precis::opaque_string(options_.password);
  if (!password) return give_up_sasl2(password.error());
  std::string salted = sasl::pbkdf2(hash, *password, salt->salt, salt->iterations);
  sasl::wipe(*password);
  InitiatingActions actions = list(Send{written(write_upgrade_hash(salted))});
  sasl::wipe(salted);
  return actions;
}

InitiatingActions InitiatingStream::on_sasl2_success(xml::ElementView element) {
  if (auto proved = prove_sasl2(element); !proved) return failed(proved.error());
  authenticated_ = true;
  sasl2_.early = false;
  if (auto read = read_sasl2_session(element); !read) {
    return refused(StreamCondition::kUndefinedCondition, read.error().detail);
  }
  // XEP-0388 §2.6.1: features follow at once, without a new stream.
  state_ = State::kAwaitFeatures;
  return {};
}

Result<> InitiatingStream::read_sasl2_session(xml::ElementView success) {
  if (const auto token = success.child(ns::kFast, "token")) {
    BALCONY_ASSIGN(FastToken read, read_token(token));
    sasl2_.token = LoginToken{sasl2_.token_mechanism, std::move(read.token), read.expiry};
  }
  if (const auto failed = success.child(ns::kStreamManagement, "failed")) {
    if (const auto h = StreamManagement::read_h(failed)) management_.lost_h = *h;
  }
  if (const auto resumed = success.child(ns::kStreamManagement, "resumed")) {
    const auto read = read_resume(resumed);
    if (!options_.management.lost || !read || read->previd != options_.management.lost->id) {
      return fail(Errc::kMalformed, "the server resumed another session than ours");
    }
    management_.kind = ManagementOutcome::Kind::kResumed;
    management_.peer_h = read->h;
    jid_ = options_.management.lost->jid;
    return {};
  }
  const auto bound = success.child(ns::kBind2, "bound");
  if (!bound) return {};
  BALCONY_ASSIGN(Jid jid, Jid::parse(success.child_text(ns::kSasl2, "authorization-identifier")));
  if (!jid.is_full()) return fail(Errc::kMalformed, "the server bound no full JID");
  jid_ = std::move(jid);
  sasl2_.bound = bound.clone();
  if (const auto enabled = bound.child(ns::kStreamManagement, "enabled")) {
    BALCONY_ASSIGN(management_.enabled, read_enabled(enabled));
    management_.kind = ManagementOutcome::Kind::kEnabled;
  }
  return {};
}

// Features came: those that <authenticate/> did not wait for, or those of the new session.
InitiatingActions InitiatingStream::after_sasl2() {
  if (!authenticated_) {
    state_ = State::kAwaitSasl;
    return {};
  }
  sasl2_.active = false;
  if (!jid_) return sasl2_.asked_to_resume ? start_bind() : start_session();
  const bool managed = management_.kind != ManagementOutcome::Kind::kNone;
  return managed || sasl2_.asked_to_enable ? bound() : has_session();
}

}  // namespace balcony::stream
