// The tokens of one client of an account (XEP-0484 §5.1): the one that it uses, and one that was
// issued and not used yet. What is valid, what replaces what, and how it is kept.
//
// Used by LoginTokens. Values and pure functions; any thread.
#pragma once

#include "base/clock.h"
#include "sasl/server.h"
#include "stream/sasl2.h"

#include <balcony/result.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace balcony::server {

// A token older than this is replaced at its next use.
inline constexpr std::chrono::hours kRotateAfter{24};

struct StoredToken {
  std::string mechanism;  // the only one that it may be used with
  std::string token;
  WallTime issued{};
  WallTime expiry{};
  std::uint32_t count = 0;  // the greatest that was used
};

struct TokenClient {
  std::string software, device;  // what the client says of itself; may be empty
  std::optional<StoredToken> current;
  std::optional<StoredToken> fresh;  // issued, not used yet
  WallTime expiry() const;           // when the last of them ends

  // As it is stored. Errors: kMalformed.
  std::string to_text() const;
  static Result<TokenClient> parse(std::string_view text);
};

struct TokenVerdict {
  std::optional<std::string> token;  // the one that fits; none: not authorized
  bool expired = false;              // one fits and its time is over
  bool rotate = false;
  bool changed = false;  // `client` is to be written
  bool forget = false;   // it is to be erased instead (XEP-0484 §3.6)
};

// Looks for the token that the peer has. A fresh one becomes the current one by that (§3.5), and
// a count must be greater than any before (§3.4).
TokenVerdict use_token(TokenClient& client, const sasl::VerifyToken& asked,
                       const stream::FastUse& use, WallTime now);

// Puts a new token into the place of one that was never used.
void issue_token(TokenClient& client, StoredToken token);

}  // namespace balcony::server
