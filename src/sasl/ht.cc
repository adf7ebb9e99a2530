#include "sasl/ht.h"

#include "precis/precis.h"
#include "sasl/client_mechanisms.h"
#include "sasl/server_mechanisms.h"

#include <utility>

namespace balcony::sasl {
namespace {

using Binding = HtName::Binding;

constexpr std::string_view kPrefix = "HT-";
constexpr ScramHash kHashes[] = {ScramHash::kSha256, ScramHash::kSha512};
// The order is that of preference: what is bound to this very connection comes first.
constexpr std::pair<Binding, std::string_view> kBindings[] = {
    {Binding::kExporter, "EXPR"}, {Binding::kEndPoint, "ENDP"}, {Binding::kNone, "NONE"}};

std::string data_of(Binding binding, std::span<const ChannelBinding> bindings) {
  const ChannelBinding* found = find_binding(bindings, binding_type(binding));
  return found == nullptr ? std::string() : found->data;
}

bool available(Binding binding, std::span<const ChannelBinding> bindings) {
  return binding == Binding::kNone || find_binding(bindings, binding_type(binding)) != nullptr;
}

// ---- the server's end

class HtServer final : public ServerMechanism {
 public:
  HtServer(HtName name, ServerOptions options)
      : name_(name), binding_(data_of(name.binding, options.channel_bindings)) {}

 private:
  ServerStep on_response(std::string_view message) override {
    // Draft §3.1: initiator-msg = authcid NUL initiator-hashed-token.
    const std::size_t nul = message.find('\0');
    if (nul == std::string_view::npos || nul == 0) {
      return Error(Errc::kSaslMalformedRequest, "HT: no user name");
    }
    const std::string_view proof = message.substr(nul + 1);
    if (proof.size() != digest_size(name_.hash)) {
      return Error(Errc::kSaslMalformedRequest, "HT: a proof that is none");
    }
    auto username = precis::username_case_mapped(message.substr(0, nul));
    if (!username) return Error(Errc::kSaslNotAuthorized, "HT: the user name cannot be one");
    username_ = *std::move(username);
    asked_ = VerifyToken{username_, name_, binding_, std::string(proof)};
    return asked_;
  }

  ServerStep on_token(std::optional<std::string> token) override {
    if (!token || !fits(asked_, *token)) {
      return Error(Errc::kSaslNotAuthorized, "HT: no such user, or no such token");
    }
    std::string proof = ht_responder_proof(name_.hash, *token, binding_);
    wipe(*token);
    return Success{.username = username_,
                   .authzid = {},
                   .data = std::move(proof),
                   .channel_binding = std::string(binding_type(name_.binding))};
  }

  HtName name_;
  std::string binding_;
  std::string username_;
  VerifyToken asked_;
};

// ---- the client's end

class HtClient final : public ClientMechanism {
 public:
  HtClient(HtName name, std::string binding, Credentials credentials)
      : name_(name), binding_(std::move(binding)), credentials_(std::move(credentials)) {}

  ~HtClient() override { wipe(credentials_.token); }

  Result<std::string> initial_response() override {
    if (std::exchange(sent_, true)) return out_of_turn();
    if (credentials_.username.contains('\0')) {
      return fail(Errc::kMalformed, "HT: a NUL in the user name");
    }
    return credentials_.username + '\0' +
           ht_initiator_proof(name_.hash, credentials_.token, binding_);
  }

  Result<std::string> step(std::string_view) override { return out_of_turn(); }

  Result<> success(std::optional<std::string_view> data) override {
    // Draft §3.3: the responder proves that it knows the token too.
    const std::string expected = ht_responder_proof(name_.hash, credentials_.token, binding_);
    if (!sent_ || !data || !equal_constant_time(*data, expected)) {
      return fail(Errc::kSaslNotAuthorized, "HT: the server did not prove who it is");
    }
    return {};
  }

 private:
  static std::unexpected<Error> out_of_turn() {
    return fail(Errc::kSaslMalformedRequest, "HT: a message of the server out of turn");
  }

  HtName name_;
  std::string binding_;
  Credentials credentials_;
  bool sent_ = false;
};

}  // namespace

std::string to_string(HtName name) {
  std::string text(kPrefix);
  text.append(to_string(name.hash)).append("-");
  for (const auto& [binding, suffix] : kBindings) {
    if (binding == name.binding) text += suffix;
  }
  return text;
}

std::optional<HtName> ht_name(std::string_view mechanism) {
  for (const ScramHash hash : kHashes) {
    for (const auto& [binding, suffix] : kBindings) {
      const HtName name{hash, binding};
      if (mechanism == to_string(name)) return name;
    }
  }
  return std::nullopt;
}

std::string_view binding_type(Binding binding) noexcept {
  switch (binding) {
    case Binding::kNone: return {};
    case Binding::kEndPoint: return kTlsServerEndPoint;
    case Binding::kExporter: return kTlsExporter;
  }
  return {};
}

std::vector<std::string> ht_mechanisms(std::span<const ChannelBinding> bindings) {
  std::vector<std::string> names;
  for (const auto& [binding, suffix] : kBindings) {
    if (!available(binding, bindings)) continue;
    for (const ScramHash hash : kHashes) names.push_back(to_string(HtName{hash, binding}));
  }
  return names;
}

std::string ht_initiator_proof(ScramHash hash, std::string_view token, std::string_view binding) {
  return hmac(hash, token, std::string("Initiator").append(binding));
}

std::string ht_responder_proof(ScramHash hash, std::string_view token, std::string_view binding) {
  return hmac(hash, token, std::string("Responder").append(binding));
}

bool fits(const VerifyToken& asked, std::string_view token) {
  return equal_constant_time(ht_initiator_proof(asked.name.hash, token, asked.binding),
                             asked.proof);
}

Result<std::unique_ptr<ServerMechanism>> ht_server(HtName name, ServerOptions options) {
  if (!available(name.binding, options.channel_bindings)) {
    return fail(Errc::kSaslInvalidMechanism, "a channel binding that this connection has not");
  }
  return std::make_unique<HtServer>(name, std::move(options));
}

Result<std::unique_ptr<ClientMechanism>> ht_client(HtName name, const MechanismChoice& choice,
                                                   Credentials credentials) {
  std::string binding;
  if (name.binding != Binding::kNone) {
    if (!choice.binding || choice.binding->type != binding_type(name.binding)) {
      return fail(Errc::kSaslInvalidMechanism, "the token is bound to a channel that is not there");
    }
    binding = choice.binding->data;
  }
  return std::make_unique<HtClient>(name, std::move(binding), std::move(credentials));
}

}  // namespace balcony::sasl
