#include "sasl/downgrade.h"

#include "base/base64.h"

#include <algorithm>
#include <vector>

namespace balcony::sasl {
namespace {

// XEP-0474 §5.1: "i;octet" is the order of bytes.
void append_sorted(std::string& text, std::span<const std::string> names) {
  std::vector<std::string_view> sorted(names.begin(), names.end());
  std::ranges::sort(sorted);
  bool first = true;
  for (const std::string_view name : sorted) {
    if (!first) text += '\x1e';
    first = false;
    text += name;
  }
}

}  // namespace

std::string announced_text(std::span<const std::string> mechanisms,
                           std::span<const std::string> binding_types) {
  std::string text;
  append_sorted(text, mechanisms);
  if (binding_types.empty()) return text;
  text += '\x1f';
  append_sorted(text, binding_types);
  return text;
}

std::string announced_hash(ScramHash hash, std::string_view text) {
  return base64_encode(digest(hash, text));
}

}  // namespace balcony::sasl
