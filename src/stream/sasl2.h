// The elements of SASL2 (XEP-0388) and of what is asked for inside it: Bind 2 (XEP-0386), FAST
// (XEP-0484), upgrade tasks (XEP-0480). Read and written for both ends of a stream. Pure functions;
// any thread.
#pragma once

#include "base/clock.h"
#include "sasl/crypto.h"
#include "stream/stream_management.h"

#include <balcony/element.h>
#include <balcony/error.h>
#include <balcony/result.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::stream {

// ---- what a client asks for: <authenticate/>

// The client's installation (XEP-0388 §2.3). Never shown to anybody else.
struct UserAgent {
  std::string id;  // a UUID in lower case; empty: none
  std::string software;
  std::string device;
};

// That the mechanism is one of FAST's (XEP-0484 §3.4).
struct FastUse {
  std::optional<std::uint32_t> count;
  bool invalidate = false;
};

struct Authenticate {
  std::string mechanism;
  std::optional<std::string> initial_response;  // decoded
  UserAgent user_agent;
  std::vector<sasl::ScramHash> upgrades;  // XEP-0480; only those that we know
  xml::Element bind;                      // XEP-0386; nothing: do not bind
  std::optional<Resume> resume;           // XEP-0198 §5
  std::optional<FastUse> fast;
  std::string request_token;  // the mechanism of the token that is asked for; empty: none
};

// Errors: kSaslIncorrectEncoding; kSaslMalformedRequest: an id that is no UUID, a count that is no
// positive number, a <resume/> that is none.
Result<Authenticate> read_authenticate(xml::ElementView element);
xml::Element write_authenticate(const Authenticate& what);

// ---- the exchange

// <challenge/> and <response/> with `data`; an element without any is empty (§2.2).
xml::Element write_sasl2(std::string_view name, std::string_view data);
// What one holds, or <additional-data/>. Errors: kSaslIncorrectEncoding.
Result<std::string> read_sasl2(xml::ElementView element);

// <failure/> with a condition of RFC 6120 §6.5 in it; sasl_elements.h reads it.
xml::Element write_sasl2_failure(Errc code);

// <success/> with what the mechanism still has to say (§2.6.1). `jid`: bare, or full once bound.
xml::Element write_sasl2_success(std::string_view data, std::string_view jid);

// ---- upgrade tasks (XEP-0480 §2, §3)

// "UPGR-SCRAM-SHA-256".
std::string upgrade_task(sasl::ScramHash hash);
std::optional<sasl::ScramHash> read_upgrade_task(std::string_view name);

// <continue/> with one task. `data` as in <success/>.
xml::Element write_continue(std::string_view data, std::string_view task);
xml::Element write_next(std::string_view task);

struct UpgradeSalt {
  std::string salt;  // bytes
  std::uint32_t iterations = 0;
};
xml::Element write_upgrade_salt(const UpgradeSalt& salt);
// Errors: kSaslMalformedRequest.
Result<UpgradeSalt> read_upgrade_salt(xml::ElementView task_data);
// `salted`: SaltedPassword of RFC 5802 §3, bytes.
xml::Element write_upgrade_hash(std::string_view salted);
// Errors: kSaslMalformedRequest.
Result<std::string> read_upgrade_hash(xml::ElementView task_data);

// ---- tokens (XEP-0484 §3.3)

struct FastToken {
  std::string token;
  WallTime expiry{};
};
xml::Element write_token(const FastToken& token);
// Errors: kMalformed.
Result<FastToken> read_token(xml::ElementView element);

// ---- resources (XEP-0386 §3.3)

// What is bound for a client: its tag, if it has one that can stand in a resource, and a part that
// stays the same for the same account and installation and tells nothing of them.
//
// `secret`   the server's, that stays the same over restarts.
// `chance`   for a client without an id: any unguessable text.
std::string bind2_resource(std::string_view secret, std::string_view account,
                           std::string_view user_agent_id, std::string_view tag,
                           std::string_view chance);

}  // namespace balcony::stream
