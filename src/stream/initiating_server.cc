#include "stream/initiating_server.h"

#include "sasl/mechanism.h"
#include "stanza/ns.h"
#include "stanza/stanza.h"
#include "stream/sasl_elements.h"
#include "stream/server_says.h"

#include <algorithm>
#include <utility>

namespace balcony::stream {
namespace {

PairRefused not_asked(DomainPair pair) {
  return {std::move(pair),
          Error(Errc::kFeatureNotImplemented, "the stream cannot be used for these domains")};
}

bool declares_dialback(const xml::StreamHeader& header) {
  return std::ranges::any_of(header.declarations,
                             [](const auto& declared) { return declared.ns == ns::kDialback; });
}

bool offers_external(xml::ElementView features) {
  const auto mechanisms = features.child(ns::kSasl, "mechanisms").children(ns::kSasl, "mechanism");
  return std::any_of(mechanisms.begin(), mechanisms.end(),
                     [](xml::ElementView name) { return name.text() == sasl::kExternal; });
}

}  // namespace

InitiatingServer::InitiatingServer(const ServerPolicy& policy, InitiatingServerOptions options)
    : policy_(&policy),
      options_(std::move(options)),
      outgoing_(policy.dialback_secret()),
      incoming_(policy, options_.incoming) {}

// ---- opening

ServerActions InitiatingServer::on_start() {
  if (state_ != State::kIdle) return {};
  return open();
}

ServerActions InitiatingServer::open() {
  state_ = State::kAwaitHeader;
  const bool restart = std::exchange(header_sent_, true);
  ServerActions actions;
  if (restart) actions.emplace_back(RestartStream{});
  // RFC 6120 §4.7.1, §4.7.2: between servers both say who they are.
  actions.emplace_back(Send{
      write_stream_header(options_.pair.from, options_.pair.to, "", options_.lang, ns::kServer)});
  return actions;
}

ServerActions InitiatingServer::on_tls(bool has_certificate) {
  if (state_ == State::kEnded) return {};
  tls_ = true;
  incoming_.on_tls(has_certificate);
  // RFC 6120 §5.4.3.3: what was learned before TLS is forgotten.
  id_.clear();
  features_ = {};
  if (!has_certificate) {
    state_ = State::kAwaitCertificate;
    return on_certificate(options_.pair.to, fail(Errc::kTls, "the peer showed no certificate"));
  }
  state_ = State::kAwaitCertificate;
  return list(CheckCertificate{options_.pair.to});
}

ServerActions InitiatingServer::on_certificate(std::string_view domain, const Result<>& verdict) {
  if (state_ == State::kEnded) return {};
  if (state_ != State::kAwaitCertificate) {
    return follow(incoming_.on_certificate(domain, verdict));
  }
  if (domain != options_.pair.to) return {};
  certified_ = verdict.has_value();
  certificate_error_ = verdict ? std::string() : verdict.error().detail;
  // XEP-0178 §3: whoever it is, it is not the server that stanzas are for. RFC 6698 §4.1: nor is
  // who shows what the records in DNS contradict, however little is required.
  const bool is_contradicted = !verdict && verdict.error().code == Errc::kForbidden;
  if (is_contradicted || (!certified_ && trust().certificate_required)) {
    return failed(Error(Errc::kTls, certificate_error_));
  }
  return open();
}

ServerActions InitiatingServer::on_header(const xml::StreamHeader& header) {
  if (state_ == State::kEnded) return {};
  using enum StreamCondition;
  if (state_ != State::kAwaitHeader) return refused(kBadFormat, "a second stream header");
  if (header.root_ns != ns::kStream || header.root_name != "stream" ||
      !has_content_namespace(header, ns::kServer)) {
    return refused(kInvalidNamespace, "what answers is no XMPP server for servers");
  }
  id_ = header.id;
  outgoing_.set_id(id_);
  incoming_.set_id(id_);
  speaks_dialback_ = declares_dialback(header);
  // RFC 6120 §4.7.1: the server answers as the domain that was asked for. One that serves it not
  // may name another, and says <host-unknown/> next.
  const auto from = Jid::parse(header.from);
  const bool is_wanted = header.from.empty() || (from && from->str() == options_.pair.to);
  foreign_from_ = is_wanted ? "" : header.from;
  state_ = State::kAwaitFeatures;
  if (!header.version.empty()) {
    if (speaks_version_1(header.version)) return {};
    return refused(kUnsupportedVersion, "the server does not speak XMPP 1.0");
  }
  // RFC 6120 §4.7.5: without a version there are neither features nor TLS.
  if (!tls_ && trust().tls_required) {
    return failed(Error(Errc::kTls, "the server speaks no XMPP 1.0, and so no TLS"));
  }
  return start_authentication();
}

// ---- elements

ServerActions InitiatingServer::on_element(xml::Element element) {
  if (state_ == State::kEnded) return {};
  if (element.is(ns::kStream, "error")) {
    Failed why = ended_by_peer(element);
    const Error error = why.error;
    return finish(std::string(kStreamEndTag), error, std::move(why));
  }
  switch (state_) {
    case State::kAwaitFeatures:
      if (element.is(ns::kStream, "features")) return on_features(std::move(element));
      break;
    case State::kAwaitProceed:
      if (element.is(ns::kTls, "proceed")) {
        state_ = State::kAwaitTls;
        return list(UpgradeTls{});
      }
      if (element.ns() == ns::kTls) {
        return failed(Error(Errc::kTls, "the server cannot begin TLS now"));
      }
      break;
    case State::kAwaitSasl:
      if (element.ns() == ns::kSasl) return on_sasl(element);
      break;
    case State::kReady: return on_ready_element(std::move(element));
    default: break;
  }
  return refused(StreamCondition::kUnsupportedStanzaType,
                 "the server sent <" + std::string(element.name()) + "/> out of turn");
}

ServerActions InitiatingServer::on_features(xml::Element features) {
  if (!foreign_from_.empty()) {
    return refused(StreamCondition::kInvalidFrom,
                   "the server calls itself " + foreign_from_ + " in place of " + options_.pair.to);
  }
  features_ = std::move(features);
  peer_limits_ = read_limits(features_);
  const bool is_offered = static_cast<bool>(features_.child(ns::kTls, "starttls"));
  if (!tls_ && options_.tls == ServerTls::kStartTls && is_offered) {
    state_ = State::kAwaitProceed;
    return list(Send{written(xml::Element(ns::kTls, "starttls"))});
  }
  if (!tls_ && trust().tls_required) {
    // RFC 7590 §3.1: also what it looks like when somebody in between takes the offer away.
    return failed(Error(Errc::kTls, "the server offers no STARTTLS; nothing is sent in clear"));
  }
  if (!tls_ && features_.child(ns::kTls, "starttls").child(ns::kTls, "required")) {
    return failed(Error(Errc::kTls, "the server requires TLS"));
  }
  return start_authentication();
}

// ---- authentication

// EXTERNAL where that is offered, else dialback, which needs no features.
ServerActions InitiatingServer::start_authentication() {
  if (features_.child(ns::kDialbackFeature, "dialback")) speaks_dialback_ = true;
  if (authenticated_) return ready();
  const bool wants_external = options_.external && !options_.verify_only && !external_failed_;
  if (tls_ && wants_external && offers_external(features_)) {
    state_ = State::kAwaitSasl;
    ServerActions actions;
    ask_for_bidi(actions);
    xml::Element auth(ns::kSasl, "auth");
    auth.set("mechanism", sasl::kExternal);
    // XEP-0178 §3: who speaks is in the header already; it is said again for old servers.
    append_initial_response(auth, options_.pair.from);
    actions.emplace_back(Send{written(auth)});
    return actions;
  }
  if (!speaks_dialback_) {
    return failed(Error(Errc::kNotAuthorized,
                        external_failed_ ? external_error_ : "the server offers no way to get in"));
  }
  // RFC 6120 §4.7.3: what a key is for.
  if (id_.empty()) return refused(StreamCondition::kBadFormat, "the server's stream has no id");
  return ready();
}

ServerActions InitiatingServer::on_sasl(xml::ElementView element) {
  if (element.name() == "success") {
    authenticated_ = true;
    return open();  // RFC 6120 §6.4.6: a new stream, without closing the old one
  }
  if (element.name() != "failure") {
    return refused(StreamCondition::kUnsupportedStanzaType, "EXTERNAL has no such step");
  }
  external_failed_ = true;
  external_error_ = read_sasl_failure(element).to_string();
  // XEP-0178 §3, 11b: the server goes on with dialback, or closes the stream.
  return start_authentication();
}

ServerActions InitiatingServer::ready() {
  state_ = State::kReady;
  ServerActions actions;
  if (!authenticated_) ask_for_bidi(actions);
  actions.emplace_back(StreamReady{features_.clone()});
  if (authenticated_) {
    append(actions, outgoing_.opened(options_.pair, PairProof::kExternal));
  } else if (!options_.verify_only) {
    append(actions, outgoing_.open(options_.pair));
  }
  if (options_.lost) ask_also(actions);
  return follow(std::move(actions));
}

// XEP-0198 §5: a stream is resumed by who has proved what it carried.
void InitiatingServer::ask_also(ServerActions& actions) {
  also_.insert(options_.pair);
  for (const DomainPair& pair : options_.also) {
    also_.insert(pair);
    if (can_ask(pair)) {
      append(actions, outgoing_.open(pair));
    } else {
      actions.emplace_back(not_asked(pair));
    }
  }
}

// ---- while it stands

ServerActions InitiatingServer::on_ready_element(xml::Element element) {
  if (is_dialback(element)) return on_dialback(element);
  if (element.ns() == ns::kStreamManagement) return on_management(element);
  // RFC 6120 §4.3.2: some offer more once a pair is proved; nothing of that is needed.
  if (element.is(ns::kStream, "features")) {
    features_ = std::move(element);
    peer_limits_ = read_limits(features_);
    return {};
  }
  return refused(StreamCondition::kUnsupportedStanzaType,
                 "the server sent <" + std::string(element.name()) + "/> out of turn");
}

ServerActions InitiatingServer::on_dialback(xml::ElementView element) {
  const auto read = read_dialback(element);
  if (!read) {
    const bool is_address = read.error().code == Errc::kJidMalformed;
    return refused(is_address ? StreamCondition::kImproperAddressing : StreamCondition::kBadFormat,
                   read.error().detail);
  }
  if (read->type != Dialback::Type::kRequest) return follow(outgoing_.on_answer(*read));
  // XEP-0220 §2.3: the peer sends nothing on this stream, unless it is bidirectional.
  if (!bidi_ && read->kind == Dialback::Kind::kResult) {
    const Dialback answer = answer_to(*read, Dialback::Type::kError, Errc::kNotAllowed);
    return list(Send{write_dialback(answer)});
  }
  return follow(incoming_.on_request(*read));
}

bool InitiatingServer::can_open(const DomainPair& pair) const {
  return pair.to == options_.pair.to || has_dialback_errors(features_);
}

bool InitiatingServer::can_ask(const DomainPair& pair) const {
  return state_ == State::kReady && speaks_dialback_ && !id_.empty() && can_open(pair);
}

ServerActions InitiatingServer::open_pair(DomainPair pair) {
  if (can_ask(pair)) return follow(outgoing_.open(std::move(pair)));
  return list(not_asked(std::move(pair)));
}

ServerActions InitiatingServer::verify(const VerifyKey& what) {
  if (state_ == State::kReady && speaks_dialback_) return outgoing_.verify(what);
  Error why(Errc::kRemoteServerTimeout, "the server does not speak dialback");
  return list(KeyAnswered{what.pair, what.id, std::move(why)});
}

ServerActions InitiatingServer::follow(ServerActions actions) {
  ServerActions all;
  for (ServerAction& action : actions) {
    const auto* opened = std::get_if<PairOpened>(&action);
    std::optional<PairAccepted> back;
    // XEP-0288 §2.2: whom we connected to is the domain of the pair; it may send back.
    if (opened && bidi_) back = incoming_.accept(reversed(opened->pair), opened->proof);
    const auto* refused = std::get_if<PairRefused>(&action);
    if (opened || refused) also_.erase(opened ? opened->pair : refused->pair);
    const bool has_opened = opened || !held_.empty();
    if (wants_management() && also_.empty() && has_opened) append(all, start_management());
    const bool waits = management_ == Management::kAsked || management_ == Management::kResuming ||
                       (wants_management() && !also_.empty());
    ServerActions& where = opened && waits ? held_ : all;
    where.push_back(std::move(action));
    if (back) where.emplace_back(*std::move(back));
  }
  return all;
}

// ---- bidirectional streams (XEP-0288)

void InitiatingServer::ask_for_bidi(ServerActions& actions) {
  if (!options_.bidi || options_.verify_only || bidi_) return;
  if (!features_.child(ns::kBidiFeature, "bidi")) return;
  bidi_ = true;
  xml::Element bidi(ns::kBidi, "bidi");
  append_limits(bidi.ref(), options_.limits);
  actions.emplace_back(Send{written(bidi)});
}

std::optional<StreamError> InitiatingServer::check(const Stanza& stanza) const {
  return incoming_.check(stanza);
}

ServerActions InitiatingServer::on_key(const DomainPair& pair, const Result<>& verdict) {
  if (state_ == State::kEnded) return {};
  return follow(incoming_.on_key(pair, verdict));
}

// ---- stream management (XEP-0198)

bool InitiatingServer::wants_management() const {
  return options_.management && management_ == Management::kNone &&
         features_.child(ns::kStreamManagement, "sm");
}

ServerActions InitiatingServer::start_management() {
  if (options_.lost) {
    management_ = Management::kResuming;
    return list(Send{written(write_resume(options_.lost->previd, options_.lost->h))});
  }
  management_ = Management::kAsked;
  return list(Send{written(write_enable(options_.resumable))});
}

ServerActions InitiatingServer::on_management(xml::ElementView element) {
  const bool is_failure = element.name() == "failed";
  const bool is_enabled = element.name() == "enabled";
  if (management_ == Management::kResuming && is_failure) {
    // §5: the lost stream is given up, and this one is managed anew.
    if (const auto h = StreamManagement::read_h(element)) outcome_.lost_h = *h;
    management_ = Management::kAsked;
    return list(Send{written(write_enable(options_.resumable))});
  }
  if (management_ == Management::kResuming) {
    const auto resumed = read_resume(element);
    if (element.name() != "resumed" || !resumed || resumed->previd != options_.lost->previd) {
      return refused(StreamCondition::kBadFormat, "the server resumed another stream than ours");
    }
    outcome_.kind = ManagementOutcome::Kind::kResumed;
    outcome_.peer_h = resumed->h;
  } else if (management_ != Management::kAsked || (!is_failure && !is_enabled)) {
    return refused(StreamCondition::kUnsupportedStanzaType, "stream management is not on");
  } else if (is_enabled) {
    outcome_.kind = ManagementOutcome::Kind::kEnabled;
    // Prosody 0.12 agrees to resume between servers, and gives no id: nothing can be resumed then.
    if (auto enabled = read_enabled(element)) outcome_.enabled = *std::move(enabled);
  }
  management_ = Management::kSettled;
  ServerActions actions = list(std::move(outcome_));
  append(actions, std::exchange(held_, {}));
  return actions;
}

// ---- the end

ServerActions InitiatingServer::on_stream_end() {
  // RFC 6120 §4.4: the end of a stream that has done what it was for is no failure.
  if (state_ == State::kReady && is_idle() && held_.empty()) return close();
  return failed(Error(Errc::kClosed, "the server closed the stream"));
}

ServerActions InitiatingServer::on_error(const Error& error) {
  if (!is_xml_error(error)) {
    // The connection is gone; where time is up, a server that only was slow hears that we close.
    const bool is_there = error.code == Errc::kTimeout && header_sent_;
    return finish(is_there ? std::string(kStreamEndTag) : std::string(), error,
                  Failed{error, {}, {}});
  }
  const StreamError told = to_stream_error(error);
  const Error why(error.code, "the server's XML: " + error.detail);
  return finish(written(write_stream_error(told)) + std::string(kStreamEndTag), why,
                Failed{why, {}, {}}, EndStream{told});
}

ServerActions InitiatingServer::end(const StreamError& error) {
  std::string last = written(write_stream_error(error)) + std::string(kStreamEndTag);
  std::string why = "the stream was ended with <";
  why.append(to_string(error.condition)).append("/>");
  return finish(header_sent_ ? std::move(last) : std::string(),
                Error(Errc::kClosed, std::move(why)), {}, EndStream{error});
}

ServerActions InitiatingServer::close() {
  return finish(header_sent_ ? std::string(kStreamEndTag) : std::string(),
                Error(Errc::kClosed, "the stream was closed"));
}

ServerActions InitiatingServer::failed(Error error) {
  const Error why = error;
  return finish(header_sent_ ? std::string(kStreamEndTag) : std::string(), why,
                Failed{std::move(error), {}, {}});
}

ServerActions InitiatingServer::refused(StreamCondition condition, std::string why) {
  StreamError told{condition, why};
  const Error error(Errc::kMalformed, std::move(why));
  return finish(written(write_stream_error(told)) + std::string(kStreamEndTag), error,
                Failed{error, {}, {}}, EndStream{std::move(told)});
}

ServerActions InitiatingServer::finish(std::string last, const Error& why,
                                       std::optional<Failed> failed, EndStream end) {
  if (state_ == State::kEnded) return {};
  state_ = State::kEnded;
  ServerActions actions;
  if (!last.empty()) actions.emplace_back(Send{std::move(last)});
  for (ServerAction& action : std::exchange(held_, {})) {
    // It was proved, but stanzas could never be sent.
    if (auto* opened = std::get_if<PairOpened>(&action)) {
      actions.emplace_back(PairRefused{std::move(opened->pair), why});
    }
  }
  append(actions, outgoing_.on_end(why));
  if (failed) actions.emplace_back(*std::move(failed));
  actions.emplace_back(std::move(end));
  return actions;
}

}  // namespace balcony::stream
