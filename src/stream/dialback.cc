#include "stream/dialback.h"

#include "base/base64.h"
#include "sasl/crypto.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"
#include "xml/writer.h"

#include <balcony/jid.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace balcony::stream {
namespace {

// A key is anything that the peer's servers understand; ours have 64 bytes.
constexpr std::size_t kKeyBytesMax = 1024;
constexpr std::size_t kIdBytesMax = 1024;

std::optional<std::string> read_domain(xml::ElementView element, std::string_view name) {
  const auto jid = Jid::parse(element.attr(name));
  if (!jid || jid->has_local() || jid->is_full()) return std::nullopt;
  return jid->str();
}

std::optional<Dialback::Type> read_type(xml::ElementView element) {
  const auto type = element.find_attr("type");
  if (!type) return Dialback::Type::kRequest;
  if (*type == "valid") return Dialback::Type::kValid;
  if (*type == "invalid") return Dialback::Type::kInvalid;
  if (*type == "error") return Dialback::Type::kError;
  return std::nullopt;
}

std::string_view to_string(Dialback::Type type) {
  switch (type) {
    case Dialback::Type::kRequest: return {};
    case Dialback::Type::kValid: return "valid";
    case Dialback::Type::kInvalid: return "invalid";
    case Dialback::Type::kError: return "error";
  }
  return {};
}

// Implementations break the lines of keys.
std::string trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kSpace) - first + 1));
}

Errc read_condition(xml::ElementView element) {
  for (const xml::ElementView child : element.children()) {
    // XEP-0220 §2.5 has it in the content namespace; some servers put it into that of dialback.
    if (child.name() != "error") continue;
    if (const auto error = read_error_element(child)) return error->condition;
  }
  return Errc::kUndefinedCondition;
}

void append_attribute(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out.append(" ").append(name).append("='");
  xml::append_escaped_attribute(out, value);
  out += '\'';
}

void append_condition(std::string& out, Errc condition) {
  StanzaError error = to_stanza_error(Error(condition));
  error.text.clear();
  xml::WriteOptions options;
  options.scope_ns = options.content_ns = ns::kServer;
  xml::write(out, write_stanza_error(error), options);
}

}  // namespace

DomainPair reversed(const DomainPair& pair) {
  return {pair.to, pair.from};
}

bool is_dialback(xml::ElementView element) noexcept {
  return element.ns() == ns::kDialback;
}

Result<Dialback> read_dialback(xml::ElementView element) {
  Dialback read;
  if (element.is(ns::kDialback, "verify")) {
    read.kind = Dialback::Kind::kVerify;
  } else if (!element.is(ns::kDialback, "result")) {
    return fail(Errc::kMalformed, "no element of dialback");
  }
  auto from = read_domain(element, "from");
  auto to = read_domain(element, "to");
  if (!from || !to) return fail(Errc::kJidMalformed, "dialback needs domains in from and to");
  read.addresses = {*std::move(from), *std::move(to)};
  const auto type = read_type(element);
  if (!type) return fail(Errc::kMalformed, "dialback of an unknown type");
  read.type = *type;
  if (read.kind == Dialback::Kind::kVerify) {
    read.id = element.attr("id");
    if (read.id.empty() || read.id.size() > kIdBytesMax) {
      return fail(Errc::kMalformed, "a verification needs the id of a stream");
    }
  }
  if (read.type == Dialback::Type::kRequest) {
    read.key = trimmed(element.text());
    if (read.key.empty() || read.key.size() > kKeyBytesMax) {
      return fail(Errc::kMalformed, "dialback needs a key");
    }
  }
  if (read.type == Dialback::Type::kError) read.condition = read_condition(element);
  return read;
}

std::string write_dialback(const Dialback& dialback) {
  const bool is_verify = dialback.kind == Dialback::Kind::kVerify;
  const std::string_view name = is_verify ? "db:verify" : "db:result";
  std::string out = "<" + std::string(name);
  append_attribute(out, "from", dialback.addresses.from);
  append_attribute(out, "to", dialback.addresses.to);
  if (is_verify) append_attribute(out, "id", dialback.id);
  append_attribute(out, "type", to_string(dialback.type));
  if (dialback.type == Dialback::Type::kValid || dialback.type == Dialback::Type::kInvalid) {
    return out + "/>";
  }
  out += '>';
  if (dialback.type == Dialback::Type::kRequest) {
    xml::append_escaped_text(out, dialback.key);
  } else {
    append_condition(out, dialback.condition);
  }
  return out.append("</").append(name).append(">");
}

Dialback answer_to(const Dialback& to, Dialback::Type type, Errc condition) {
  Dialback answer;
  answer.kind = to.kind;
  answer.type = type;
  answer.addresses = reversed(to.addresses);
  answer.id = to.id;
  answer.condition = condition;
  return answer;
}

std::string dialback_key(std::string_view secret, const DomainPair& pair, std::string_view id) {
  using sasl::ScramHash;
  // XEP-0185 §3: the secret is hashed and written in hexadecimal before it is the key.
  const std::string key = hex_encode(sasl::digest(ScramHash::kSha256, secret));
  std::string text = pair.to;
  text.append(" ").append(pair.from).append(" ").append(id);
  return hex_encode(sasl::hmac(ScramHash::kSha256, key, text));
}

bool is_our_key(std::string_view secret, const Dialback& verify) {
  // XEP-0220 §2.2.2: who asks is the receiving server, which we sent the key to.
  const std::string key = dialback_key(secret, reversed(verify.addresses), verify.id);
  return sasl::equal_constant_time(verify.key, key);
}

Error no_answer_to_key(const Error& why) {
  if (why.code <= Errc::kUnexpectedRequest) return why;
  const bool is_unknown = why.code == Errc::kNotFound;
  return Error(is_unknown ? Errc::kRemoteServerNotFound : Errc::kRemoteServerTimeout, why.detail);
}

void append_dialback_feature(xml::ElementRef features) {
  features.append(ns::kDialbackFeature, "dialback").append("errors");
}

bool has_dialback_errors(xml::ElementView features) noexcept {
  return static_cast<bool>(
      features.child(ns::kDialbackFeature, "dialback").child(ns::kDialbackFeature, "errors"));
}

}  // namespace balcony::stream
