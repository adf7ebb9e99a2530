#include "stream/initiating_stream.h"

#include "sasl/choose.h"
#include "sasl/downgrade.h"
#include "sasl/mechanism.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"
#include "stream/registration.h"
#include "stream/sasl_elements.h"
#include "stream/server_says.h"

#include <algorithm>
#include <utility>

namespace balcony::stream {
namespace {

xml::Element iq(std::string_view type, std::string_view id) {
  xml::Element element(ns::kClient, "iq");
  element.set("type", type).set("id", id);
  return element;
}

// Of <mechanisms/>, or of <authentication/> (XEP-0388 §2.1).
std::vector<std::string> mechanism_names(xml::ElementView offer) {
  std::vector<std::string> names;
  for (const auto name : offer.children(offer.ns(), "mechanism")) names.push_back(name.text());
  return names;
}

}  // namespace

InitiatingStream::InitiatingStream(Random& random, InitiatingOptions options)
    : random_(random), options_(std::move(options)) {}

InitiatingStream::~InitiatingStream() = default;

// ---- opening

InitiatingActions InitiatingStream::on_start() {
  if (state_ != State::kIdle) return {};
  return open();
}

InitiatingActions InitiatingStream::open() {
  state_ = State::kAwaitHeader;
  // RFC 6120 §4.7.1: who we are is nobody's business on the way before TLS.
  const bool tell = (tls_ || options_.tls == TlsPolicy::kPlaintext) && options_.account.has_local();
  const bool restart = std::exchange(header_sent_, true);
  InitiatingActions actions;
  if (restart) actions.emplace_back(RestartStream{});
  actions.emplace_back(
      Send{write_stream_header(tell ? options_.account.bare_str() : "", options_.account.domain(),
                               "", options_.lang, ns::kClient)});
  return actions;
}

InitiatingActions InitiatingStream::on_header(const xml::StreamHeader& header) {
  if (state_ == State::kEnded) return {};
  using enum StreamCondition;
  if (state_ != State::kAwaitHeader) return refused(kBadFormat, "a second stream header");
  if (header.root_ns != ns::kStream || header.root_name != "stream" ||
      header.content_ns != ns::kClient) {
    return refused(kInvalidNamespace, "what answers is no XMPP server for clients");
  }
  id_ = header.id;
  server_lang_ = header.lang;
  // RFC 6120 §4.7.1: the server answers as the domain that was asked for. One that serves it not
  // may name another, and says <host-unknown/> next.
  const auto from = Jid::parse(header.from);
  const bool ours = header.from.empty() || (from && from->str() == options_.account.domain());
  foreign_from_ = ours ? "" : header.from;
  // RFC 6120 §4.7.5: without a version there are neither features nor SASL.
  if (!speaks_version_1(header.version)) {
    return refused(kUnsupportedVersion, "the server does not speak XMPP 1.0");
  }
  state_ = State::kAwaitFeatures;
  return {};
}

InitiatingActions InitiatingStream::on_tls(std::vector<sasl::ChannelBinding> bindings,
                                           bool verified) {
  if (state_ == State::kEnded) return {};
  tls_ = true;
  verified_ = verified;
  bindings_ = std::move(bindings);
  // RFC 6120 §5.4.3.3: what was learned before TLS is forgotten.
  id_.clear();
  features_ = {};
  InitiatingActions actions = open();
  if (may_use_token()) start_early(actions);
  return actions;
}

// ---- elements

InitiatingActions InitiatingStream::on_element(xml::Element element) {
  if (element.is(ns::kStream, "error")) return on_stream_error(element);
  switch (state_) {
    case State::kAwaitFeatures:
      if (element.is(ns::kStream, "features")) return on_features(std::move(element));
      break;
    case State::kAwaitProceed:
      if (element.ns() == ns::kTls) return on_proceed(element);
      break;
    case State::kAwaitSasl:
      if (sasl2_.active && element.ns() == ns::kSasl2) return on_sasl2(element);
      if (!sasl2_.active && element.ns() == ns::kSasl) return on_sasl(element);
      break;
    case State::kAwaitForm:
      if (is_answer(element, request_id_)) return on_form(element);
      break;
    case State::kAwaitRegistered:
      if (is_answer(element, request_id_)) return on_registered(element);
      break;
    case State::kAwaitBind:
      if (is_answer(element, request_id_)) return on_bind(element);
      break;
    case State::kAwaitSession:
      if (is_answer(element, request_id_)) return on_session(element);
      break;
    case State::kAwaitResumed:
      if (element.ns() == ns::kStreamManagement) return on_resumption(element);
      break;
    case State::kAwaitEnabled: return on_management(std::move(element));
    case State::kEnded: return {};
    default: break;
  }
  return refused(StreamCondition::kUnsupportedStanzaType,
                 "the server sent <" + std::string(element.name()) + "/> out of turn");
}

bool InitiatingStream::is_answer(xml::ElementView element, std::string_view id) const {
  if (!element.is(ns::kClient, "iq") || element.attr("id") != id) return false;
  return element.attr("type") == "result" || element.attr("type") == "error";
}

InitiatingActions InitiatingStream::on_features(xml::Element features) {
  if (!foreign_from_.empty()) {
    return refused(StreamCondition::kInvalidFrom, "the server calls itself " + foreign_from_ +
                                                      " in place of " +
                                                      std::string(options_.account.domain()));
  }
  features_ = std::move(features);
  if (sasl2_.active) return after_sasl2();
  if (authenticated_) return start_session();
  if (options_.tls == TlsPolicy::kRequired && !tls_) {
    if (!features_.child(ns::kTls, "starttls")) {
      // RFC 7590 §3.1: also what it looks like when somebody in between takes the offer away.
      return failed(Error(Errc::kTls, "the server offers no STARTTLS; nothing is sent in clear"));
    }
    state_ = State::kAwaitProceed;
    return list(Send{written(xml::Element(ns::kTls, "starttls"))});
  }
  if (!tls_ && features_.child(ns::kTls, "starttls").child(ns::kTls, "required")) {
    return failed(Error(Errc::kTls, "the server requires TLS"));
  }
  if (options_.register_first && !registered_) return start_registration();
  return start_sasl();
}

InitiatingActions InitiatingStream::on_proceed(xml::ElementView element) {
  if (element.name() != "proceed") {
    return failed(Error(Errc::kTls, "the server cannot begin TLS now"));
  }
  state_ = State::kAwaitTls;
  return list(UpgradeTls{});
}

// ---- registration

InitiatingActions InitiatingStream::start_registration() {
  // XEP-0077 §8: announced by a stream feature, but servers forget it: asking costs nothing.
  state_ = State::kAwaitForm;
  request_id_ = random_.token(9);
  xml::Element request = iq("get", request_id_);
  request.set("to", options_.account.domain());
  request.append(ns::kRegister, "query");
  return list(Send{written(request)});
}

InitiatingActions InitiatingStream::on_form(xml::ElementView answer) {
  if (auto error = read_stanza_error(answer)) return failed(to_error(*error));
  RegistrationFields fields(options_.registration_fields);
  fields["username"] = options_.account.local();
  fields["password"] = options_.password;
  auto query = fill_registration(answer.child(ns::kRegister, "query"), fields);
  if (!query) return failed(query.error());
  state_ = State::kAwaitRegistered;
  request_id_ = random_.token(9);
  xml::Element request = iq("set", request_id_);
  request.set("to", options_.account.domain());
  request.append(*std::move(query));
  return list(Send{written(request)});
}

InitiatingActions InitiatingStream::on_registered(xml::ElementView answer) {
  if (auto error = read_stanza_error(answer)) {
    if (error->condition == Errc::kConflict && error->text.empty()) {
      error->text = "the account " + std::string(options_.account.bare_str()) + " exists already";
    }
    return failed(to_error(*error));
  }
  registered_ = true;
  InitiatingActions actions = list(Registered{});
  append(actions, start_sasl());
  return actions;
}

// ---- SASL

std::vector<std::string> InitiatingStream::announced_bindings() const {
  std::vector<std::string> types;
  const xml::ElementView announced =
      features_.child(ns::kSaslChannelBinding, "sasl-channel-binding");
  for (const auto& type : announced.children(ns::kSaslChannelBinding, "channel-binding")) {
    types.emplace_back(type.attr("type"));
  }
  return types;
}

Result<sasl::MechanismChoice> InitiatingStream::choose(xml::ElementView offer) const {
  std::vector<std::string> offered = mechanism_names(offer);
  std::vector<std::string> types = announced_bindings();
  sasl::ChoicePolicy policy;
  policy.identity = options_.anonymous ? sasl::ChoicePolicy::Identity::kNobody
                                       : sasl::ChoicePolicy::Identity::kPassword;
  policy.certificate = options_.certificate_addresses.has_value();
  policy.tls = tls_ && verified_;
  policy.plain = options_.plain;
  policy.sasl2 = offer.ns() == ns::kSasl2;
  policy.channel_bindings = bindings_;
  policy.pinned = options_.pinned_mechanism;
  const auto binds = [](const std::string& name) { return name.ends_with("-PLUS"); };
  if (!policy.sasl2 && types.empty() && std::ranges::any_of(offered, binds)) {
    // A server from before XEP-0440 knows the default of RFC 5802 §6.1, tls-unique, and nothing
    // else; TLS 1.3 has no such thing (RFC 9266 §3), and what such servers check there is no
    // common idea. So under TLS 1.3 nothing is bound.
    if (sasl::find_binding(bindings_, sasl::kTlsUnique) != nullptr) {
      types.emplace_back(sasl::kTlsUnique);
    } else {
      std::erase_if(offered, binds);
      policy.channel_bindings.clear();
    }
  }
  return sasl::choose_mechanism(offered, types, policy);
}

// For both profiles. Returns the initial response.
Result<std::string> InitiatingStream::start_mechanism(const sasl::MechanismChoice& choice,
                                                      xml::ElementView offer) {
  mechanism_ = choice.mechanism;
  sasl::Credentials credentials;
  if (!options_.anonymous) credentials.username = options_.account.local();
  credentials.password = options_.password;
  // XEP-0178 §2, 10: of several addresses we say which one; else the certificate says it.
  const bool is_one_of_many = options_.certificate_addresses.value_or(0) > 1;
  if (mechanism_ == sasl::kExternal && is_one_of_many) {
    credentials.authzid = options_.account.bare_str();
  }
  credentials.keys = options_.keys;
  if (options_.sasl2.token) credentials.token = options_.sasl2.token->token;
  credentials.announced = sasl::announced_text(mechanism_names(offer), announced_bindings());
  BALCONY_ASSIGN(sasl_, sasl::make_client_mechanism(choice, std::move(credentials), random_));
  return sasl_->initial_response();
}

InitiatingActions InitiatingStream::start_sasl() {
  // XEP-0388 §4: only after TLS.
  const bool sasl2 = options_.sasl2.use && tls_;
  if (sasl2 && features_.child(ns::kSasl2, "authentication")) return start_sasl2();
  const xml::ElementView offer = features_.child(ns::kSasl, "mechanisms");
  if (!offer) return failed(Error(Errc::kSaslInvalidMechanism, "the server offers no login"));
  auto choice = choose(offer);
  if (!choice) return failed(choice.error());
  auto response = start_mechanism(*choice, offer);
  if (!response) return failed(response.error());
  state_ = State::kAwaitSasl;
  xml::Element auth(ns::kSasl, "auth");
  auth.set("mechanism", mechanism_);
  append_initial_response(auth, *response);
  return list(Send{written(auth)});
}

InitiatingActions InitiatingStream::on_sasl(xml::ElementView element) {
  if (element.name() == "challenge") return on_challenge(element);
  if (element.name() == "success") return on_success(element);
  if (element.name() == "failure") return failed(read_sasl_failure(element));
  return refused(StreamCondition::kUnsupportedStanzaType, "a SASL element that is none");
}

InitiatingActions InitiatingStream::on_challenge(xml::ElementView element) {
  auto data = read_sasl(element);
  Result<std::string> response = data ? sasl_->step(*data) : fail(data.error());
  if (!response) {
    // RFC 6120 §6.4.4: the server hears that we give up; its <failure/> need not be awaited.
    InitiatingActions actions = list(Send{written(xml::Element(ns::kSasl, "abort"))});
    append(actions, failed(response.error()));
    return actions;
  }
  xml::Element answer(ns::kSasl, "response");
  append_sasl(answer, *response);
  return list(Send{written(answer)});
}

InitiatingActions InitiatingStream::on_success(xml::ElementView element) {
  std::optional<std::string> data;
  if (!element.text().empty()) {
    auto read = read_sasl(element);
    if (!read) return failed(read.error());
    data = *std::move(read);
  }
  // RFC 5802 §5: who cannot prove that he knows us is not our server.
  if (auto proved = sasl_->success(data); !proved) return failed(proved.error());
  if (const sasl::ClientKeys* keys = sasl_->keys()) keys_ = *keys;
  sasl_.reset();
  authenticated_ = true;
  return open();  // RFC 6120 §6.4.6: a new stream, without closing the old one
}

// ---- binding

// A session: the lost one where it can be had, else a new one.
InitiatingActions InitiatingStream::start_session() {
  if (options_.management.lost && offers_management()) return start_resumption();
  return start_bind();
}

InitiatingActions InitiatingStream::start_bind() {
  if (!features_.child(ns::kBind, "bind")) {
    return failed(Error(Errc::kFeatureNotImplemented, "the server offers no resource binding"));
  }
  state_ = State::kAwaitBind;
  request_id_ = random_.token(9);
  xml::Element request = iq("set", request_id_);
  xml::ElementRef bind = request.append(ns::kBind, "bind");
  if (options_.account.is_full()) {
    bind.append_text_element("resource", options_.account.resource());  // RFC 6120 §7.7
  }
  return list(Send{written(request)});
}

InitiatingActions InitiatingStream::on_bind(xml::ElementView answer) {
  if (auto error = read_stanza_error(answer)) return failed(to_error(*error));
  auto jid = Jid::parse(answer.child(ns::kBind, "bind").child_text(ns::kBind, "jid"));
  if (!jid || !jid->is_full()) {
    return refused(StreamCondition::kUndefinedCondition, "the server bound no full JID");
  }
  jid_ = *std::move(jid);
  // RFC 3921 §3: only servers that do not call it optional still want to hear it.
  const xml::ElementView session = features_.child(ns::kSession, "session");
  if (!session || session.child(ns::kSession, "optional")) return has_session();
  state_ = State::kAwaitSession;
  request_id_ = random_.token(9);
  xml::Element request = iq("set", request_id_);
  request.append(ns::kSession, "session");
  return list(Send{written(request)});
}

InitiatingActions InitiatingStream::on_session(xml::ElementView answer) {
  if (auto error = read_stanza_error(answer)) return failed(to_error(*error));
  return has_session();
}

InitiatingActions InitiatingStream::has_session() {
  if (options_.management.enable && offers_management()) return start_management();
  return bound();
}

InitiatingActions InitiatingStream::bound() {
  state_ = State::kBound;
  return list(Bound{*jid_, std::move(features_), mechanism_, server_lang_, std::move(keys_),
                    std::move(management_), std::move(early_), std::move(sasl2_.token),
                    std::move(sasl2_.bound)});
}

// ---- the end

InitiatingActions InitiatingStream::on_stream_error(xml::ElementView element) {
  if (state_ == State::kEnded) return {};
  state_ = State::kEnded;
  // What was sent before the offer came may be what the server does not know.
  if (sasl2_.early) sasl2_.token_refused = true;
  return list(Send{std::string(kStreamEndTag)}, ended_by_peer(element), EndStream{});
}

InitiatingActions InitiatingStream::on_stream_end() {
  return failed(Error(Errc::kClosed, "the server closed the stream before the login was done"));
}

InitiatingActions InitiatingStream::on_error(const Error& error) {
  if (state_ == State::kEnded) return {};
  if (!is_xml_error(error)) {
    // The connection is gone, or time is up: there is nobody to tell.
    state_ = State::kEnded;
    return list(Failed{error, {}, {}}, EndStream{});
  }
  const StreamError told = to_stream_error(error);
  state_ = State::kEnded;
  return list(Send{written(write_stream_error(told)) + std::string(kStreamEndTag)},
              Failed{Error(error.code, "the server's XML: " + error.detail), {}, {}},
              EndStream{told});
}

InitiatingActions InitiatingStream::failed(Error error) {
  if (state_ == State::kEnded) return {};
  state_ = State::kEnded;
  sasl_.reset();
  return list(Send{std::string(kStreamEndTag)}, Failed{std::move(error), {}, {}}, EndStream{});
}

InitiatingActions InitiatingStream::refused(StreamCondition condition, std::string why) {
  if (state_ == State::kEnded) return {};
  state_ = State::kEnded;
  sasl_.reset();
  StreamError told{condition, why};
  return list(Send{written(write_stream_error(told)) + std::string(kStreamEndTag)},
              Failed{Error(Errc::kMalformed, std::move(why)), {}, {}}, EndStream{std::move(told)});
}

}  // namespace balcony::stream
