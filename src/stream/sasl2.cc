#include "stream/sasl2.h"

#include "base/ascii.h"
#include "base/base64.h"
#include "base/number.h"
#include "sasl/mechanism.h"
#include "stanza/datetime.h"
#include "stanza/ns.h"
#include "stream/sasl_elements.h"

#include <balcony/jid.h>

#include <algorithm>

namespace balcony::stream {
namespace {

constexpr std::string_view kTaskPrefix = "UPGR-";
constexpr std::size_t kUserAgentTextMax = 256;  // bytes; more is nobody's name
constexpr std::size_t kStableBytes = 9;

std::unexpected<Error> malformed(std::string why) {
  return fail(Errc::kSaslMalformedRequest, std::move(why));
}

bool is_true(std::string_view value) {
  return value == "true" || value == "1";
}

// XEP-0388 §2.2: white space is not there, but the examples are full of it.
Result<std::string> decode(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  auto data = base64_decode(text);
  if (!data) return fail(Errc::kSaslIncorrectEncoding, data.error().detail);
  return data;
}

std::optional<std::uint32_t> read_count(std::string_view text) {
  const auto number = read_number<std::uint32_t>(text);
  return number == 0U ? std::nullopt : number;
}

// Any version of UUID will do: what counts is that it is bounded and holds nothing else.
Result<std::string> read_uuid(std::string_view text) {
  constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  std::string id(text);
  bool fits = id.size() == kShape.size();
  for (std::size_t i = 0; fits && i < id.size(); ++i) {
    char& c = id[i];
    c = ascii_lower(c);
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    fits = kShape[i] == '-' ? c == '-' : hex;
  }
  if (!fits) return malformed("the user agent's id is no UUID");
  return id;
}

// Cut between characters.
std::string bounded(std::string text) {
  if (text.size() <= kUserAgentTextMax) return text;
  std::size_t end = kUserAgentTextMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  text.resize(end);
  return text;
}

Result<UserAgent> read_user_agent(xml::ElementView element) {
  UserAgent agent;
  if (element.has_attr("id")) {
    BALCONY_ASSIGN(agent.id, read_uuid(element.attr("id")));
  }
  agent.software = bounded(element.child_text(ns::kSasl2, "software"));
  agent.device = bounded(element.child_text(ns::kSasl2, "device"));
  return agent;
}

Result<std::optional<FastUse>> read_fast(xml::ElementView element) {
  if (!element) return std::optional<FastUse>{};
  FastUse use;
  use.invalidate = is_true(element.attr("invalidate"));
  if (element.has_attr("count")) {
    // XEP-0484 §3.4: a positive integer.
    use.count = read_count(element.attr("count"));
    if (!use.count) return malformed("the token's count is no positive number");
  }
  return std::optional<FastUse>(use);
}

void append_user_agent(xml::Element& to, const UserAgent& agent) {
  if (agent.id.empty() && agent.software.empty() && agent.device.empty()) return;
  xml::ElementRef element = to.append("user-agent");
  if (!agent.id.empty()) element.set("id", agent.id);
  if (!agent.software.empty()) element.append_text_element("software", agent.software);
  if (!agent.device.empty()) element.append_text_element("device", agent.device);
}

}  // namespace

// ---- <authenticate/>

Result<Authenticate> read_authenticate(xml::ElementView element) {
  Authenticate what;
  what.mechanism = element.attr("mechanism");
  if (const auto response = element.child(ns::kSasl2, "initial-response")) {
    BALCONY_ASSIGN(what.initial_response, read_sasl2(response));
  }
  BALCONY_ASSIGN(what.user_agent, read_user_agent(element.child(ns::kSasl2, "user-agent")));
  for (const auto upgrade : element.children(ns::kSaslUpgrade, "upgrade")) {
    const auto hash = read_upgrade_task(upgrade.text());
    // A task is done once, however often it is named.
    if (hash && std::ranges::find(what.upgrades, *hash) == what.upgrades.end()) {
      what.upgrades.push_back(*hash);
    }
  }
  if (const auto bind = element.child(ns::kBind2, "bind")) what.bind = bind.clone();
  if (const auto resume = element.child(ns::kStreamManagement, "resume")) {
    auto read = read_resume(resume);
    if (!read) return malformed(read.error().detail);
    what.resume = *std::move(read);
  }
  BALCONY_ASSIGN(what.fast, read_fast(element.child(ns::kFast, "fast")));
  what.request_token = element.child(ns::kFast, "request-token").attr("mechanism");
  return what;
}

xml::Element write_authenticate(const Authenticate& what) {
  xml::Element element(ns::kSasl2, "authenticate");
  element.set("mechanism", what.mechanism);
  if (what.initial_response) {
    element.append_text_element("initial-response", base64_encode(*what.initial_response));
  }
  append_user_agent(element, what.user_agent);
  for (const sasl::ScramHash hash : what.upgrades) {
    element.append_text_element(ns::kSaslUpgrade, "upgrade", upgrade_task(hash));
  }
  element.append_copy(what.bind);
  if (what.resume) element.append(write_resume(what.resume->previd, what.resume->h));
  if (what.fast) {
    xml::ElementRef fast = element.append(ns::kFast, "fast");
    if (what.fast->count) fast.set("count", std::to_string(*what.fast->count));
    if (what.fast->invalidate) fast.set("invalidate", "true");
  }
  if (!what.request_token.empty()) {
    element.append(ns::kFast, "request-token").set("mechanism", what.request_token);
  }
  return element;
}

// ---- the exchange

xml::Element write_sasl2(std::string_view name, std::string_view data) {
  xml::Element element(ns::kSasl2, name);
  append_sasl(element, data);
  return element;
}

Result<std::string> read_sasl2(xml::ElementView element) {
  return decode(element.text());
}

xml::Element write_sasl2_failure(Errc code) {
  xml::Element failure(ns::kSasl2, "failure");
  failure.append_copy(write_sasl_failure(code).first_child());
  return failure;
}

xml::Element write_sasl2_success(std::string_view data, std::string_view jid) {
  xml::Element success(ns::kSasl2, "success");
  if (!data.empty()) success.append_text_element("additional-data", base64_encode(data));
  success.append_text_element("authorization-identifier", jid);
  return success;
}

// ---- upgrade tasks

std::string upgrade_task(sasl::ScramHash hash) {
  // XEP-0480 §2.1: the name without -PLUS.
  return std::string(kTaskPrefix) + sasl::to_string(sasl::ScramName{hash, false});
}

std::optional<sasl::ScramHash> read_upgrade_task(std::string_view name) {
  if (!name.starts_with(kTaskPrefix)) return std::nullopt;
  const auto scram = sasl::scram_name(name.substr(kTaskPrefix.size()));
  if (!scram || scram->plus) return std::nullopt;
  return scram->hash;
}

xml::Element write_continue(std::string_view data, std::string_view task) {
  xml::Element element(ns::kSasl2, "continue");
  if (!data.empty()) element.append_text_element("additional-data", base64_encode(data));
  element.append("tasks").append_text_element("task", task);
  return element;
}

xml::Element write_next(std::string_view task) {
  xml::Element element(ns::kSasl2, "next");
  element.set("task", task);
  return element;
}

xml::Element write_upgrade_salt(const UpgradeSalt& salt) {
  xml::Element element(ns::kSasl2, "task-data");
  element.append(ns::kScramUpgrade, "salt")
      .set("iterations", std::to_string(salt.iterations))
      .append_text(base64_encode(salt.salt));
  return element;
}

Result<UpgradeSalt> read_upgrade_salt(xml::ElementView task_data) {
  const xml::ElementView element = task_data.child(ns::kScramUpgrade, "salt");
  const auto iterations = read_count(element.attr("iterations"));
  auto salt = decode(element.text());
  if (!iterations || !salt || salt->empty()) return malformed("the upgrade has no salt");
  return UpgradeSalt{*std::move(salt), *iterations};
}

xml::Element write_upgrade_hash(std::string_view salted) {
  xml::Element element(ns::kSasl2, "task-data");
  element.append_text_element(ns::kScramUpgrade, "hash", base64_encode(salted));
  return element;
}

Result<std::string> read_upgrade_hash(xml::ElementView task_data) {
  auto hash = decode(task_data.child_text(ns::kScramUpgrade, "hash"));
  if (!hash || hash->empty()) return malformed("the upgrade has no hash");
  return hash;
}

// ---- tokens

xml::Element write_token(const FastToken& token) {
  xml::Element element(ns::kFast, "token");
  element.set("expiry", format_datetime(token.expiry)).set("token", token.token);
  return element;
}

Result<FastToken> read_token(xml::ElementView element) {
  BALCONY_ASSIGN(const WallTime expiry, parse_datetime(element.attr("expiry")));
  if (element.attr("token").empty()) return fail(Errc::kMalformed, "a token that is empty");
  return FastToken{std::string(element.attr("token")), expiry};
}

// ---- resources

std::string bind2_resource(std::string_view secret, std::string_view account,
                           std::string_view user_agent_id, std::string_view tag,
                           std::string_view chance) {
  std::string stable(chance);
  if (!user_agent_id.empty()) {
    // XEP-0386 §3.3: the id itself is not shown.
    std::string label("bind2");
    label.append(1, '\0').append(account).append(1, '\0').append(user_agent_id);
    label.append(1, '\0').append(tag);
    stable = base64url_encode(
        sasl::hmac(sasl::ScramHash::kSha256, secret, label).substr(0, kStableBytes));
  }
  if (tag.empty()) return stable;
  std::string resource = std::string(tag) + '/' + stable;
  const auto jid = Jid::make("a", "b.example", resource);
  return jid ? resource : stable;
}

}  // namespace balcony::stream
