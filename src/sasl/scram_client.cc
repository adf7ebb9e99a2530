// The client's end of SCRAM (RFC 5802, RFC 7677).
#include "base/base64.h"
#include "precis/precis.h"
#include "sasl/client_mechanisms.h"
#include "sasl/downgrade.h"
#include "sasl/scram_messages.h"

namespace balcony::sasl {
namespace {

std::unexpected<Error> out_of_turn() {
  return fail(Errc::kSaslMalformedRequest, "SCRAM: a message of the server out of turn");
}

class ScramClient final : public ClientMechanism {
 public:
  ScramClient(ScramName name, MechanismChoice choice, Credentials credentials, std::string nonce)
      : name_(name), credentials_(std::move(credentials)), nonce_(std::move(nonce)) {
    std::string_view type;
    if (choice.binding) type = choice.binding->type;
    gs2_header_ = scram::gs2_header(choice.flag, type, credentials_.authzid);
    binding_ = gs2_header_;
    if (choice.binding) binding_ += choice.binding->data;
    needs_proof_ = choice.needs_offer_proof;
  }

  ~ScramClient() override {
    wipe(credentials_.password);
    wipe_keys(keys_);
    if (credentials_.keys) wipe_keys(*credentials_.keys);
  }

  Result<std::string> initial_response() override {
    if (state_ != State::kNew) return out_of_turn();
    state_ = State::kSentFirst;
    first_bare_ = scram::client_first_bare(credentials_.username, nonce_);
    return gs2_header_ + first_bare_;
  }

  Result<std::string> step(std::string_view challenge) override {
    if (challenge.size() > kMessageBytesMax) {
      state_ = State::kFailed;
      return fail(Errc::kSaslMalformedRequest, "SCRAM: a message that is too long");
    }
    if (state_ == State::kSentFirst) return on_server_first(challenge);
    if (state_ == State::kSentFinal) {
      // RFC 4422 §3.6: a server may send its last data as a challenge; the answer is empty.
      BALCONY_CHECK(on_server_final(challenge));
      return std::string();
    }
    return out_of_turn();
  }

  Result<> success(std::optional<std::string_view> data) override {
    if (state_ == State::kSentFinal && data && data->size() <= kMessageBytesMax) {
      BALCONY_CHECK(on_server_final(*data));
    }
    // RFC 5802 §5: without the right signature the server is none that knows us.
    if (state_ != State::kVerified) {
      return fail(Errc::kSaslNotAuthorized, "SCRAM: the server did not prove who it is");
    }
    succeeded_ = true;
    return {};
  }

  const ClientKeys* keys() const override { return succeeded_ ? &keys_ : nullptr; }
  bool offer_proven() const override { return succeeded_ && offer_matches_; }

 private:
  enum class State { kNew, kSentFirst, kSentFinal, kVerified, kFailed };

  static void wipe_keys(ClientKeys& keys) {
    wipe(keys.client_key);
    wipe(keys.server_key);
  }

  Result<std::string> on_server_first(std::string_view message) {
    state_ = State::kFailed;
    // RFC 5802 §7 has no error here, but servers send one.
    if (message.starts_with("e=")) return fail(scram::parse_server_final(message).error());
    BALCONY_ASSIGN(const auto first, scram::parse_server_first(message));
    // RFC 5802 §5.1: the server's nonce starts with ours and adds something.
    if (!first.nonce.starts_with(nonce_) || first.nonce.size() == nonce_.size()) {
      return fail(Errc::kSaslNotAuthorized, "SCRAM: the server answers another exchange");
    }
    if (first.iterations < credentials_.iterations_min ||
        first.iterations > credentials_.iterations_max) {
      return fail(Errc::kSaslMechanismTooWeak, "SCRAM: an iteration count outside our limits");
    }
    BALCONY_CHECK(check_offer(first));
    BALCONY_CHECK(find_keys(first));
    const std::string final = scram::client_final_without_proof(binding_, first.nonce);
    const std::string signed_text = scram::auth_message(first_bare_, message, final);
    // RFC 5802 §3.
    const std::string stored_key = digest(name_.hash, keys_.client_key);
    const std::string proof =
        exclusive_or(keys_.client_key, hmac(name_.hash, stored_key, signed_text));
    server_signature_ = hmac(name_.hash, keys_.server_key, signed_text);
    state_ = State::kSentFinal;
    return final + ",p=" + base64_encode(proof);
  }

  // XEP-0474 §5.2: the server's hash is signed with our password later, so it is the server's own.
  Result<> check_offer(const scram::ServerFirst& first) {
    if (!first.announced.empty() && !credentials_.announced.empty()) {
      offer_matches_ = first.announced == announced_hash(name_.hash, credentials_.announced);
      if (!offer_matches_) {
        return fail(Errc::kSaslMechanismTooWeak,
                    "the server offered something else than what arrived: somebody is in between");
      }
    }
    if (needs_proof_ && !offer_matches_) {
      return fail(Errc::kSaslMechanismTooWeak,
                  "the channel binding types lack the one that every server has, and the server "
                  "does not vouch for them: somebody may be in between");
    }
    return {};
  }

  Result<> on_server_final(std::string_view message) {
    state_ = State::kFailed;
    BALCONY_ASSIGN(const std::string signature, scram::parse_server_final(message));
    if (!equal_constant_time(signature, server_signature_)) {
      return fail(Errc::kSaslNotAuthorized, "SCRAM: the server does not know us");
    }
    state_ = State::kVerified;
    return {};
  }

  // ClientKey and ServerKey: from an earlier login if they fit, else from the password.
  Result<> find_keys(const scram::ServerFirst& first) {
    auto& kept = credentials_.keys;
    const std::size_t size = digest_size(name_.hash);
    if (kept && kept->hash == name_.hash && kept->iterations == first.iterations &&
        kept->salt == first.salt && kept->client_key.size() == size &&
        kept->server_key.size() == size) {
      keys_ = *kept;
      return {};
    }
    BALCONY_ASSIGN(std::string password, precis::opaque_string(credentials_.password));
    std::string salted = pbkdf2(name_.hash, password, first.salt, first.iterations);
    wipe(password);
    keys_ = {.hash = name_.hash,
             .iterations = first.iterations,
             .salt = first.salt,
             .client_key = hmac(name_.hash, salted, "Client Key"),
             .server_key = hmac(name_.hash, salted, "Server Key")};
    wipe(salted);
    return {};
  }

  ScramName name_;
  Credentials credentials_;
  std::string nonce_;
  std::string gs2_header_;
  std::string binding_;  // what c= repeats: header and channel binding data
  std::string first_bare_;
  std::string server_signature_;  // what we expect
  ClientKeys keys_;
  State state_ = State::kNew;
  bool succeeded_ = false;
  bool needs_proof_ = false;    // choice.needs_offer_proof
  bool offer_matches_ = false;  // XEP-0474
};

}  // namespace

std::unique_ptr<ClientMechanism> scram_client(ScramName name, MechanismChoice choice,
                                              Credentials credentials, std::string nonce) {
  return std::make_unique<ScramClient>(name, std::move(choice), std::move(credentials),
                                       std::move(nonce));
}

}  // namespace balcony::sasl
