#include "sasl/scram_messages.h"

#include "base/base64.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace balcony::sasl::scram {
namespace {

constexpr std::string_view kKnownAttributes = "anmrcsipve";  // RFC 5802 §5.1

bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::unexpected<Error> malformed(std::string why) {
  return fail(Errc::kSaslMalformedRequest, "SCRAM: " + std::move(why));
}

// Takes the parts of a message that commas separate, from the left.
class Parts {
 public:
  explicit Parts(std::string_view message) : rest_(message) {}

  bool at_end() const { return !rest_; }

  // What is not taken yet, without the comma before it.
  std::string_view rest() const { return rest_.value_or(std::string_view()); }

  std::string_view take() {
    if (!rest_) return {};
    const std::size_t comma = rest_->find(',');
    const std::string_view part = rest_->substr(0, comma);
    if (comma == std::string_view::npos) {
      rest_.reset();
    } else {
      rest_->remove_prefix(comma + 1);
    }
    return part;
  }

  // The value of the attribute that must stand here.
  Result<std::string_view> take(char name) {
    const std::string_view part = take();
    if (part.size() < 3 || part[0] != name || part[1] != '=') {
      return malformed(std::string("attribute '") + name + "' is not in its place");
    }
    return part.substr(2);
  }

  Result<> skip_extensions() {
    while (!at_end()) BALCONY_CHECK(skip_extension(take()));
    return {};
  }

  static Result<> skip_extension(std::string_view part) {
    if (part.size() < 3 || !is_alpha(part[0]) || part[1] != '=') {
      return malformed("what should be an attribute is none");
    }
    // RFC 5802 §5.1: 'm' is reserved and its presence fails the authentication.
    if (kKnownAttributes.contains(part[0])) {
      return malformed(std::string("attribute '") + part[0] + "' is out of its place");
    }
    return {};
  }

 private:
  std::optional<std::string_view> rest_;
};

Result<> check_nul(std::string_view message) {
  if (message.contains('\0')) return malformed("a NUL");
  return {};
}

// RFC 5802 §7: saslname. Any '=' but "=2C" and "=3D" fails.
Result<std::string> unescape(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '=') {
      out.push_back(name[i]);
      continue;
    }
    const std::string_view code = name.substr(i + 1, 2);
    if (code != "2C" && code != "3D") return malformed("an unknown escape in a name");
    out.push_back(code == "2C" ? ',' : '=');
    i += 2;
  }
  return out;
}

std::string escape(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ',') {
      out += "=2C";
    } else if (c == '=') {
      out += "=3D";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

// RFC 5802 §7: printable = %x21-2B / %x2D-7E.
Result<std::string> take_nonce(Parts& parts) {
  BALCONY_ASSIGN(const std::string_view nonce, parts.take('r'));
  if (!std::ranges::all_of(nonce, [](char c) { return c >= 0x21 && c <= 0x7e; })) {
    return malformed("a nonce that is not printable");
  }
  return std::string(nonce);
}

Result<std::string> take_base64(Parts& parts, char name) {
  BALCONY_ASSIGN(const std::string_view text, parts.take(name));
  auto bytes = base64_decode(text);
  if (!bytes) return malformed(std::string("attribute '") + name + "' is not base64");
  return std::move(*bytes);
}

// RFC 5802 §7: posit-number.
Result<std::uint32_t> take_iterations(Parts& parts) {
  BALCONY_ASSIGN(const std::string_view text, parts.take('i'));
  if (text[0] == '0' || !std::ranges::all_of(text, is_digit)) {
    return malformed("an iteration count that is none");
  }
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  std::uint64_t count = 0;
  for (const char c : text) {
    count = std::min(kMost, count * 10 + static_cast<std::uint64_t>(c - '0'));
  }
  return static_cast<std::uint32_t>(count);
}

Result<> take_binding_flag(Parts& parts, ClientFirst& out) {
  const std::string_view flag = parts.take();
  if (flag == "n") {
    out.flag = BindingFlag::kNotSupported;
  } else if (flag == "y") {
    out.flag = BindingFlag::kNotAdvertised;
  } else if (flag.starts_with("p=") && flag.size() > 2) {
    out.flag = BindingFlag::kUsed;
    out.binding_type = flag.substr(2);
    // RFC 5802 §7: cb-name.
    if (!std::ranges::all_of(out.binding_type, [](char c) {
          return is_alpha(c) || is_digit(c) || c == '.' || c == '-';
        })) {
      return malformed("a channel binding name that is none");
    }
  } else {
    return malformed("a channel binding flag that is none");
  }
  return {};
}

}  // namespace

Result<ClientFirst> parse_client_first(std::string_view message) {
  BALCONY_CHECK(check_nul(message));
  Parts parts(message);
  ClientFirst out;
  BALCONY_CHECK(take_binding_flag(parts, out));
  if (parts.at_end()) return malformed("the header ends too early");
  const std::string_view authzid = parts.take();
  if (!authzid.empty()) {
    if (!authzid.starts_with("a=") || authzid.size() == 2) return malformed("no authzid");
    BALCONY_ASSIGN(out.authzid, unescape(authzid.substr(2)));
  }
  out.bare = parts.rest();
  out.gs2_header = message.substr(0, message.size() - out.bare.size());
  BALCONY_ASSIGN(const std::string_view name, parts.take('n'));
  BALCONY_ASSIGN(out.username, unescape(name));
  BALCONY_ASSIGN(out.nonce, take_nonce(parts));
  BALCONY_CHECK(parts.skip_extensions());
  return out;
}

Result<ServerFirst> parse_server_first(std::string_view message) {
  BALCONY_CHECK(check_nul(message));
  Parts parts(message);
  ServerFirst out;
  BALCONY_ASSIGN(out.nonce, take_nonce(parts));
  BALCONY_ASSIGN(out.salt, take_base64(parts, 's'));
  BALCONY_ASSIGN(out.iterations, take_iterations(parts));
  while (!parts.at_end()) {
    const std::string_view part = parts.take();
    BALCONY_CHECK(Parts::skip_extension(part));
    if (!part.starts_with("h=")) continue;
    if (!out.announced.empty()) return malformed("two hashes of what was offered");
    out.announced = part.substr(2);  // XEP-0474 §5.1
  }
  return out;
}

Result<ClientFinal> parse_client_final(std::string_view message) {
  BALCONY_CHECK(check_nul(message));
  // RFC 5802 §7: the proof is the last attribute.
  const std::size_t last = message.rfind(',');
  if (last == std::string_view::npos) return malformed("no proof");
  ClientFinal out;
  out.without_proof = message.substr(0, last);
  Parts parts(out.without_proof);
  BALCONY_ASSIGN(out.binding, take_base64(parts, 'c'));
  BALCONY_ASSIGN(out.nonce, take_nonce(parts));
  BALCONY_CHECK(parts.skip_extensions());
  Parts proof(message.substr(last + 1));
  BALCONY_ASSIGN(out.proof, take_base64(proof, 'p'));
  return out;
}

Result<std::string> parse_server_final(std::string_view message) {
  BALCONY_CHECK(check_nul(message));
  Parts parts(message);
  if (message.starts_with("e=")) {
    const std::string_view value = parts.take().substr(2, 64);
    const bool printable =
        std::ranges::all_of(value, [](char c) { return is_alpha(c) || is_digit(c) || c == '-'; });
    return fail(Errc::kSaslNotAuthorized,
                "SCRAM: the server says " + std::string(printable ? value : "no"));
  }
  BALCONY_ASSIGN(std::string signature, take_base64(parts, 'v'));
  BALCONY_CHECK(parts.skip_extensions());
  return signature;
}

std::string gs2_header(BindingFlag flag, std::string_view binding_type, std::string_view authzid) {
  std::string out;
  switch (flag) {
    case BindingFlag::kNotSupported: out = "n,"; break;
    case BindingFlag::kNotAdvertised: out = "y,"; break;
    case BindingFlag::kUsed: out.append("p=").append(binding_type).append(","); break;
  }
  if (!authzid.empty()) out.append("a=").append(escape(authzid));
  return out.append(",");
}

std::string client_first_bare(std::string_view username, std::string_view nonce) {
  return std::string("n=").append(escape(username)).append(",r=").append(nonce);
}

std::string server_first(std::string_view nonce, std::string_view salt, std::uint32_t iterations,
                         std::string_view announced) {
  std::string message("r=");
  message.append(nonce).append(",s=").append(base64_encode(salt));
  message.append(",i=").append(std::to_string(iterations));
  if (!announced.empty()) message.append(",h=").append(announced);
  return message;
}

std::string client_final_without_proof(std::string_view binding, std::string_view nonce) {
  return std::string("c=").append(base64_encode(binding)).append(",r=").append(nonce);
}

std::string auth_message(std::string_view client_first_bare, std::string_view server_first,
                         std::string_view client_final_without_proof) {
  return std::string(client_first_bare)
      .append(",")
      .append(server_first)
      .append(",")
      .append(client_final_without_proof);
}

}  // namespace balcony::sasl::scram
