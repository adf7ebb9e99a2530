#include "xml/bindings.h"

namespace balcony::xml {

Bindings::Outcome Bindings::bind(std::string_view prefix, std::string_view ns, std::size_t mark) {
  // Namespaces in XML §3, "Reserved Prefixes and Namespace Names".
  if (prefix == "xml") return ns == kXmlNs ? Outcome::kDone : Outcome::kForbidden;
  if (prefix == "xmlns" || ns == kXmlNs || ns == kXmlnsNs) return Outcome::kForbidden;
  if (ns.empty()) return Outcome::kForbidden;  // §5, "No Prefix Undeclaring"
  for (std::size_t i = mark; i < bound_.size(); ++i) {
    if (bound_[i].prefix == prefix) return Outcome::kTwice;
  }
  if (bound_.size() >= kBoundMax) return Outcome::kTooMany;
  bound_.push({prefix, ns});
  return Outcome::kDone;
}

std::string_view Bindings::find(std::string_view prefix) {
  if (prefix == "xml") return kXmlNs;
  for (std::size_t i = bound_.size(); i-- > 0;) {
    if (bound_[i].prefix == prefix) return bound_[i].ns;
  }
  if (!scope_.declarations) return {};
  const auto& declarations = *scope_.declarations;
  for (std::size_t i = 0; i < declarations.size(); ++i) {
    if (declarations[i].prefix != prefix) continue;
    outer_.resize(declarations.size());
    if (outer_[i].empty()) outer_[i] = arena_.copy(declarations[i].ns);
    return outer_[i];
  }
  return {};
}

}  // namespace balcony::xml
