#include "sasl/choose.h"

#include "sasl/mechanism.h"

#include <algorithm>

namespace balcony::sasl {
namespace {

constexpr std::string_view kPasswordMechanisms[] = {"SCRAM-SHA-512-PLUS",
                                                    "SCRAM-SHA-256-PLUS",
                                                    "SCRAM-SHA-1-PLUS",
                                                    "SCRAM-SHA-512",
                                                    "SCRAM-SHA-256",
                                                    "SCRAM-SHA-1",
                                                    kPlain};

bool has(std::span<const std::string> list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

std::unexpected<Error> deceived(std::string why) {
  return fail(Errc::kSaslMechanismTooWeak, std::move(why) + ": somebody may be in between");
}

// What to say about channel binding, by the rules of XEP-0440 §3.
struct BindingChoice {
  BindingFlag flag = BindingFlag::kNotSupported;
  const ChannelBinding* binding = nullptr;
  bool needs_offer_proof = false;
};

Result<BindingChoice> choose_binding(bool plus_offered, std::span<const std::string> announced,
                                     const ChoicePolicy& policy) {
  const auto& ours = policy.channel_bindings;
  if (ours.empty()) return BindingChoice{};
  if (!plus_offered) {
    if (announced.empty()) return BindingChoice{BindingFlag::kNotAdvertised};
    return deceived("channel binding types are announced, but no mechanism that binds");
  }
  if (announced.empty()) {
    if (policy.sasl2)
      return deceived("a mechanism binds, but no channel binding type is announced");
    // SASL1 leaves it open; this one every server must have.
    const ChannelBinding* binding = find_binding(ours, kTlsServerEndPoint);
    if (binding == nullptr) return deceived("no channel binding type is announced");
    return BindingChoice{BindingFlag::kUsed, binding};
  }
  for (const ChannelBinding& binding : ours) {
    if (has(announced, binding.type)) return BindingChoice{BindingFlag::kUsed, &binding};
  }
  // XEP-0474 §6: without the type that every server has, the server itself must vouch for the list.
  return BindingChoice{BindingFlag::kNotSupported, nullptr, !has(announced, kTlsServerEndPoint)};
}

bool permitted(std::string_view mechanism, const BindingChoice& binding,
               const ChoicePolicy& policy) {
  const auto scram = scram_name(mechanism);
  // PLAIN has no way to prove what was offered.
  if (!scram) return policy.tls && policy.plain && !binding.needs_offer_proof;
  return scram->plus == (binding.flag == BindingFlag::kUsed);
}

MechanismChoice make_choice(std::string_view mechanism, const BindingChoice& binding) {
  MechanismChoice choice{std::string(mechanism), BindingFlag::kNotSupported, std::nullopt};
  if (mechanism == kPlain) return choice;
  choice.flag = binding.flag;
  choice.needs_offer_proof = binding.needs_offer_proof;
  if (binding.binding != nullptr) choice.binding = *binding.binding;
  return choice;
}

Result<MechanismChoice> choose_only(std::string_view mechanism,
                                    std::span<const std::string> offered) {
  if (!has(offered, mechanism)) {
    return fail(Errc::kSaslInvalidMechanism, "the server does not offer " + std::string(mechanism));
  }
  return MechanismChoice{std::string(mechanism), BindingFlag::kNotSupported, std::nullopt};
}

}  // namespace

Result<MechanismChoice> choose_mechanism(std::span<const std::string> offered,
                                         std::span<const std::string> announced_types,
                                         const ChoicePolicy& policy) {
  if (policy.identity == ChoicePolicy::Identity::kCertificate)
    return choose_only(kExternal, offered);
  if (policy.identity == ChoicePolicy::Identity::kNobody) {
    return choose_only(kAnonymous, offered);
  }
  if (policy.certificate && has(offered, kExternal)) return choose_only(kExternal, offered);
  const bool plus_offered = std::ranges::any_of(offered, [](std::string_view name) {
    const auto scram = scram_name(name);
    return scram && scram->plus;
  });
  BALCONY_ASSIGN(const BindingChoice binding,
                 choose_binding(plus_offered, announced_types, policy));
  bool refused = false;
  bool weaker_than_pinned = false;
  for (const std::string_view name : kPasswordMechanisms) {
    if (has(offered, name)) {
      if (!weaker_than_pinned && permitted(name, binding, policy)) {
        return make_choice(name, binding);
      }
      refused = true;
    }
    weaker_than_pinned = weaker_than_pinned || name == policy.pinned;  // XEP-0438 §5.1
  }
  if (refused) return fail(Errc::kSaslMechanismTooWeak, "only mechanisms that we do not take");
  return fail(Errc::kSaslInvalidMechanism, "no mechanism that we speak is offered");
}

}  // namespace balcony::sasl
