// The receiving entity's half of stream negotiation (RFC 6120 §4.3, §5, §6, §7) as a machine: what
// was read goes in, what is to be done comes out. It knows no socket, no time and no storage.
//
// Used by server/ for clients' streams, over whatever transport. The driver performs the actions in
// their order. After an action that says "then on_…()" the machine waits: the driver hands it
// nothing but that answer and reads nothing meanwhile.
//
//   before TLS  --starttls-->  TLS  --auth-->  authenticated, at home  --bind-->  bound: kBound
//                               |                                                   |
//                               +--authenticate (XEP-0388), all in one--------------+
//
// What XEP-0388 and its kin add stands in receiving_sasl2.cc.
// One thread at a time.
#pragma once

#include "base/random.h"
#include "sasl/server.h"
#include "stream/actions.h"
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
#include <variant>
#include <vector>

namespace balcony::stream {

// ---- actions ----

// Find the keys of this user of the stream's host; then on_credentials(). Also when the user is at
// home already, to see whether he has some for this hash.
struct LookUp {
  std::string username;
  sasl::ScramHash hash;
};
// Verify the password of this user, then on_verified().
struct VerifyPassword {
  std::string username;
  std::string password;
};
// See whether this user, whom a certificate names, has an account that may be logged in to; then
// on_account_checked().
struct CheckAccount {
  std::string username;
};
// Find the user's token that fits (sasl::fits()), issued for this mechanism and this client; mark
// it as used, and forget it when it is to be invalidated (XEP-0484 §3.4, §3.6). Then
// on_token_verified().
struct VerifyToken {
  sasl::VerifyToken what;
  std::string user_agent;  // UserAgent::id, never empty
  FastUse use;
};
// The peer is this account: bring the connection to the account's home (decision 0010), then
// on_home(). `anonymous`: the account is temporary, the driver names it.
struct ComeHome {
  std::string username;
  bool anonymous = false;
};
// An attempt to authenticate failed, for the log and the limits; the peer has been told already.
struct AttemptFailed {
  std::string mechanism;
  std::string username;  // as far as it was known; not prepared
  Error error;
};
// Bind this resource; empty: make one. Then on_bound(), with what the features in `inline_bind`
// answer (<bind/> of XEP-0386; nothing: RFC 6120 §7).
struct BindResource {
  std::string wanted;
  xml::Element inline_bind = {};
  std::string user_agent = {};  // UserAgent::id; earlier sessions of the same client end
};
// Give the account, which is at home, keys for one hash, unless it has some with as many
// iterations; then on_keys_added().
struct AddKeys {
  std::string username;
  sasl::ScramKeys keys;
};
// Make a token for this client of the account, which is at home (XEP-0484 §3.3); then
// on_token_issued().
struct IssueToken {
  std::string username;
  UserAgent user_agent;  // with an id
  std::string mechanism;
};
// Take up this session of the account where its stream was lost (XEP-0198 §5); then on_resumed().
struct ResumeSession {
  std::string previd;
  StanzaCount h = 0;
};
// An iq of XEP-0077 before authentication: answer it with Send.
struct RegisterRequest {
  xml::Element iq;
};
using Action = std::variant<Send, UpgradeTls, RestartStream, LookUp, VerifyPassword, CheckAccount,
                            VerifyToken, ComeHome, AttemptFailed, BindResource, AddKeys, IssueToken,
                            ResumeSession, RegisterRequest, EndStream>;
using Actions = std::vector<Action>;

// ---- certificates of clients (XEP-0178 §2) ----

struct ShownCertificate {
  std::string error;           // why it does not count, for the log; empty: it does
  std::vector<Jid> addresses;  // its id-on-xmppAddr (RFC 6120 §13.7.1.4), as far as they are JIDs
  std::string host;  // whose authorities it was verified by; see ReceivingPolicy::trusts()
};

// ---- what the server decides ----

struct ReceivingOptions {
  bool tls_available = true;
  bool tls_required = true;  // SASL only inside TLS; RFC 7590 §3.3
  bool direct_tls = false;   // TLS began with the connection (XEP-0368)
  int attempts_max = 5;      // RFC 6120 §6.4.5: 2 to 5 are recommended
  std::string lang = "en";
};

// What is offered in <authentication/> (XEP-0388 §2.1) beside the mechanisms.
struct Sasl2Offer {
  bool offered = false;
  bool tokens = false;                    // XEP-0484
  bool resumption = false;                // XEP-0198 §5
  std::vector<sasl::ScramHash> upgrades;  // XEP-0480: hashes that not every account has keys for
};

// The token that a client logged in with.
struct UsedToken {
  std::string token;
  bool rotate = false;  // it is time for a new one (XEP-0484 §3.5)
};

class ReceivingPolicy {
 public:
  virtual ~ReceivingPolicy() = default;

  // Whether this domain is a host of ours that clients may log in to.
  virtual bool serves(std::string_view domain) const = 0;
  // The SASL mechanisms of the host, without -PLUS variants; strongest first. The machine adds
  // those.
  virtual std::vector<std::string> mechanisms(std::string_view domain) const = 0;
  // Secret and iterations for users that do not exist, see sasl::fake_keys().
  virtual std::string fake_secret(std::string_view domain) const = 0;
  virtual std::uint32_t iterations(std::string_view domain) const = 0;
  // Whether strangers may register (XEP-0077 §3.1).
  virtual bool registration(std::string_view domain) const = 0;
  // Adds what modules offer to authenticated clients (RFC 6120 §4.3.2).
  virtual void add_features(std::string_view domain, xml::Element& features) const = 0;
  // Whether a certificate that is good for `shown.host` lets in to this domain.
  virtual bool trusts(std::string_view /*domain*/, const ShownCertificate& /*shown*/) const {
    return false;
  }
  // What XEP-0388 is offered with; nothing, unless somebody says so.
  virtual Sasl2Offer sasl2(std::string_view /*domain*/) const { return {}; }
  // Adds <feature var=''/> for what can be asked for inside <bind/> to its <inline/> (XEP-0386
  // §3.1).
  virtual void add_inline_features(std::string_view /*domain*/,
                                   xml::Element& /*inline_features*/) const {}
};

// ---- the machine ----

class ReceivingStream {
 public:
  enum class State : std::uint8_t { kOpening, kNegotiating, kWaiting, kBound, kEnded };

  // `policy` and `random` must outlive the machine.
  ReceivingStream(const ReceivingPolicy& policy, Random& random, ReceivingOptions options);
  ~ReceivingStream();

  // The peer opened a stream (the first, or anew after a restart).
  Actions on_header(const xml::StreamHeader& header);
  // An element of the stream, before it is bound. Takes it over.
  Actions on_element(xml::Element element);
  // The peer closed its stream (RFC 6120 §4.4).
  Actions on_stream_end();
  // What was read is no XML for a stream, or a limit was passed: the stream ends with that error.
  Actions on_error(const Error& error);

  // TLS is established, with these channel bindings, best first. `shown`: the peer's certificate,
  // if it has one.
  Actions on_tls(std::vector<sasl::ChannelBinding> bindings,
                 std::optional<ShownCertificate> shown = {});
  // `disabled`: the account is not to be used. Only who has proved that it is his is told so.
  Actions on_credentials(Result<std::optional<sasl::ScramKeys>> keys, bool disabled = false);
  Actions on_verified(Result<bool> matches);
  // Errors: kSaslAccountDisabled (who asks has shown a certificate for it), and what keeps one from
  // seeing it.
  Actions on_account_checked(Result<bool> exists);
  // Null: none fits. Errors: kSaslCredentialsExpired: the one that fits is too old.
  Actions on_token_verified(Result<std::optional<UsedToken>> token);
  // The connection is at home; `account` is the bare JID. Or it cannot be: the attempt fails with
  // that.
  Actions on_home(Result<Jid> account);
  // `answers` go into <bound/> (XEP-0386 §3.2).
  Actions on_bound(Result<Jid> full, std::vector<xml::Element> answers = {});
  Actions on_keys_added(Result<> added);
  Actions on_token_issued(Result<FastToken> token);
  // `answer` is <resumed/>, and `full` the session's JID, or <failed/> and null: the client may
  // then bind. The driver sends what the client missed after the actions.
  Actions on_resumed(std::optional<Jid> full, xml::Element answer);

  // Ends the stream from our side, also while waiting and when bound.
  Actions end(const StreamError& error);
  // Ends it with </stream:stream> and no error.
  Actions close();

  // The same decisions, asked elsewhere: after the connection moved to another shard.
  void set_policy(const ReceivingPolicy& policy) noexcept { policy_ = &policy; }

  State state() const noexcept { return state_; }
  // The host that the peer opened its stream to; empty before.
  const std::string& domain() const noexcept { return domain_; }
  const std::string& id() const noexcept { return id_; }
  bool authenticated() const noexcept { return authenticated_; }
  // The mechanism that succeeded, for the log; empty before.
  const std::string& mechanism() const noexcept { return mechanism_; }

 private:
  void open_response(Actions& actions);
  void forget_stream();
  Actions stream_error(StreamCondition condition, std::string text = {});
  std::optional<StreamError> check_header(const xml::StreamHeader& header);
  Actions features();
  void offer_sasl(xml::Element& features) const;
  std::vector<std::string> offered_mechanisms() const;
  static bool has(const std::vector<std::string>& names, std::string_view name);
  std::vector<std::string> announced_bindings() const;

  Actions on_starttls();
  Actions on_auth(xml::ElementView element);
  Actions on_response(xml::ElementView element);
  Actions start_mechanism(std::optional<std::string> response);
  Actions on_sasl_step(sasl::ServerStep step);
  Actions on_bind(xml::Element iq);
  Actions on_stream_management(xml::ElementView element);
  Actions sasl_failed(const Error& error);
  Actions on_unauthenticated(xml::Element element);

  // receiving_external.cc
  std::vector<Jid> certified() const;
  Error not_offered() const;
  Actions identify(const std::string& authzid);

  // receiving_sasl2.cc
  struct Sasl2Attempt;
  void offer_sasl2(xml::Element& features) const;
  Actions on_sasl2(xml::ElementView element);
  Actions on_authenticate(xml::ElementView element);
  Result<> check_token_login() const;
  Actions look_for_token(sasl::VerifyToken what);
  Actions on_task(xml::ElementView element);
  Actions sasl2_go_on();
  Actions start_upgrade(bool is_needed);
  Actions ask_for_token();
  Actions sasl2_resumed(const std::optional<Jid>& full, xml::Element answer);
  Actions sasl2_bound(const Result<Jid>& full, std::vector<xml::Element> answers);
  Actions sasl2_succeeded(std::string_view jid);

  const ReceivingPolicy* policy_;
  Random& random_;
  ReceivingOptions options_;
  State state_ = State::kOpening;
  bool tls_ = false;
  bool authenticated_ = false;
  bool header_sent_ = false;
  bool managed_ = false;  // XEP-0198 was switched on, or taken up, inside <authenticate/>
  int attempts_ = 0;
  std::string domain_;
  std::string id_;
  std::string peer_;  // the bare JID that the peer's header claims; not to be believed
  std::string mechanism_;
  std::string username_;
  bool account_disabled_ = false;  // as on_credentials() said
  std::string success_data_;
  std::vector<sasl::ChannelBinding> bindings_;
  std::optional<ShownCertificate> shown_;
  std::unique_ptr<sasl::ServerMechanism> sasl_;
  std::unique_ptr<Sasl2Attempt> sasl2_;  // from <authenticate/> to <success/> or <failure/>
  xml::Element bind_request_;
};

}  // namespace balcony::stream
