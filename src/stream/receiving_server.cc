#include "stream/receiving_server.h"

#include "sasl/mechanism.h"
#include "stanza/ns.h"
#include "stanza/stanza.h"
#include "stream/sasl_elements.h"
#include "stream/server_says.h"

#include <algorithm>
#include <utility>

namespace balcony::stream {
namespace {

// RFC 6120 §4.9.3.10: the prefix of dialback may be bound to nothing else.
bool has_foreign_dialback(const xml::StreamHeader& header) {
  return std::ranges::any_of(header.declarations, [](const auto& declared) {
    return declared.prefix == "db" && declared.ns != ns::kDialback;
  });
}

}  // namespace

ReceivingServer::ReceivingServer(const ServerPolicy& policy, Random& random,
                                 ReceivingServerOptions options)
    : policy_(&policy),
      random_(random),
      options_(std::move(options)),
      incoming_(policy, options_.pairs),
      outgoing_(policy.dialback_secret()) {}

ReceivingServer::~ReceivingServer() = default;

void ReceivingServer::set_policy(const ServerPolicy& policy) noexcept {
  policy_ = &policy;
  incoming_.set_policy(policy);
}

// ---- opening

ServerActions ReceivingServer::on_header(const xml::StreamHeader& header) {
  if (state_ == State::kEnded) return {};
  if (state_ != State::kOpening) return stream_error(StreamCondition::kBadFormat);
  // RFC 6120 §4.7.3: a new id for each stream, unguessable: the keys of dialback are for it.
  id_ = random_.token(16);
  incoming_.set_id(id_);
  outgoing_.set_id(id_);
  header_sent_ = false;
  // §4.7.5: without a version it is a stream of 1999, with dialback and nothing else.
  version_1_ = !header.version.empty();
  if (auto error = check_header(header)) {
    return stream_error(error->condition, std::move(error->text));
  }
  state_ = State::kNegotiating;
  ServerActions actions;
  open_response(actions);
  // XEP-0178 §3: whether EXTERNAL is offered is for the certificate to say.
  const bool must_ask = has_certificate_ && !authenticated_ && !peer_.empty() && version_1_;
  if (must_ask) {
    state_ = State::kWaiting;
    actions.emplace_back(CheckCertificate{peer_});
  } else {
    append(actions, welcome());
  }
  return actions;
}

std::optional<StreamError> ReceivingServer::check_header(const xml::StreamHeader& header) {
  using enum StreamCondition;
  const auto to = Jid::parse(header.to);
  const auto from = Jid::parse(header.from);
  const auto is_domain = [](const Result<Jid>& jid) {
    return jid && !jid->has_local() && !jid->is_full();
  };
  // §4.7.1: our 'from' is the domain that was asked for, also in front of an error.
  const bool served = is_domain(to) && policy_->serves(to->str());
  const bool is_first = domain_.empty() || (!tls_ && !authenticated_);
  if (served && is_first) domain_ = to->str();
  if (header.root_ns != ns::kStream) return StreamError{kInvalidNamespace, ""};  // §4.9.3.10
  if (header.root_name != "stream") return StreamError{kBadFormat, ""};          // §4.9.3.1
  if (!has_content_namespace(header, ns::kServer) || has_foreign_dialback(header)) {
    return StreamError{kInvalidNamespace, ""};
  }
  if (version_1_ && !speaks_version_1(header.version)) {
    return StreamError{kUnsupportedVersion, ""};  // §4.9.3.25
  }
  // §4.9.3.7: addresses that are none.
  if (!is_domain(to)) return StreamError{kImproperAddressing, "the stream needs a domain in 'to'"};
  if (!header.from.empty() && !is_domain(from)) return StreamError{kImproperAddressing, ""};
  if (!served) return StreamError{kHostUnknown, ""};  // §4.9.3.6
  return check_addresses(to->str(), is_domain(from) ? from->str() : std::string());
}

std::optional<StreamError> ReceivingServer::check_addresses(const std::string& to,
                                                            const std::string& from) {
  using enum StreamCondition;
  // A restart goes on with the domains that TLS and SASL were for.
  if (domain_ != to) return StreamError{kNotAuthorized, "a restart cannot change the domain"};
  if (authenticated_ && from != peer_) return StreamError{kInvalidFrom, ""};
  peer_ = from;
  // §4.9.3.9: nobody else speaks for a domain of ours.
  if (!peer_.empty() && policy_->serves(peer_)) return StreamError{kInvalidFrom, ""};
  if (!policy_->trust(peer_, domain_).allowed) return StreamError{kPolicyViolation, ""};
  // RFC 7590 §3.4. Where there are no features, there is no way to TLS.
  if (!version_1_ && must_have_tls()) return StreamError{kPolicyViolation, "TLS is required"};
  return std::nullopt;
}

void ReceivingServer::open_response(ServerActions& actions) {
  header_sent_ = true;
  const std::string_view version = version_1_ ? "1.0" : "";
  actions.emplace_back(
      Send{write_stream_header(domain_, peer_, id_, options_.lang, ns::kServer, version)});
}

bool ReceivingServer::must_have_tls() const {
  return !tls_ && policy_->trust(peer_, domain_).tls_required;
}

// What stands behind the header: features, and what EXTERNAL has proved.
ServerActions ReceivingServer::welcome() {
  state_ = incoming_.empty() ? State::kNegotiating : State::kOpen;
  ServerActions actions;
  if (authenticated_) {
    append(actions, list(incoming_.accept({peer_, domain_}, PairProof::kExternal)));
  }
  if (!version_1_) return actions;
  xml::Element features(ns::kStream, "features");
  offer(features);
  actions.insert(actions.begin(), Send{written(features)});
  return follow(std::move(actions));
}

void ReceivingServer::offer(xml::Element& features) const {
  const bool must = must_have_tls();
  if (!tls_ && options_.tls_available) {
    xml::ElementRef starttls = features.append(ns::kTls, "starttls");
    // RFC 6120 §5.3.1: mandatory to negotiate: nothing else is offered beside it.
    if (must) starttls.append("required");
  }
  if (must) return;
  if (certified_ && !authenticated_) {
    features.append(ns::kSasl, "mechanisms").append_text_element("mechanism", sasl::kExternal);
  }
  // XEP-0288 §2.1, before either way to authenticate.
  if (options_.bidi && !bidi_ && !authenticated_) features.append(ns::kBidiFeature, "bidi");
  append_dialback_feature(features.ref());
  // XEP-0198 §3: when stanzas may follow without further features, as after dialback.
  const bool is_last = authenticated_ || !certified_;
  if (options_.management && is_last) features.append(ns::kStreamManagement, "sm");
  append_limits(features.ref(), options_.limits);
}

// What comes next is a new stream, ours too: even its errors stand in a header of their own.
void ReceivingServer::forget_stream() {
  state_ = State::kOpening;
  header_sent_ = false;
  id_.clear();
}

// ---- TLS

ServerActions ReceivingServer::on_starttls() {
  if (tls_ || !options_.tls_available) {
    // RFC 6120 §5.4.2.2: a failure, and the stream is closed.
    return finish(written(xml::Element(ns::kTls, "failure")) + std::string(kStreamEndTag), {});
  }
  state_ = State::kWaiting;
  return list(Send{written(xml::Element(ns::kTls, "proceed"))}, UpgradeTls{});
}

ServerActions ReceivingServer::on_tls(bool has_certificate) {
  if (state_ == State::kEnded) return {};
  tls_ = true;
  has_certificate_ = has_certificate;
  incoming_.on_tls(has_certificate);
  // RFC 6120 §5.4.3.3: what was learned before TLS is forgotten, save which domain was asked for.
  // Pairs that were proved in clear are among it.
  incoming_.forget();
  bidi_ = managed_ = false;
  peer_.clear();
  sasl_.reset();
  ServerActions actions = outgoing_.on_end(Error(Errc::kClosed, "a new stream began"));
  forget_stream();
  actions.emplace_back(RestartStream{});
  return actions;
}

ServerActions ReceivingServer::on_certificate(std::string_view domain, const Result<>& verdict) {
  if (state_ == State::kEnded) return {};
  if (state_ != State::kWaiting) return follow(incoming_.on_certificate(domain, verdict));
  if (domain != peer_) return {};
  certified_ = verdict.has_value();
  certificate_error_ = verdict ? std::string() : verdict.error().detail;
  return welcome();
}

// ---- SASL EXTERNAL (XEP-0178 §3)

ServerActions ReceivingServer::on_auth(xml::ElementView element) {
  if (element.name() == "response" && sasl_) {
    auto data = read_sasl(element);
    if (!data) return sasl_failed(data.error());
    return on_sasl_step(sasl_->step(*data));
  }
  if (element.name() == "abort") return sasl_failed(Error(Errc::kSaslAborted));
  if (element.name() != "auth" || sasl_) return sasl_failed(Error(Errc::kSaslMalformedRequest));
  if (must_have_tls()) return sasl_failed(Error(Errc::kSaslEncryptionRequired));
  if (element.attr("mechanism") != sasl::kExternal) {
    return sasl_failed(Error(Errc::kSaslInvalidMechanism));
  }
  if (!certified_) return sasl_failed(Error(Errc::kSaslNotAuthorized, certificate_error_));
  auto response = read_initial_response(element);
  if (!response) return sasl_failed(response.error());
  auto machine = sasl::make_server_mechanism(sasl::kExternal, {}, random_);
  if (!machine) return sasl_failed(machine.error());
  sasl_ = *std::move(machine);
  return on_sasl_step(sasl_->start(*response));
}

ServerActions ReceivingServer::on_sasl_step(sasl::ServerStep step) {
  if (const auto* challenge = std::get_if<sasl::Challenge>(&step)) {
    xml::Element element(ns::kSasl, "challenge");
    append_sasl(element, challenge->data);
    return list(Send{written(element)});
  }
  if (const auto* external = std::get_if<sasl::VerifyExternal>(&step)) {
    // RFC 6120 §6.3.8: the domain of the header, which the certificate is for, and no other.
    const auto wanted = Jid::parse(external->authzid);
    const bool is_peer = external->authzid.empty() || (wanted && wanted->str() == peer_);
    if (!is_peer) return sasl_failed(Error(Errc::kSaslInvalidAuthzid));
    return on_sasl_step(sasl_->identified(peer_));
  }
  if (const auto* error = std::get_if<Error>(&step)) return sasl_failed(*error);
  sasl_.reset();
  authenticated_ = true;
  forget_stream();  // RFC 6120 §6.4.6: both open new streams
  return list(Send{written(xml::Element(ns::kSasl, "success"))}, RestartStream{});
}

ServerActions ReceivingServer::sasl_failed(const Error& error) {
  sasl_.reset();
  ServerActions actions =
      list(Send{written(write_sasl_failure(error.code))}, PairRejected{{peer_, domain_}, error});
  ++attempts_;
  // RFC 6120 §6.4.5: after some failed attempts the stream is closed; before, dialback may follow.
  if (attempts_ >= options_.attempts_max) {
    append(actions, stream_error(StreamCondition::kPolicyViolation, "too many failed attempts"));
  }
  return actions;
}

// ---- elements

ServerActions ReceivingServer::on_element(xml::Element element) {
  if (state_ == State::kEnded) return {};
  if (element.is(ns::kStream, "error")) {
    Failed failed = ended_by_peer(element);
    return finish(std::string(kStreamEndTag), {}, std::move(failed));
  }
  if (state_ == State::kOpening || state_ == State::kWaiting) {
    return stream_error(StreamCondition::kInternalServerError);
  }
  if (is_dialback(element)) return on_dialback(element);
  if (element.ns() == ns::kBidi) return on_bidi(element);
  if (element.ns() == ns::kStreamManagement) return on_management(element);
  if (state_ == State::kNegotiating) {
    if (element.is(ns::kTls, "starttls")) return on_starttls();
    if (element.ns() == ns::kSasl) return on_auth(element);
    // RFC 6120 §4.9.3.12: a stanza before the stream is authenticated.
    if (stanza_kind(element)) return stream_error(StreamCondition::kNotAuthorized);
  }
  return stream_error(StreamCondition::kUnsupportedStanzaType);
}

ServerActions ReceivingServer::on_dialback(xml::ElementView element) {
  const auto read = read_dialback(element);
  if (!read) {
    const bool is_address = read.error().code == Errc::kJidMalformed;
    return stream_error(
        is_address ? StreamCondition::kImproperAddressing : StreamCondition::kBadFormat,
        read.error().detail);
  }
  if (read->type == Dialback::Type::kRequest) return follow(incoming_.on_request(*read));
  // XEP-0220 §4.1: answers that nobody asked for are ignored there; XEP-0288 §2.2 has some that
  // were.
  return follow(outgoing_.on_answer(*read));
}

ServerActions ReceivingServer::on_key(const DomainPair& pair, const Result<>& verdict) {
  if (state_ == State::kEnded) return {};
  return follow(incoming_.on_key(pair, verdict));
}

ServerActions ReceivingServer::follow(ServerActions actions) {
  ServerActions all;
  bool is_over = false;
  for (ServerAction& action : actions) {
    std::optional<DomainPair> back;
    if (const auto* accepted = std::get_if<PairAccepted>(&action)) {
      state_ = State::kOpen;
      if (bidi_) back = reversed(accepted->pair);
    } else if (const auto* rejected = std::get_if<PairRejected>(&action)) {
      // XEP-0220 §2.2.1: who has proved nothing and sent a wrong key is sent away.
      is_over = rejected->error.code == Errc::kForbidden && incoming_.empty();
    }
    const auto* accepted = std::get_if<PairAccepted>(&action);
    const PairProof proof = accepted ? accepted->proof : PairProof::kDialback;
    all.push_back(std::move(action));
    // XEP-0288 §2.2: the inverse of what the peer has proved needs no proof of ours.
    if (back) append(all, outgoing_.opened(*std::move(back), proof));
  }
  if (incoming_.is_tiresome()) {
    // RFC 6120 §4.9.3.14. Each request may have cost others something.
    append(all, stream_error(StreamCondition::kPolicyViolation, "too much was refused"));
  } else if (is_over) {
    append(all, close());
  }
  return all;
}

// ---- bidirectional streams (XEP-0288)

ServerActions ReceivingServer::on_bidi(xml::ElementView element) {
  const bool is_early = state_ == State::kNegotiating && !must_have_tls();
  // §2.2: before authentication, and where it is offered; else nothing comes of it.
  if (element.name() != "bidi" || !options_.bidi || !is_early) return {};
  bidi_ = true;
  peer_limits_ = read_limits(element);
  return {};
}

ServerActions ReceivingServer::open_pair(DomainPair pair) {
  const bool is_proved = std::ranges::any_of(
      incoming_.accepted(), [&pair](const auto& proven) { return proven.first.from == pair.to; });
  if (state_ != State::kOpen || !bidi_ || !is_proved) {
    Error why(Errc::kFeatureNotImplemented, "nothing may be asked for on this stream");
    return list(PairRefused{std::move(pair), std::move(why)});
  }
  return outgoing_.open(std::move(pair));
}

// ---- stream management (XEP-0198 §3, §5)

ServerActions ReceivingServer::on_management(xml::ElementView element) {
  const bool may = state_ == State::kOpen && options_.management && !managed_;
  if (may && element.name() == "enable") {
    managed_ = true;
    const std::string_view resume = element.attr("resume");
    return list(EnableManagement{resume == "true" || resume == "1"});
  }
  if (may && element.name() == "resume") {
    auto what = read_resume(element);
    if (!what) return list(Send{written(write_failed(Errc::kBadRequest))});
    return list(ResumeManagement{*std::move(what)});
  }
  return list(Send{written(write_failed(Errc::kUnexpectedRequest))});
}

// ---- the end

ServerActions ReceivingServer::on_stream_end() {
  return close();
}

ServerActions ReceivingServer::on_error(const Error& error) {
  return end(to_stream_error(error));
}

ServerActions ReceivingServer::end(const StreamError& error) {
  return stream_error(error.condition, error.text);
}

ServerActions ReceivingServer::close() {
  return finish(header_sent_ ? std::string(kStreamEndTag) : std::string(), {});
}

ServerActions ReceivingServer::stream_error(StreamCondition condition, std::string text) {
  if (state_ == State::kEnded) return {};
  StreamError error{condition, std::move(text)};
  ServerActions actions;
  // RFC 6120 §4.9.1.2: an error in the header is told inside a stream of ours.
  if (!header_sent_) {
    if (id_.empty()) id_ = random_.token(16);
    open_response(actions);
  }
  std::string last = written(write_stream_error(error)) + std::string(kStreamEndTag);
  append(actions, finish(std::move(last), EndStream{std::move(error)}));
  return actions;
}

ServerActions ReceivingServer::finish(std::string last, EndStream end,
                                      std::optional<Failed> failed) {
  if (state_ == State::kEnded) return {};
  state_ = State::kEnded;
  sasl_.reset();
  ServerActions actions;
  if (!last.empty()) actions.emplace_back(Send{std::move(last)});
  append(actions, outgoing_.on_end(Error(Errc::kClosed, "the stream has ended")));
  if (failed) actions.emplace_back(*std::move(failed));
  actions.emplace_back(std::move(end));
  return actions;
}

}  // namespace balcony::stream
