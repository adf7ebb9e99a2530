// The server's end of SCRAM (RFC 5802, RFC 7677).
#include "base/assert.h"
#include "base/base64.h"
#include "precis/precis.h"
#include "sasl/downgrade.h"
#include "sasl/scram_messages.h"
#include "sasl/server_mechanisms.h"

namespace balcony::sasl {
namespace {

// All failures that are not of syntax look alike to the peer (RFC 5802 §9 on user enumeration).
Error refused(std::string why) {
  return Error(Errc::kSaslNotAuthorized, "SCRAM: " + std::move(why));
}

class ScramServer final : public ServerMechanism {
 public:
  ScramServer(ScramName name, ServerOptions options, std::string nonce)
      : name_(name), options_(std::move(options)), nonce_(std::move(nonce)) {}

  ~ScramServer() override {
    wipe(keys_.stored_key);
    wipe(keys_.server_key);
    wipe(options_.fake_secret);
  }

 private:
  ServerStep on_response(std::string_view response) override {
    return server_first_.empty() ? on_client_first(response) : on_client_final(response);
  }

  ServerStep on_client_first(std::string_view message) {
    auto first = scram::parse_client_first(message);
    if (!first) return std::move(first).error();
    if (auto wrong = check_binding_flag(*first)) return std::move(*wrong);
    auto username = precis::username_case_mapped(first->username);
    if (!username) return refused("the user name cannot be one");
    first_ = std::move(*first);
    username_ = std::move(*username);
    nonce_.insert(0, first_.nonce);
    return NeedCredentials{username_, name_.hash};
  }

  std::optional<Error> check_binding_flag(const scram::ClientFirst& first) {
    if ((first.flag == BindingFlag::kUsed) != name_.plus) {
      return Error(Errc::kSaslMalformedRequest, "SCRAM: the flag does not fit the mechanism");
    }
    // RFC 5802 §6: "y" where -PLUS was offered: somebody took it out of our list.
    if (first.flag == BindingFlag::kNotAdvertised && !options_.channel_bindings.empty()) {
      return refused("server-does-support-channel-binding");
    }
    if (first.flag == BindingFlag::kUsed) {
      const ChannelBinding* binding = find_binding(options_.channel_bindings, first.binding_type);
      if (binding == nullptr) return refused("unsupported-channel-binding-type");
      binding_data_ = binding->data;
    }
    return std::nullopt;
  }

  ServerStep on_credentials(std::optional<ScramKeys> keys) override {
    // Computed for every user, so that an unknown one does not take longer.
    keys_ = fake_keys(name_.hash, username_, options_.fake_secret, options_.iterations);
    known_ = keys.has_value();
    if (known_) {
      const std::size_t size = digest_size(name_.hash);
      if (keys->hash != name_.hash || keys->stored_key.size() != size || keys->iterations == 0 ||
          keys->server_key.size() != size || keys->salt.empty()) {
        return Error(Errc::kSaslTemporaryAuthFailure, "SCRAM: the stored keys are damaged");
      }
      keys_ = std::move(*keys);
    }
    std::string hash;
    if (!options_.announced.empty()) hash = announced_hash(name_.hash, options_.announced);
    server_first_ = scram::server_first(nonce_, keys_.salt, keys_.iterations, hash);
    return Challenge{server_first_};
  }

  ServerStep on_client_final(std::string_view message) {
    const auto final = scram::parse_client_final(message);
    if (!final) return final.error();
    // RFC 5802 §5.1: both sent the same nonce, and c= repeats header and channel binding.
    if (final->nonce != nonce_) return refused("other-error: not the nonce of this exchange");
    if (!equal_constant_time(final->binding, first_.gs2_header + binding_data_)) {
      return refused("channel-bindings-dont-match");
    }
    const std::string signed_text =
        scram::auth_message(first_.bare, server_first_, final->without_proof);
    const std::string signature = hmac(name_.hash, keys_.stored_key, signed_text);
    if (final->proof.size() != signature.size()) return refused("invalid-proof");
    // RFC 5802 §3: ClientKey = ClientProof XOR ClientSignature; StoredKey = H(ClientKey).
    std::string client_key = exclusive_or(final->proof, signature);
    const std::string stored_key = digest(name_.hash, client_key);
    wipe(client_key);
    const bool proven = equal_constant_time(stored_key, keys_.stored_key);
    if (!proven || !known_) return refused("invalid-proof");
    const std::string verifier = hmac(name_.hash, keys_.server_key, signed_text);
    return authorize(options_, {.username = username_,
                                .authzid = first_.authzid,
                                .data = "v=" + base64_encode(verifier),
                                .channel_binding = first_.binding_type});
  }

  ScramName name_;
  ServerOptions options_;
  std::string nonce_;  // ours; with the client's before it once that is known
  scram::ClientFirst first_;
  std::string username_;
  std::string binding_data_;
  ScramKeys keys_;
  bool known_ = false;
  std::string server_first_;  // empty: not sent
};

}  // namespace

std::unique_ptr<ServerMechanism> scram_server(ScramName name, ServerOptions options,
                                              std::string nonce) {
  BALCONY_ASSERT(options.fake_secret.size() >= 16, "SCRAM needs a secret for unknown users");
  return std::make_unique<ScramServer>(name, std::move(options), std::move(nonce));
}

}  // namespace balcony::sasl
