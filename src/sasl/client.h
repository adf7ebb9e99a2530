// The client's end of a SASL exchange (RFC 4422) as a machine without I/O: bytes in, bytes out.
//
// Used by stream/. One machine for one attempt; base64 and XML are the caller's:
//
//   auto choice = choose_mechanism(offered, cb_types, policy);            // sasl/choose.h
//   auto machine = make_client_mechanism(*choice, credentials, random);
//   send(machine->initial_response());
//   each <challenge/>: send(machine->step(challenge));
//   <success/>: machine->success(data) — only if this succeeds are we logged in.
//
// After an Error: abort (RFC 6120 §6.4.4) and drop the machine. One thread at a time. step() of
// SCRAM runs PBKDF2: some milliseconds, unless Credentials::keys fit.
#pragma once

#include "base/random.h"
#include "sasl/choose.h"
#include "sasl/crypto.h"

#include <balcony/result.h>

#include <memory>
#include <optional>

namespace balcony::sasl {

// What a client may keep instead of the password (RFC 5802 §5.1: it can store ClientKey and
// ServerKey as long as salt and iteration count stay). As secret as the password.
struct ClientKeys {
  ScramHash hash = ScramHash::kSha1;
  std::uint32_t iterations = 0;
  std::string salt;
  std::string client_key;
  std::string server_key;
};

struct Credentials {
  std::string username;  // localpart of a Jid, hence already prepared. EXTERNAL, ANONYMOUS: unused
  std::string password;  // prepared here (OpaqueString)
  std::string authzid;   // usually empty; as ANONYMOUS's trace information (RFC 4505 §2) too

  // Of XEP-0484, for the HT mechanisms; unused with others.
  std::string token;

  // XEP-0474: announced_text() of what the server offered. Empty: a hash of it that the server
  // sends is not looked at.
  std::string announced;

  // From an earlier login; used when the server's salt and iteration count are still the same.
  std::optional<ClientKeys> keys;

  // RFC 5802 §5.1: 4096 is the least. A server that asks for less is refused, and one that wants
  // to burn our processor too.
  std::uint32_t iterations_min = 4'096;
  std::uint32_t iterations_max = 10'000'000;
};

class ClientMechanism {
 public:
  ClientMechanism() = default;
  ClientMechanism(const ClientMechanism&) = delete;
  ClientMechanism& operator=(const ClientMechanism&) = delete;
  virtual ~ClientMechanism() = default;

  // What goes into <auth/>. May be empty: then "=" is sent (RFC 6120 §6.4.2). Call it once, first.
  // Errors: kPrecis…: the password cannot be one; kMalformed: a NUL in a PLAIN field.
  virtual Result<std::string> initial_response() = 0;

  // The answer to a challenge; may be empty.
  // Errors: kSaslMalformedRequest: the server's message is none of this mechanism, or out of turn;
  // kSaslNotAuthorized: it said so, or could not prove that it knows us (somebody is in between);
  // kSaslMechanismTooWeak: its iteration count is outside our limits, or what it offered is not
  // what arrived (XEP-0474).
  virtual Result<std::string> step(std::string_view challenge) = 0;

  // The server says success. `data`: what <success/> held, if anything.
  // Errors: as step(). kSaslNotAuthorized if the server has not proved itself (RFC 5802 §5: the
  // client MUST check the signature): end the connection.
  virtual Result<> success(std::optional<std::string_view> data) = 0;

  // After success with SCRAM: what may be kept for Credentials::keys. Null for other mechanisms.
  virtual const ClientKeys* keys() const { return nullptr; }

  // Whether the server has shown with SCRAM that its offer arrived as it was sent (XEP-0474 §5.2).
  virtual bool offer_proven() const { return false; }
};

// The machine for what choose_mechanism() chose. `random` must outlive the call only.
// Errors: kSaslInvalidMechanism: no mechanism of ours, or -PLUS without a binding.
Result<std::unique_ptr<ClientMechanism>> make_client_mechanism(const MechanismChoice& choice,
                                                               Credentials credentials,
                                                               Random& random);

}  // namespace balcony::sasl
