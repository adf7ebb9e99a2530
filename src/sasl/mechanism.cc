#include "sasl/mechanism.h"

namespace balcony::sasl {

std::string to_string(ScramName name) {
  std::string text = "SCRAM-";
  text += to_string(name.hash);
  if (name.plus) text += "-PLUS";
  return text;
}

std::optional<ScramName> scram_name(std::string_view mechanism) {
  constexpr std::string_view kPrefix = "SCRAM-";
  constexpr std::string_view kPlus = "-PLUS";
  if (!mechanism.starts_with(kPrefix)) return std::nullopt;
  mechanism.remove_prefix(kPrefix.size());
  const bool plus = mechanism.ends_with(kPlus);
  if (plus) mechanism.remove_suffix(kPlus.size());
  const auto hash = scram_hash(mechanism);
  if (!hash) return std::nullopt;
  return ScramName{*hash, plus};
}

}  // namespace balcony::sasl
