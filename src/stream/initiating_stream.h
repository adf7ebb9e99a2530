// The initiating entity's half of stream negotiation (RFC 6120 §4.3, §5, §6, §7) as a machine: what
// was read goes in, what is to be done comes out. It knows no socket and no time.
//
// Used by client/ for clients' streams, over whatever transport. The driver performs the actions in
// their order. After UpgradeTls it hands in nothing but on_tls(). After Bound the stream is the
// driver's and the machine is done; after Failed the driver closes.
//
//   header --starttls--> TLS --[register]--> --auth--> authenticated --bind--> [session]
//                                                          |                 [enable] --> Bound
//                                                          +--[resume]------------------> Bound
//
// With SASL2 (XEP-0388, initiating_sasl2.cc) all that follows --auth-- is one question and one
// answer, and for who has a token (XEP-0484) the first.
// A lost session is resumed, or a new one made resumable, where the options say so (XEP-0198).
// One thread at a time. on_element() with a SCRAM challenge runs PBKDF2: some milliseconds.
#pragma once

#include "base/random.h"
#include "sasl/client.h"
#include "stream/actions.h"
#include "stream/registration.h"
#include "stream/sasl2.h"
#include "stream/stream_management.h"
#include "xml/parser.h"

#include <balcony/element.h>
#include <balcony/jid.h>
#include <balcony/result.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace balcony::stream {

// ---- actions

// What logs in without the password (XEP-0484). As secret as one.
struct LoginToken {
  std::string mechanism;
  std::string token;
  WallTime expiry{};
};
// The account was made (XEP-0077); the machine goes on and logs in.
struct Registered {};
// A resource is bound (RFC 6120 §7), or a lost session with one goes on: stanzas may be sent.
struct Bound {
  Jid jid;
  xml::Element features;                 // of the authenticated stream (RFC 6120 §4.3.2)
  std::string mechanism;                 // that was used, for the log
  std::string server_lang;               // xml:lang of the server's stream header; may be empty
  std::optional<sasl::ClientKeys> keys;  // of SCRAM, for the next login
  ManagementOutcome management;
  std::vector<xml::Element> early;  // stanzas that came before all was settled; not counted
  // XEP-0484. A new token, to be used from now on in place of any other.
  std::optional<LoginToken> token;
  // What the features that were asked for in <bind/> answered (XEP-0386 §3.2); nothing without.
  xml::Element bound;
};

using InitiatingAction =
    std::variant<Send, UpgradeTls, RestartStream, Registered, Bound, Failed, EndStream>;
using InitiatingActions = std::vector<InitiatingAction>;

// ---- what the client wants

enum class TlsPolicy : std::uint8_t {
  kRequired,   // STARTTLS, or there is no login
  kDirect,     // TLS began with the connection (XEP-0368): begin with on_tls()
  kPlaintext,  // no TLS, also where it is offered. For tests on one machine
};

// A session that was lost (XEP-0198 §5).
struct LostSession {
  LostSession(Jid jid_, std::string id_, StanzaCount h_)
      : jid(std::move(jid_)), id(std::move(id_)), h(h_) {}

  Jid jid;         // that was bound
  std::string id;  // of <enabled/>
  StanzaCount h;   // what we have of the server's stanzas
};

// What the client wants of stream management; nothing, unless it is told.
struct ManagementOptions {
  bool enable = false;
  bool resumable = false;
  std::optional<LostSession> lost;  // to be resumed; where that fails, a new session is made
};

// SASL2 (XEP-0388), and what can be asked for in the same step.
struct Sasl2Options {
  bool use = true;       // where it is offered, under TLS
  UserAgent user_agent;  // of this installation; tokens need its id
  bool bind = true;      // Bind 2 where it is offered: binding is part of the login
  // Bind 2 (XEP-0386), unless a resource is asked for: this is a part of the one that is made, for
  // all to see. May be empty.
  std::string tag;
  // Further requests inside <bind/>, such as carbons; only with Bind 2.
  std::vector<std::pair<std::string, std::string>> features;  // namespace and name
  // XEP-0484: ask for a token; it comes with Bound.
  bool want_token = false;
  // One of an earlier login. It is used before the password, and in the first round trip: the
  // server's offer is taken to be what it was (XEP-0388 §2.1). Refused, it is followed by a login
  // with the password where there is one.
  std::optional<LoginToken> token;
};

struct InitiatingOptions {
  explicit InitiatingOptions(Jid account_) : account(std::move(account_)) {}

  Jid account;                           // its resourcepart, if any, is asked for
  std::string password;                  // not needed where `keys` fit
  std::optional<sasl::ClientKeys> keys;  // of an earlier login
  // How many addresses the certificate has that we show in TLS, for EXTERNAL; null: we show none.
  std::optional<std::size_t> certificate_addresses;
  bool anonymous = false;  // SASL ANONYMOUS; only the domain of `account` counts
  TlsPolicy tls = TlsPolicy::kRequired;
  bool plain = true;  // PLAIN may be used, under TLS with a verified certificate
  // XEP-0438 §5.1: what worked last time; nothing weaker is taken. Empty: no such memory.
  std::string pinned_mechanism;
  std::string lang = "en";
  bool register_first = false;  // XEP-0077: make the account, then log in
  // Values for fields of the registration form other than username and password ("email").
  RegistrationFields registration_fields;
  ManagementOptions management;
  Sasl2Options sasl2;
};

// ---- the machine

class InitiatingStream {
 public:
  enum class State : std::uint8_t {
    kIdle,
    kAwaitHeader,
    kAwaitFeatures,
    kAwaitProceed,
    kAwaitTls,
    kAwaitForm,
    kAwaitRegistered,
    kAwaitSasl,
    kAwaitResumed,
    kAwaitBind,
    kAwaitSession,
    kAwaitEnabled,
    kBound,
    kEnded
  };

  // `random` must outlive the machine.
  InitiatingStream(Random& random, InitiatingOptions options);
  ~InitiatingStream();

  // The connection stands. With TlsPolicy::kDirect call on_tls() instead.
  InitiatingActions on_start();
  // TLS is established. `verified`: the server's certificate was checked and accepted.
  InitiatingActions on_tls(std::vector<sasl::ChannelBinding> bindings, bool verified);
  // The server's stream header (the first, or after a restart).
  InitiatingActions on_header(const xml::StreamHeader& header);
  // An element of the stream, before Bound. Takes it over.
  InitiatingActions on_element(xml::Element element);
  // The server closed its stream (RFC 6120 §4.4).
  InitiatingActions on_stream_end();
  // What was read is no XML for a stream, a limit was passed, or the transport failed.
  InitiatingActions on_error(const Error& error);

  State state() const noexcept { return state_; }
  // The token of the options is good for nothing any more; also after Failed.
  bool token_refused() const noexcept { return sasl2_.token_refused; }
  // Stream id that the server gave; empty before.
  const std::string& id() const noexcept { return id_; }

 private:
  InitiatingActions open();
  InitiatingActions on_features(xml::Element features);
  InitiatingActions on_proceed(xml::ElementView element);
  InitiatingActions start_registration();
  InitiatingActions on_form(xml::ElementView iq);
  InitiatingActions on_registered(xml::ElementView iq);
  // `offer`: <mechanisms/>, or <authentication/> of XEP-0388.
  Result<sasl::MechanismChoice> choose(xml::ElementView offer) const;
  std::vector<std::string> announced_bindings() const;
  Result<std::string> start_mechanism(const sasl::MechanismChoice& choice, xml::ElementView offer);
  InitiatingActions start_sasl();
  InitiatingActions on_sasl(xml::ElementView element);
  InitiatingActions on_challenge(xml::ElementView element);
  InitiatingActions on_success(xml::ElementView element);
  InitiatingActions start_session();
  InitiatingActions start_bind();
  InitiatingActions on_bind(xml::ElementView iq);
  InitiatingActions on_session(xml::ElementView iq);
  InitiatingActions has_session();
  InitiatingActions bound();
  // initiating_sasl2.cc
  bool may_use_token() const;
  Result<sasl::MechanismChoice> token_choice() const;
  void start_early(InitiatingActions& actions);
  InitiatingActions start_sasl2();
  Result<xml::Element> make_authenticate(const sasl::MechanismChoice& choice);
  xml::Element make_bind2();
  InitiatingActions on_sasl2(xml::ElementView element);
  Result<> prove_sasl2(xml::ElementView element);
  InitiatingActions on_sasl2_failure(xml::ElementView element);
  InitiatingActions on_sasl2_continue(xml::ElementView element);
  InitiatingActions on_sasl2_task(xml::ElementView element);
  InitiatingActions on_sasl2_success(xml::ElementView element);
  Result<> read_sasl2_session(xml::ElementView success);
  InitiatingActions after_sasl2();
  InitiatingActions give_up_sasl2(Error error);
  // initiating_management.cc
  bool offers_management() const;
  InitiatingActions start_resumption();
  InitiatingActions on_resumption(xml::ElementView element);
  InitiatingActions start_management();
  InitiatingActions on_management(xml::Element element);
  InitiatingActions on_stream_error(xml::ElementView element);

  // Ends the stream: with </stream:stream>, and with a stream error where the server broke rules.
  InitiatingActions failed(Error error);
  InitiatingActions refused(StreamCondition condition, std::string why);
  // Whether `element` is the answer to our request `id`.
  bool is_answer(xml::ElementView element, std::string_view id) const;

  Random& random_;
  InitiatingOptions options_;
  State state_ = State::kIdle;
  bool tls_ = false;
  bool verified_ = false;
  bool header_sent_ = false;
  bool authenticated_ = false;
  bool registered_ = false;
  std::string id_;
  std::string server_lang_;
  std::string foreign_from_;  // the header came from somebody else; told unless an error explains
  std::string mechanism_;
  std::string request_id_;
  std::vector<sasl::ChannelBinding> bindings_;
  std::unique_ptr<sasl::ClientMechanism> sasl_;
  std::optional<sasl::ClientKeys> keys_;
  xml::Element features_;
  std::optional<Jid> jid_;
  ManagementOutcome management_;
  struct Sasl2State {
    bool active = false;  // <authenticate/> was sent
    bool early = false;   // before the features came
    bool by_token = false;
    bool token_refused = false;
    bool proven = false;  // the mechanism is through; tasks may follow
    bool asked_to_enable = false;
    bool asked_to_resume = false;
    std::string token_mechanism;               // of the token that is asked for, or rotated
    std::optional<sasl::ScramHash> upgrading;  // the task at hand (XEP-0480)
    std::optional<LoginToken> token;
    xml::Element bound;
  };
  Sasl2State sasl2_;
  std::vector<xml::Element> early_;
};

}  // namespace balcony::stream
