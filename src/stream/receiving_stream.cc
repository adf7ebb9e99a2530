#include "stream/receiving_stream.h"

#include "sasl/downgrade.h"
#include "sasl/mechanism.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"
#include "stream/sasl2_attempt.h"
#include "stream/sasl_elements.h"

#include <algorithm>
#include <utility>

namespace balcony::stream {
ReceivingStream::ReceivingStream(const ReceivingPolicy& policy, Random& random,
                                 ReceivingOptions options)
    : policy_(&policy), random_(random), options_(std::move(options)) {}

ReceivingStream::~ReceivingStream() = default;

bool ReceivingStream::has(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// ---- opening ----

Actions ReceivingStream::on_header(const xml::StreamHeader& header) {
  if (state_ != State::kOpening) return stream_error(StreamCondition::kBadFormat);
  // RFC 6120 §4.7.3: a new id for each stream, unguessable.
  id_ = random_.token(16);
  header_sent_ = false;
  // RFC 6120 §4.7.2: who says who he is, is told so; only then.
  const auto from = Jid::parse(header.from);
  peer_ = from ? std::string(from->bare_str()) : std::string();
  if (auto error = check_header(header)) {
    return stream_error(error->condition, std::move(error->text));
  }
  state_ = State::kNegotiating;
  Actions actions;
  open_response(actions);
  append(actions, features());
  return actions;
}

std::optional<StreamError> ReceivingStream::check_header(const xml::StreamHeader& header) {
  using enum StreamCondition;
  // §4.7.1: our 'from' is the host that was asked for, also in front of an error.
  const auto to = Jid::parse(header.to);
  const bool is_domain = to && !to->has_local() && !to->is_full();
  const bool served = is_domain && policy_->serves(to->str());
  const bool negotiated = authenticated_ || (tls_ && !domain_.empty());
  if (served && !negotiated) domain_ = to->str();
  if (header.root_ns != ns::kStream) return StreamError{kInvalidNamespace, ""};  // §4.9.3.10
  if (header.root_name != "stream") return StreamError{kBadFormat, ""};          // §4.9.3.1
  if (!has_content_namespace(header, ns::kClient))
    return StreamError{kInvalidNamespace, ""};  // §4.8.2
  // §4.7.5: without a version it is a stream of 1999.
  if (!speaks_version_1(header.version)) return StreamError{kUnsupportedVersion, ""};
  if (header.to.empty()) return StreamError{kImproperAddressing, "the stream needs a 'to'"};
  if (!is_domain) return StreamError{kImproperAddressing, ""};
  if (!served) return StreamError{kHostUnknown, ""};
  // A restart goes on with the host that TLS and SASL were for.
  if (domain_ != to->str()) {
    return StreamError{kNotAuthorized, "a restart cannot change the host"};
  }
  // XEP-0388 §2.1: nobody of another host logs in here.
  if (const auto from = Jid::parse(peer_); from && from->domain() != domain_) {
    return StreamError{kInvalidFrom, ""};  // §4.9.3.9
  }
  return std::nullopt;
}

void ReceivingStream::open_response(Actions& actions) {
  header_sent_ = true;
  actions.emplace_back(Send{write_stream_header(domain_, peer_, id_, options_.lang, ns::kClient)});
}

Actions ReceivingStream::features() {
  xml::Element features(ns::kStream, "features");
  if (authenticated_) {
    if (state_ != State::kBound) features.append(ns::kBind, "bind");
    policy_->add_features(domain_, features);
    // XEP-0198 §3: what is on already is not offered. xmpp.js would resume the session anew.
    if (managed_) features.ref().remove_children(ns::kStreamManagement, "sm");
    return list(Send{written(features)});
  }
  if (!tls_ && options_.tls_available) {
    xml::ElementRef starttls = features.append(ns::kTls, "starttls");
    // RFC 6120 §5.3.1: mandatory to negotiate: nothing else is offered beside it.
    if (options_.tls_required) starttls.append("required");
  }
  if (tls_ || !options_.tls_required) {
    offer_sasl(features);
    if (policy_->registration(domain_))
      features.append("http://jabber.org/features/iq-register", "register");
  }
  return list(Send{written(features)});
}

void ReceivingStream::offer_sasl(xml::Element& features) const {
  xml::ElementRef mechanisms = features.append(ns::kSasl, "mechanisms");
  for (const std::string& name : offered_mechanisms()) {
    mechanisms.append_text_element("mechanism", name);
  }
  offer_sasl2(features);
  const std::vector<std::string> announced = announced_bindings();
  if (announced.empty()) return;
  // XEP-0440 §2: the types that this connection can be bound by.
  xml::ElementRef types = features.append(ns::kSaslChannelBinding, "sasl-channel-binding");
  for (const std::string& type : announced) types.append("channel-binding").set("type", type);
}

std::vector<std::string> ReceivingStream::announced_bindings() const {
  std::vector<std::string> types;
  const std::vector<std::string> mechanisms = offered_mechanisms();
  // Types without a mechanism that could use them look like somebody in between (XEP-0440 §3).
  const auto binds = [](const std::string& name) { return name.ends_with("-PLUS"); };
  if (std::ranges::none_of(mechanisms, binds)) return types;
  for (const sasl::ChannelBinding& binding : bindings_) {
    // RFC 9266 §3: accepted from who knows nothing better, never announced.
    if (binding.type != sasl::kTlsUnique) types.push_back(binding.type);
  }
  return types;
}

std::vector<std::string> ReceivingStream::offered_mechanisms() const {
  std::vector<std::string> plain = policy_->mechanisms(domain_);
  std::vector<std::string> offered;
  // RFC 6120 §6.3.4: to whom it will let in.
  if (!certified().empty()) offered.emplace_back(sasl::kExternal);
  if (!bindings_.empty()) {
    for (const std::string& name : plain) {
      if (const auto scram = sasl::scram_name(name)) {
        offered.push_back(sasl::to_string(sasl::ScramName{scram->hash, true}));
      }
    }
  }
  std::ranges::move(plain, std::back_inserter(offered));
  return offered;
}

// What comes next is a new stream, ours too: even its errors stand in a header of their own.
void ReceivingStream::forget_stream() {
  state_ = State::kOpening;
  header_sent_ = false;
  id_.clear();
  peer_.clear();
}

// ---- elements ----

Actions ReceivingStream::on_element(xml::Element element) {
  if (state_ == State::kEnded) return {};
  if (state_ != State::kNegotiating) return stream_error(StreamCondition::kInternalServerError);
  if (element.is(ns::kStream, "error")) return close();
  if (!authenticated_) return on_unauthenticated(std::move(element));
  if (element.is(ns::kClient, "iq") && element.first_child().is(ns::kBind, "bind")) {
    return on_bind(std::move(element));
  }
  if (element.ns() == ns::kStreamManagement) return on_stream_management(element);
  // RFC 6120 §7.1: nothing is processed before a resource is bound.
  if (stanza_kind(element)) return stream_error(StreamCondition::kNotAuthorized);
  return stream_error(StreamCondition::kUnsupportedStanzaType);
}

Actions ReceivingStream::on_unauthenticated(xml::Element element) {
  if (element.ns() == ns::kSasl2) return on_sasl2(element);
  // XEP-0388 §2.4: nothing else while that is under way.
  if (sasl2_) return stream_error(StreamCondition::kPolicyViolation);
  if (element.is(ns::kTls, "starttls")) return on_starttls();
  if (element.is(ns::kSasl, "auth")) return on_auth(element);
  if (element.is(ns::kSasl, "response")) return on_response(element);
  if (element.is(ns::kSasl, "abort")) return sasl_failed(Error(Errc::kSaslAborted));
  const bool may_register = (tls_ || !options_.tls_required) && policy_->registration(domain_);
  if (may_register && element.is(ns::kClient, "iq") &&
      element.first_child().is(ns::kRegister, "query")) {
    return list(RegisterRequest{std::move(element)});
  }
  // RFC 6120 §4.9.3.12: a stanza before the stream is authenticated.
  if (stanza_kind(element)) return stream_error(StreamCondition::kNotAuthorized);
  return stream_error(StreamCondition::kUnsupportedStanzaType);
}

Actions ReceivingStream::on_starttls() {
  if (tls_ || !options_.tls_available) {
    // RFC 6120 §5.4.2.2: a failure, and the stream is closed.
    state_ = State::kEnded;
    return list(Send{written(xml::Element(ns::kTls, "failure"))}, Send{std::string(kStreamEndTag)},
                EndStream{});
  }
  state_ = State::kWaiting;
  return list(Send{written(xml::Element(ns::kTls, "proceed"))}, UpgradeTls{});
}

Actions ReceivingStream::on_tls(std::vector<sasl::ChannelBinding> bindings,
                                std::optional<ShownCertificate> shown) {
  tls_ = true;
  shown_ = std::move(shown);
  bindings_ = std::move(bindings);
  // RFC 6120 §5.4.3.3: what was learned before TLS is forgotten, save which host was asked for; an
  // attempt at SASL among it.
  sasl_.reset();
  sasl2_.reset();
  forget_stream();
  return list(RestartStream{});
}

// ---- SASL ----

Actions ReceivingStream::on_auth(xml::ElementView element) {
  mechanism_ = element.attr("mechanism");
  username_.clear();
  if (!tls_ && options_.tls_required) return sasl_failed(Error(Errc::kSaslEncryptionRequired));
  if (sasl_) return sasl_failed(Error(Errc::kSaslMalformedRequest, "an attempt is under way"));
  if (!has(offered_mechanisms(), mechanism_)) return sasl_failed(not_offered());
  auto response = read_initial_response(element);
  if (!response) return sasl_failed(response.error());
  return start_mechanism(*std::move(response));
}

// For both profiles: mechanism_ was offered.
Actions ReceivingStream::start_mechanism(std::optional<std::string> response) {
  sasl::ServerOptions options;
  options.channel_bindings = bindings_;
  options.fake_secret = policy_->fake_secret(domain_);
  options.iterations = policy_->iterations(domain_);
  options.announced = sasl::announced_text(offered_mechanisms(), announced_bindings());
  // RFC 6120 §6.3.8: nobody acts as somebody else.
  options.may_act_as = [this](std::string_view user, std::string_view authzid) {
    const auto jid = Jid::parse(authzid);
    // XEP-0388 §2.3: nor as somebody else than the header said.
    if (sasl2_ && jid && !peer_.empty() && jid->str() != peer_) return false;
    return jid && jid->is_bare() && jid->local() == user && jid->domain() == domain_;
  };
  auto machine = sasl::make_server_mechanism(mechanism_, std::move(options), random_);
  if (!machine) return sasl_failed(machine.error());
  sasl_ = *std::move(machine);
  account_disabled_ = false;
  return on_sasl_step(sasl_->start(response));
}

Actions ReceivingStream::on_response(xml::ElementView element) {
  if (!sasl_) return sasl_failed(Error(Errc::kSaslMalformedRequest, "no attempt is under way"));
  auto data = read_sasl(element);
  if (!data) return sasl_failed(data.error());
  return on_sasl_step(sasl_->step(*data));
}

Actions ReceivingStream::on_sasl_step(sasl::ServerStep step) {
  if (auto* challenge = std::get_if<sasl::Challenge>(&step)) {
    state_ = State::kNegotiating;
    if (sasl2_) return list(Send{written(write_sasl2("challenge", challenge->data))});
    xml::Element element(ns::kSasl, "challenge");
    append_sasl(element, challenge->data);
    return list(Send{written(element)});
  }
  if (auto* need = std::get_if<sasl::NeedCredentials>(&step)) {
    state_ = State::kWaiting;
    username_ = need->username;
    return list(LookUp{need->username, need->hash});
  }
  if (auto* verify = std::get_if<sasl::VerifyPassword>(&step)) {
    state_ = State::kWaiting;
    username_ = verify->username;
    return list(VerifyPassword{verify->username, std::move(verify->password)});
  }
  if (auto* external = std::get_if<sasl::VerifyExternal>(&step)) {
    return identify(external->authzid);
  }
  if (auto* token = std::get_if<sasl::VerifyToken>(&step)) return look_for_token(std::move(*token));
  if (auto* success = std::get_if<sasl::Success>(&step)) {
    // RFC 6120 §6.5.1; before the password is known to be right, it would tell who has an account.
    if (account_disabled_) return sasl_failed(Error(Errc::kSaslAccountDisabled));
    state_ = State::kWaiting;
    username_ = success->username;
    success_data_ = std::move(success->data);
    return list(ComeHome{success->username, mechanism_ == sasl::kAnonymous});
  }
  return sasl_failed(std::get<Error>(step));
}

Actions ReceivingStream::on_credentials(Result<std::optional<sasl::ScramKeys>> keys,
                                        bool disabled) {
  if (state_ == State::kWaiting && sasl2_ && !sasl_) {
    if (!keys) return sasl_failed(keys.error());
    const bool has_good = *keys && (*keys)->iterations >= policy_->iterations(domain_);
    return start_upgrade(!has_good);
  }
  if (state_ != State::kWaiting || !sasl_) return {};
  if (!keys) return sasl_failed(keys.error());
  account_disabled_ = disabled;
  return on_sasl_step(sasl_->credentials(*std::move(keys)));
}

Actions ReceivingStream::on_verified(Result<bool> matches) {
  if (state_ != State::kWaiting || !sasl_) return {};
  if (!matches) return sasl_failed(matches.error());
  return on_sasl_step(sasl_->verified(*matches));
}

Actions ReceivingStream::on_home(Result<Jid> account) {
  if (state_ != State::kWaiting) return {};
  if (!account) return sasl_failed(account.error());
  sasl_.reset();
  if (sasl2_) {
    sasl2_->account = account->str();
    return sasl2_go_on();
  }
  authenticated_ = true;
  forget_stream();  // RFC 6120 §6.4.6: both open new streams
  xml::Element success(ns::kSasl, "success");
  append_sasl(success, success_data_);
  success_data_.clear();
  return list(Send{written(success)}, RestartStream{});
}

Actions ReceivingStream::sasl_failed(const Error& error) {
  sasl_.reset();
  state_ = State::kNegotiating;
  const xml::Element failure =
      sasl2_ ? write_sasl2_failure(error.code) : write_sasl_failure(error.code);
  sasl2_.reset();
  success_data_.clear();
  Actions actions = list(Send{written(failure)}, AttemptFailed{mechanism_, username_, error});
  ++attempts_;
  // RFC 6120 §6.4.5: after some failed attempts the stream is closed.
  if (attempts_ >= options_.attempts_max) {
    append(actions, stream_error(StreamCondition::kPolicyViolation, "too many failed attempts"));
  }
  return actions;
}

// ---- binding ----

Actions ReceivingStream::on_bind(xml::Element iq) {
  // RFC 6120 §7.6.1: an iq of type set; §8.2.3: with an id.
  if (!iq.has_attr("id") || iq.attr("type") != "set") {
    return list(Send{written(
        error_reply(iq, Error(Errc::kBadRequest, "binding is an iq of type set with an id")))});
  }
  // RFC 6120 §8.2.3: exactly one child.
  if (iq.first_child().next_sibling()) {
    return list(Send{written(error_reply(iq, Error(Errc::kBadRequest, "one <bind/> is enough")))});
  }
  state_ = State::kWaiting;
  std::string wanted = iq.first_child().child_text(ns::kBind, "resource");
  bind_request_ = std::move(iq);
  return list(BindResource{std::move(wanted)});
}

Actions ReceivingStream::on_bound(Result<Jid> full, std::vector<xml::Element> answers) {
  if (state_ != State::kWaiting) return {};
  if (sasl2_) return sasl2_bound(full, std::move(answers));
  const xml::Element request = std::exchange(bind_request_, {});
  if (!full) {
    state_ = State::kNegotiating;  // RFC 6120 §7.6.2: the client may try again
    return list(Send{written(error_reply(request, full.error()))});
  }
  state_ = State::kBound;
  xml::Element bind(ns::kBind, "bind");
  bind.append_text_element("jid", full->str());
  return list(Send{written(result_reply(request, std::move(bind)))});
}

// ---- stream management ----

Actions ReceivingStream::on_stream_management(xml::ElementView element) {
  // XEP-0198 §3: enabling comes after binding, and instead of binding there is only resumption.
  if (element.name() != "resume") {
    return list(Send{written(write_failed(Errc::kUnexpectedRequest))});
  }
  auto resume = read_resume(element);
  if (!resume) return list(Send{written(write_failed(Errc::kBadRequest))});
  state_ = State::kWaiting;
  return list(ResumeSession{std::move(resume->previd), resume->h});
}

Actions ReceivingStream::on_resumed(std::optional<Jid> full, xml::Element answer) {
  if (state_ != State::kWaiting) return {};
  if (sasl2_) return sasl2_resumed(full, std::move(answer));
  state_ = full ? State::kBound : State::kNegotiating;
  return list(Send{written(answer)});
}

// ---- the end ----

Actions ReceivingStream::on_stream_end() {
  return close();
}

Actions ReceivingStream::on_error(const Error& error) {
  return end(to_stream_error(error));
}

Actions ReceivingStream::end(const StreamError& error) {
  return stream_error(error.condition, error.text);
}

Actions ReceivingStream::close() {
  if (state_ == State::kEnded) return {};
  state_ = State::kEnded;
  if (!header_sent_) return list(EndStream{});
  return list(Send{std::string(kStreamEndTag)}, EndStream{});
}

Actions ReceivingStream::stream_error(StreamCondition condition, std::string text) {
  if (state_ == State::kEnded) return {};
  state_ = State::kEnded;
  StreamError error{condition, std::move(text)};
  Actions actions;
  // RFC 6120 §4.9.1.2: an error in the header is told inside a stream of ours.
  if (!header_sent_) {
    if (id_.empty()) id_ = random_.token(16);
    open_response(actions);
  }
  actions.emplace_back(Send{written(write_stream_error(error)) + std::string(kStreamEndTag)});
  actions.emplace_back(EndStream{std::move(error)});
  return actions;
}

}  // namespace balcony::stream
