#include "server/account_line.h"

#include "base/base64.h"
#include "base/number.h"
#include "sasl/crypto.h"

#include <algorithm>
#include <optional>

namespace balcony::server {
namespace {

constexpr std::string_view kKeysBegin = "{SCRAM-";
constexpr std::uint32_t kIterationsMin = 4'096;  // RFC 5802 §5.1
constexpr std::uint32_t kIterationsMax = 10'000'000;
constexpr std::size_t kSaltBytesMax = 256;

// Takes what stands before `end`, and `end` itself, off the front of `text`.
std::string_view take(std::string_view& text, char end) {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view front = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return front;
}

std::optional<std::uint32_t> iterations_of(std::string_view text) {
  const auto number = read_number<std::uint32_t>(text);
  if (number && (*number < kIterationsMin || *number > kIterationsMax)) return std::nullopt;
  return number;
}

// "{SCRAM-SHA-1}4096:salt:stored:server"
Result<storage::ScramKeys> parse_keys(std::string_view text) {
  if (!text.starts_with(kKeysBegin)) return fail(Errc::kMalformed, "keys begin with {SCRAM-…}");
  text.remove_prefix(kKeysBegin.size());
  const auto hash = sasl::scram_hash(take(text, '}'));
  if (!hash) {
    return fail(Errc::kMalformed, "keys are for SCRAM-SHA-1, SCRAM-SHA-256 or SCRAM-SHA-512");
  }
  storage::ScramKeys keys;
  keys.hash = sasl::to_string(*hash);
  const auto iterations = iterations_of(take(text, ':'));
  if (!iterations) return fail(Errc::kMalformed, "iterations must be between 4096 and 10000000");
  keys.iterations = *iterations;
  for (std::string* const part : {&keys.salt, &keys.stored_key, &keys.server_key}) {
    auto bytes = base64_decode(take(text, ':'));
    if (!bytes) return fail(Errc::kMalformed, "salt and keys must be base64");
    *part = *std::move(bytes);
  }
  const std::size_t size = sasl::digest_size(*hash);
  if (!text.empty() || keys.salt.empty() || keys.salt.size() > kSaltBytesMax ||
      keys.stored_key.size() != size || keys.server_key.size() != size) {
    return fail(Errc::kMalformed, "keys for " + keys.hash +
                                      " are iterations:salt:stored:server, "
                                      "each key of " +
                                      std::to_string(size) + " bytes");
  }
  return keys;
}

}  // namespace

Result<AccountLine> parse_account_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.find('\t') == std::string_view::npos) {
    return fail(Errc::kMalformed, "a line is an address, a tabulator and a password or keys");
  }
  auto jid = Jid::parse(take(line, '\t'));
  if (!jid) return fail(Errc::kMalformed, "no address: " + jid.error().detail);
  AccountLine account{*std::move(jid), "", {}};
  if (!line.starts_with(kKeysBegin)) {
    if (line.empty()) return fail(Errc::kMalformed, "the password is empty");
    account.password = line;
    return account;
  }
  while (!line.empty()) {
    BALCONY_ASSIGN(storage::ScramKeys keys, parse_keys(take(line, ';')));
    if (std::ranges::find(account.keys, keys.hash, &storage::ScramKeys::hash) !=
        account.keys.end()) {
      return fail(Errc::kMalformed, "two keys for " + keys.hash);
    }
    account.keys.push_back(std::move(keys));
  }
  return account;
}

}  // namespace balcony::server
