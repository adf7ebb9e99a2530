// The initiating end of a stream between servers (RFC 6120 §4 to §6, XEP-0178 §3, XEP-0220) as a
// machine: what was read goes in, what is to be done comes out. It knows no socket and no time.
//
// Used by server/s2s. It lives as long as its stream: it keeps which pairs of domains may be sent.
//
//   header [--starttls--> TLS, certificate, header] --auth EXTERNAL--> header [sm]   StreamReady
//                                                   +--no EXTERNAL, or refused------ StreamReady
//   then, with EXTERNAL: PairOpened; else <db:result/> for the first pair, and PairOpened when the
//   peer says so. open_pair() asks for more pairs, verify() as the receiving server of another
//   stream whether a key is the peer's.
//
// The driver performs the actions in their order. It hands in each element that is no stanza with
// on_element(), in every state, but <r/> and <a/> of XEP-0198 once that is on; and asks check()
// about each stanza once the stream is ready (before, stanzas go to on_element(), which ends the
// stream). After UpgradeTls it hands in nothing but on_tls(), after the CheckCertificate of its own
// domain nothing but on_certificate(). After Failed or EndStream it closes. Waiting too long is for
// the driver to notice: on_error() with kTimeout. One thread at a time.
#pragma once

#include "stream/incoming_pairs.h"
#include "stream/outgoing_pairs.h"
#include "stream/server_actions.h"
#include "xml/parser.h"

#include <balcony/element.h>
#include <balcony/result.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace balcony::stream {

enum class ServerTls : std::uint8_t {
  kStartTls,  // STARTTLS where it is offered; whether it must be is ServerTrust::tls_required
  kDirect,    // TLS began with the connection (XEP-0368): begin with on_tls()
  kNone,      // no TLS even where it is offered. For tests on one machine
};

struct InitiatingServerOptions {
  InitiatingServerOptions(std::string from, std::string to)
      : pair{std::move(from), std::move(to)} {}

  DomainPair pair;  // `from` is ours, `to` is the peer's: the stream header, and the first pair
  ServerTls tls = ServerTls::kStartTls;
  // Ask for no pair and use no EXTERNAL: the stream is for verify() alone (XEP-0220 §2.1.2).
  bool verify_only = false;
  bool external = true;    // EXTERNAL is used where it is offered: we have a certificate for `from`
  bool bidi = true;        // XEP-0288 is used where it is offered
  bool management = true;  // XEP-0198 is used where it is offered
  bool resumable = false;  // and the stream is to be resumable
  std::optional<Resume> lost;    // a stream of this pair that is to be resumed
  std::vector<DomainPair> also;  // further pairs that it carried: asked for before
  StreamLimits limits;           // what we accept; told in <bidi/> (XEP-0478 §4)
  IncomingLimits incoming;       // of bidirectional streams
  std::string lang = "en";
};

class InitiatingServer {
 public:
  enum class State : std::uint8_t {
    kIdle,
    kAwaitHeader,
    kAwaitFeatures,
    kAwaitProceed,
    kAwaitTls,
    kAwaitCertificate,
    kAwaitSasl,
    kReady,
    kEnded
  };

  // `policy` must outlive the machine.
  InitiatingServer(const ServerPolicy& policy, InitiatingServerOptions options);

  // The connection stands. With ServerTls::kDirect call on_tls() instead.
  ServerActions on_start();
  // TLS is established. `has_certificate`: the peer has shown one, good or not.
  ServerActions on_tls(bool has_certificate);
  // Answers to CheckCertificate. Errors: kForbidden: DNSSEC contradicts the certificate, and the
  // stream ends whatever the policy is; any other code. The sentence is for the log.
  ServerActions on_certificate(std::string_view domain, const Result<>& verdict);
  // The peer's stream header (the first, or after a restart).
  ServerActions on_header(const xml::StreamHeader& header);
  // An element of the stream: see above. Takes it over.
  ServerActions on_element(xml::Element element);
  // The peer closed its stream (RFC 6120 §4.4).
  ServerActions on_stream_end();
  // What was read is no XML for a stream, a limit was passed, time is up, or the transport failed.
  ServerActions on_error(const Error& error);

  // Asks for a further pair (XEP-0220 §2.7); in state kReady only. PairRefused at once, with
  // kFeatureNotImplemented, where this stream cannot: see can_open().
  ServerActions open_pair(DomainPair pair);
  // Whether open_pair() may ask for it: a further sender domain always, a further target domain
  // only where the peer has said that it knows errors (§2.7.2). Who asks has found in DNS that
  // pair.to lives at the same address.
  bool can_open(const DomainPair& pair) const;
  // Asks the peer, as the authoritative server of what.pair.from, for the truth of a key; in state
  // kReady only.
  ServerActions verify(const VerifyKey& what);
  // Whether we may send stanzas from our domain `from` to the peer's `to`.
  bool may_send(std::string_view from, std::string_view to) const {
    return outgoing_.may_send(from, to);
  }
  // Whether nothing that was asked waits for an answer.
  bool is_idle() const noexcept { return outgoing_.is_idle(); }

  // ---- bidirectional streams (XEP-0288)

  bool is_bidirectional() const noexcept { return bidi_; }
  // Whether this stanza of the peer may come in; else what the stream ends with: hand that to
  // end().
  std::optional<StreamError> check(const Stanza& stanza) const;
  // Answers to VerifyKey, which a peer's <db:result/> asks for. Errors: as KeyAnswered.
  ServerActions on_key(const DomainPair& pair, const Result<>& verdict);

  // Ends the stream from our side, in every state.
  ServerActions end(const StreamError& error);
  // Ends it with </stream:stream> and no error.
  ServerActions close();

  State state() const noexcept { return state_; }
  // Stream id that the peer gave; empty before.
  const std::string& id() const noexcept { return id_; }
  bool is_tls() const noexcept { return tls_; }
  // Whether the peer's certificate is good for the pair's `to`; else why not, for the log.
  bool is_certified() const noexcept { return certified_; }
  const std::string& certificate_error() const noexcept { return certificate_error_; }
  // Why EXTERNAL, which was offered, did not succeed; dialback was tried then. Empty: it did, or
  // was not tried.
  const std::string& external_error() const noexcept { return external_error_; }
  // What the peer accepts (XEP-0478 §3).
  const StreamLimits& peer_limits() const noexcept { return peer_limits_; }
  const OutgoingPairs& outgoing() const noexcept { return outgoing_; }
  const IncomingPairs& incoming() const noexcept { return incoming_; }

 private:
  ServerActions open();
  ServerActions on_features(xml::Element features);
  ServerActions start_authentication();
  ServerActions on_sasl(xml::ElementView element);
  ServerActions ready();
  ServerActions on_ready_element(xml::Element element);
  ServerActions on_dialback(xml::ElementView element);
  void ask_for_bidi(ServerActions& actions);
  // Looks through what the pairs said: stream management begins before the first of ours is told,
  // and what we have proved may come back on a bidirectional stream.
  ServerActions follow(ServerActions actions);
  bool can_ask(const DomainPair& pair) const;
  void ask_also(ServerActions& actions);
  bool wants_management() const;
  ServerActions start_management();
  ServerActions on_management(xml::ElementView element);
  ServerTrust trust() const { return policy_->trust(options_.pair.to, options_.pair.from); }
  ServerActions failed(Error error);
  ServerActions refused(StreamCondition condition, std::string why);
  // The end: `last` is said, what waits gets its answer, then `failed` and `end`, where given.
  ServerActions finish(std::string last, const Error& why, std::optional<Failed> failed = {},
                       EndStream end = {});

  const ServerPolicy* policy_;
  InitiatingServerOptions options_;
  State state_ = State::kIdle;
  bool tls_ = false;
  bool certified_ = false;
  bool header_sent_ = false;
  bool authenticated_ = false;    // by EXTERNAL
  bool external_failed_ = false;  // on this stream
  bool speaks_dialback_ = false;
  bool bidi_ = false;
  enum class Management : std::uint8_t { kNone, kAsked, kResuming, kSettled };
  Management management_ = Management::kNone;
  std::string id_;
  std::string foreign_from_;  // the header came from somebody else; told unless an error explains
  std::string certificate_error_;
  std::string external_error_;
  StreamLimits peer_limits_;
  xml::Element features_;
  ManagementOutcome outcome_;
  ServerActions held_;         // what waits for stream management to be settled
  std::set<DomainPair> also_;  // what is to be answered before a stream is resumed
  OutgoingPairs outgoing_;
  IncomingPairs incoming_;
};

}  // namespace balcony::stream
