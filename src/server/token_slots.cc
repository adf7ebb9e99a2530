#include "server/token_slots.h"

#include "base/number.h"
#include "stanza/datetime.h"
#include "xml/parser.h"
#include "xml/writer.h"

#include <algorithm>
#include <utility>

namespace balcony::server {
namespace {

constexpr std::string_view kNs = "balcony:tokens";  // of our storage only

void append(xml::Element& to, std::string_view slot, const std::optional<StoredToken>& token) {
  if (!token) return;
  to.append(slot)
      .set("mechanism", token->mechanism)
      .set("issued", format_datetime(token->issued))
      .set("expiry", format_datetime(token->expiry))
      .set("count", std::to_string(token->count))
      .append_text(token->token);
}

Result<std::optional<StoredToken>> read(xml::ElementView element) {
  if (!element) return std::optional<StoredToken>{};
  StoredToken token;
  token.mechanism = element.attr("mechanism");
  token.token = element.text();
  BALCONY_ASSIGN(token.issued, parse_datetime(element.attr("issued")));
  BALCONY_ASSIGN(token.expiry, parse_datetime(element.attr("expiry")));
  const auto count = read_number<decltype(token.count)>(element.attr("count"));
  if (!count || token.token.empty()) return fail(Errc::kMalformed, "a stored token is damaged");
  token.count = *count;
  return std::optional<StoredToken>(std::move(token));
}

// XEP-0484 §3.4: tokens are bound to the mechanism that they were asked for.
bool is_it(const std::optional<StoredToken>& token, const sasl::VerifyToken& asked) {
  return token && token->mechanism == sasl::to_string(asked.name) &&
         sasl::fits(asked, token->token);
}

}  // namespace

WallTime TokenClient::expiry() const {
  WallTime last{};
  if (current) last = std::max(last, current->expiry);
  if (fresh) last = std::max(last, fresh->expiry);
  return last;
}

std::string TokenClient::to_text() const {
  xml::Element element(kNs, "client");
  element.set("software", software).set("device", device);
  append(element, "current", current);
  append(element, "fresh", fresh);
  std::string text;
  xml::write(text, element);
  return text;
}

Result<TokenClient> TokenClient::parse(std::string_view text) {
  BALCONY_ASSIGN(const xml::Element element, xml::parse(text, xml::Scope{}));
  TokenClient client;
  client.software = element.attr("software");
  client.device = element.attr("device");
  BALCONY_ASSIGN(client.current, read(element.child(kNs, "current")));
  BALCONY_ASSIGN(client.fresh, read(element.child(kNs, "fresh")));
  return client;
}

TokenVerdict use_token(TokenClient& client, const sasl::VerifyToken& asked,
                       const stream::FastUse& use, WallTime now) {
  TokenVerdict verdict;
  // XEP-0484 §5.1: first the fresh one, then the current one. Both are always looked at.
  const bool is_fresh = is_it(client.fresh, asked);
  const bool is_current = is_it(client.current, asked);
  if (!is_fresh && !is_current) return verdict;
  StoredToken& token = is_fresh ? *client.fresh : *client.current;
  if (token.expiry <= now) {
    verdict.expired = true;
    return verdict;
  }
  if (use.count) {
    if (*use.count <= token.count) return verdict;  // §3.4: a replay
    token.count = *use.count;
    verdict.changed = true;
  }
  verdict.token = token.token;
  verdict.rotate = now - token.issued >= kRotateAfter;
  if (is_fresh) {
    // §3.5: what was issued before it is worth nothing any more.
    client.current = std::exchange(client.fresh, {});
    verdict.changed = true;
  }
  verdict.forget = use.invalidate;
  return verdict;
}

void issue_token(TokenClient& client, StoredToken token) {
  client.fresh = std::move(token);
}

}  // namespace balcony::server
