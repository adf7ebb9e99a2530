// The receiving end of a stream between servers (RFC 6120 §4 to §6, XEP-0178 §3, XEP-0220) as a
// machine: what was read goes in, what is to be done comes out. It knows no socket and no time.
//
// Used by server/s2s. It lives as long as its stream: it keeps which pairs of domains may pass.
//
//   header [--starttls--> TLS, header] --auth--> header, features        PairAccepted: kOpen
//                                      +--db:result, as often as wanted-> PairAccepted: kOpen
//                                      +--db:verify: answered at once
//
// The driver performs the actions in their order. It hands in each element that is no stanza with
// on_element(), in every state, but <r/> and <a/> of XEP-0198 once that is on; and asks check()
// about each stanza in state kOpen (before, stanzas go to on_element(), which ends the stream). In
// state kWaiting it reads nothing until it has given the answer: on_tls() after UpgradeTls,
// on_certificate() after CheckCertificate.
// One thread at a time; it may be moved to another with its connection, see set_policy().
#pragma once

#include "base/random.h"
#include "sasl/server.h"
#include "stream/incoming_pairs.h"
#include "stream/outgoing_pairs.h"
#include "stream/server_actions.h"
#include "xml/parser.h"

#include <balcony/element.h>
#include <balcony/result.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace balcony::stream {

struct ReceivingServerOptions {
  bool tls_available = true;
  bool direct_tls = false;  // TLS began with the connection (XEP-0368): begin with on_tls()
  bool bidi = true;         // XEP-0288 is offered
  bool management = true;   // XEP-0198 is offered
  StreamLimits limits;      // what we accept: told in features (XEP-0478)
  IncomingLimits pairs;
  int attempts_max = 3;  // of SASL, then the stream ends (RFC 6120 §6.4.5)
  std::string lang = "en";
};

class ReceivingServer {
 public:
  // kNegotiating: nobody has proved anything yet. kWaiting: for on_tls() or on_certificate().
  // kOpen: at least one pair of domains is accepted.
  enum class State : std::uint8_t { kOpening, kNegotiating, kWaiting, kOpen, kEnded };

  // `policy` and `random` must outlive the machine.
  ReceivingServer(const ServerPolicy& policy, Random& random, ReceivingServerOptions options);
  ~ReceivingServer();

  // The peer opened a stream (the first, or anew after a restart).
  ServerActions on_header(const xml::StreamHeader& header);
  // An element of the stream: see above. Takes it over.
  ServerActions on_element(xml::Element element);
  // The peer closed its stream (RFC 6120 §4.4).
  ServerActions on_stream_end();
  // What was read is no XML for a stream, or a limit was passed: the stream ends with that error.
  ServerActions on_error(const Error& error);

  // TLS is established. `has_certificate`: the peer has shown one, good or not.
  ServerActions on_tls(bool has_certificate);
  // Answers to CheckCertificate. Errors: the sentence is for the log; any code.
  ServerActions on_certificate(std::string_view domain, const Result<>& verdict);
  // Answers to VerifyKey. Errors: as KeyAnswered; no_answer_to_key() makes them.
  ServerActions on_key(const DomainPair& pair, const Result<>& verdict);

  // Whether this stanza may come in; else what the stream ends with: hand that to end().
  std::optional<StreamError> check(const Stanza& stanza) const { return incoming_.check(stanza); }
  // The same of two domains, prepared.
  bool may_send(std::string_view from, std::string_view to) const {
    return incoming_.may_send(from, to);
  }

  // ---- bidirectional streams (XEP-0288)

  // Whether the peer has asked for one: then what was accepted may be sent the other way, each told
  // with PairOpened.
  bool is_bidirectional() const noexcept { return bidi_; }
  // Whether we may send stanzas from our domain `from` to the peer's `to`.
  bool may_receive(std::string_view from, std::string_view to) const {
    return outgoing_.may_send(from, to);
  }
  // Asks to send from another domain of ours (§2.2), to one that the peer has proved. PairRefused
  // at once where the stream cannot: it is not bidirectional, or pair.to is not proved.
  ServerActions open_pair(DomainPair pair);
  // What the peer accepts, as it said in <bidi/> (XEP-0478 §4).
  const StreamLimits& peer_limits() const noexcept { return peer_limits_; }

  // Ends the stream from our side, in every state.
  ServerActions end(const StreamError& error);
  // Ends it with </stream:stream> and no error.
  ServerActions close();

  // The same decisions, asked elsewhere: after the connection moved to another shard.
  void set_policy(const ServerPolicy& policy) noexcept;

  State state() const noexcept { return state_; }
  // Our domain that the header asked for, and the peer's that it claims, which is not to be
  // believed before PairAccepted; empty before, and where there is none.
  const std::string& domain() const noexcept { return domain_; }
  const std::string& peer() const noexcept { return peer_; }
  const std::string& id() const noexcept { return id_; }
  bool is_tls() const noexcept { return tls_; }
  // Whether XMPP 1.0 is spoken; else there is nothing but dialback (RFC 6120 §4.7.5).
  bool has_version() const noexcept { return version_1_; }
  // Why the peer's certificate is not good for peer(), for the log; empty: it is, or none was
  // shown.
  const std::string& certificate_error() const noexcept { return certificate_error_; }
  const IncomingPairs& incoming() const noexcept { return incoming_; }
  const OutgoingPairs& outgoing() const noexcept { return outgoing_; }

 private:
  std::optional<StreamError> check_header(const xml::StreamHeader& header);
  std::optional<StreamError> check_addresses(const std::string& to, const std::string& from);
  void open_response(ServerActions& actions);
  void forget_stream();
  ServerActions welcome();
  void offer(xml::Element& features) const;
  bool must_have_tls() const;
  ServerActions on_starttls();
  ServerActions on_auth(xml::ElementView element);
  ServerActions on_sasl_step(sasl::ServerStep step);
  ServerActions sasl_failed(const Error& error);
  ServerActions on_dialback(xml::ElementView element);
  ServerActions on_bidi(xml::ElementView element);
  ServerActions on_management(xml::ElementView element);
  // Looks through what the pairs said: the state, and pairs of the other direction.
  ServerActions follow(ServerActions actions);
  ServerActions stream_error(StreamCondition condition, std::string text = {});
  // The end: `last` is said, and what waits for an answer gets one.
  ServerActions finish(std::string last, EndStream end, std::optional<Failed> failed = {});

  const ServerPolicy* policy_;
  Random& random_;
  ReceivingServerOptions options_;
  State state_ = State::kOpening;
  bool tls_ = false;
  bool has_certificate_ = false;
  bool certified_ = false;      // it is good for peer_: EXTERNAL is offered
  bool authenticated_ = false;  // by EXTERNAL
  bool header_sent_ = false;
  bool version_1_ = true;
  bool bidi_ = false;
  bool managed_ = false;  // XEP-0198 has been asked for
  int attempts_ = 0;
  std::string domain_;
  std::string peer_;
  std::string id_;
  std::string certificate_error_;
  StreamLimits peer_limits_;
  std::unique_ptr<sasl::ServerMechanism> sasl_;
  IncomingPairs incoming_;
  OutgoingPairs outgoing_;
};

}  // namespace balcony::stream
