// Which of the offered mechanisms a client takes, and with which channel binding (XEP-0440 §3,
// XEP-0438 §5). A pure function; any thread.
#pragma once

#include "sasl/channel_binding.h"

#include <balcony/result.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::sasl {

// What a SCRAM client says about channel binding (RFC 5802 §7, gs2-cbind-flag).
enum class BindingFlag : std::uint8_t {
  kNotSupported,   // "n": we cannot, or share no type with the server
  kNotAdvertised,  // "y": we could, but the server seems not to; a server that can will object
  kUsed,           // "p=type"
};

struct MechanismChoice {
  std::string mechanism;
  BindingFlag flag = BindingFlag::kNotSupported;
  std::optional<ChannelBinding> binding;  // with kUsed
  // XEP-0474 §6: what was announced is odd enough that the server's own hash of it must fit.
  bool needs_offer_proof = false;
};

// What the client is ready to do.
struct ChoicePolicy {
  // How to prove who we are. EXTERNAL and ANONYMOUS are taken only when asked for.
  enum class Identity : std::uint8_t { kPassword, kCertificate, kNobody };
  Identity identity = Identity::kPassword;

  // We have shown a certificate in TLS: EXTERNAL is taken before all others where it is offered.
  bool certificate = false;

  // The connection is encrypted and the server's certificate was accepted. Without it: no PLAIN.
  bool tls = false;

  // PLAIN gives the password to the server; false: never, not even under TLS.
  bool plain = true;

  // The server speaks to us in SASL2 (XEP-0388), where XEP-0440 is stricter.
  bool sasl2 = false;

  // Those of this connection, the one to prefer first. Empty: the client cannot bind.
  std::vector<ChannelBinding> channel_bindings;

  // Mechanism pinning (XEP-0438 §5.1): the one that worked last time; nothing weaker is taken.
  std::string pinned;
};

// The best mechanism: EXTERNAL for who has shown a certificate; SCRAM-SHA-512-PLUS, -256-PLUS,
// -1-PLUS, then 512, 256, 1 without -PLUS, then PLAIN; or EXTERNAL, or ANONYMOUS.
//
// `offered`           mechanism names of the stream features, in any order.
// `announced_types`   channel binding types of <sasl-channel-binding/>; empty: none was there.
// Errors  kSaslInvalidMechanism: nothing that we speak was offered; kSaslMechanismTooWeak: only
//         what the policy forbids, or the announcements contradict each other in the way in which
//         somebody in between would leave them (XEP-0440 §3: the client MUST abort).
Result<MechanismChoice> choose_mechanism(std::span<const std::string> offered,
                                         std::span<const std::string> announced_types,
                                         const ChoicePolicy& policy);

}  // namespace balcony::sasl
