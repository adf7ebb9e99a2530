// Which messages are copied to a user's other resources (XEP-0280 §6.1), without the copying. For
// the module xep_0280_carbons; the user's home shard only.
#pragma once

#include "stanza/stanza.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace balcony::modules {

enum class CarbonDirection : std::uint8_t { kSent, kReceived };

// Remembers the last messages that were eligible, so that an error that answers one of them can be
// told from others: errors need not hold what they answer (RFC 6120 §8.3.1).
class EligibleMessages {
 public:
  // `peer` is the other side of the message. One without id cannot be found again.
  void note(const Stanza& message, const Jid& peer);
  bool holds(std::string_view id, const Jid& peer) const;

 private:
  static constexpr std::size_t kMessagesMax = 64;
  std::vector<std::uint64_t> marks_;  // hashes of peer and id, the oldest at next_ when full
  std::size_t next_ = 0;
};

// §6.1, all of it: what "urn:xmpp:carbons:rules:0" promises (§6.2). `known` may be null.
bool is_carbon_eligible(const Stanza& message, CarbonDirection direction,
                        const EligibleMessages* known);

}  // namespace balcony::modules
