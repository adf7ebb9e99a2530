// The server's end of a SASL exchange (RFC 4422) as a machine without I/O: bytes in, step out.
//
// Used by stream/ for <auth/> and <authenticate/>. One machine for one attempt; base64 and XML are
// the caller's. What a machine does not know it asks for, and waits as long as it takes:
//
//   auto machine = make_server_mechanism("SCRAM-SHA-256", options, random);
//   auto next = machine->start(initial_response);   // NeedCredentials{"juliet", kSha256}
//   next = machine->credentials(keys_of("juliet"));  // Challenge{"r=…,s=…,i=…"}
//   next = machine->step(response);                  // Success{"juliet", …, "v=…"} or an Error
//
// Success and Error end the exchange. A caller that cannot answer a question (storage is down)
// tells the peer <temporary-auth-failure/> and drops the machine. One thread at a time.
#pragma once

#include "base/random.h"
#include "sasl/channel_binding.h"
#include "sasl/ht.h"
#include "sasl/scram_keys.h"

#include <balcony/result.h>

#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace balcony::sasl {

// Send this and hand the answer to step(). May be empty.
struct Challenge {
  std::string data;
};

// Look up the keys of `username` (prepared, RFC 8265 §3.3) for `hash`; resume with credentials().
struct NeedCredentials {
  std::string username;
  ScramHash hash;
};

// Check `password` (as sent, not prepared) in a worker with verify_password(), with fake_keys() if
// there is no such user; wipe it; resume with verified().
struct VerifyPassword {
  std::string username;  // prepared
  std::string password;
};

// Decide from the peer's certificate who this is; resume with identified(). `authzid` is whom the
// peer wants to act as; empty: whoever the certificate says.
struct VerifyExternal {
  std::string authzid;
};

// Find the token of `username` that the peer has, by fits(); resume with token().
struct VerifyToken {
  std::string username;  // prepared
  HtName name;           // only tokens that were issued for this mechanism count
  std::string binding;   // channel binding data; empty with NONE
  std::string proof;
};

// The peer is authenticated.
struct Success {
  std::string username;         // who: prepared localpart, or what identified() said; empty with
                                // ANONYMOUS, the caller makes a name
  std::string authzid;          // what was asked for and allowed; may be empty
  std::string data;             // goes with <success/>; may be empty
  std::string channel_binding;  // the type that was used, for the log; may be empty
};

// An Error has one of the codes kSasl…; its sentence is for our log, the peer needs not see it.
using ServerStep = std::variant<Challenge, NeedCredentials, VerifyPassword, VerifyExternal,
                                VerifyToken, Success, Error>;

struct ServerOptions {
  // Those of this connection whose types were announced (XEP-0440). Not empty means: a -PLUS
  // mechanism was offered to this peer, so one that says it saw none was deceived (RFC 5802 §6).
  std::vector<ChannelBinding> channel_bindings;

  // See fake_keys(). Needed for SCRAM.
  std::string fake_secret;

  // XEP-0474: announced_text() of what this peer was offered. Empty: SCRAM says nothing of it.
  std::string announced;

  // What unknown users seem to have; the count that new accounts get.
  std::uint32_t iterations = kDefaultIterations;

  // Whether `username` may act as `authzid` (never empty here); asked after the authentication. In
  // XMPP: authzid is the user's own bare JID (RFC 6120 §6.3.8). Unset: nobody may.
  std::function<bool(std::string_view username, std::string_view authzid)> may_act_as;
};

class ServerMechanism {
 public:
  ServerMechanism() = default;
  ServerMechanism(const ServerMechanism&) = delete;
  ServerMechanism& operator=(const ServerMechanism&) = delete;
  virtual ~ServerMechanism() = default;

  // Begins. `initial_response`: what <auth/> held; none if it held nothing (then an empty challenge
  // asks for it, RFC 4422 §5), "" if it held "=".
  ServerStep start(std::optional<std::string_view> initial_response);

  // The peer's answer to a Challenge. Errors: kSaslMalformedRequest also if none is open: a peer
  // that does not wait its turn ends its attempt.
  ServerStep step(std::string_view response);

  // Answers to the questions above; it is a bug of ours to answer what was not asked. After the end
  // (the peer spoiled it meanwhile) they return an Error.
  ServerStep credentials(std::optional<ScramKeys> keys);  // none: no such user
  ServerStep verified(bool matches);
  ServerStep identified(Result<std::string> username);  // or the kSasl… error to end with
  ServerStep token(std::optional<std::string> token);   // none: none fits

 private:
  enum class State {
    kNew,
    kChallenged,
    kAskedKeys,
    kAskedPassword,
    kAskedIdentity,
    kAskedToken,
    kEnded
  };

  virtual ServerStep on_response(std::string_view response) = 0;
  virtual ServerStep on_credentials(std::optional<ScramKeys> keys);
  virtual ServerStep on_verified(bool matches);
  virtual ServerStep on_identified(std::string username);
  virtual ServerStep on_token(std::optional<std::string> token);

  bool asked(State question) const;
  ServerStep enter(ServerStep next);

  State state_ = State::kNew;
};

// The machine for a mechanism that the peer named. `random` must outlive the call only.
// Errors: kSaslInvalidMechanism: unknown, or -PLUS without channel bindings. Whether the server
// offered it at all is for the caller to check.
Result<std::unique_ptr<ServerMechanism>> make_server_mechanism(std::string_view mechanism,
                                                               ServerOptions options,
                                                               Random& random);

}  // namespace balcony::sasl
