#include "sasl/client.h"

#include "sasl/client_mechanisms.h"

namespace balcony::sasl {
namespace {

constexpr std::size_t kClientNonceBytes = 18;

}  // namespace

Result<std::unique_ptr<ClientMechanism>> make_client_mechanism(const MechanismChoice& choice,
                                                               Credentials credentials,
                                                               Random& random) {
  if (const auto scram = scram_name(choice.mechanism)) {
    const bool used = choice.flag == BindingFlag::kUsed;
    if (used != scram->plus || used != choice.binding.has_value()) {
      return fail(Errc::kSaslInvalidMechanism, "-PLUS and a channel binding go together");
    }
    return scram_client(*scram, choice, std::move(credentials), random.token(kClientNonceBytes));
  }
  if (const auto ht = ht_name(choice.mechanism)) {
    return ht_client(*ht, choice, std::move(credentials));
  }
  if (choice.mechanism == kPlain) return plain_client(std::move(credentials));
  if (choice.mechanism == kExternal) return external_client(std::move(credentials));
  if (choice.mechanism == kAnonymous) return anonymous_client(std::move(credentials));
  return fail(Errc::kSaslInvalidMechanism, "a mechanism that we do not speak");
}

}  // namespace balcony::sasl
