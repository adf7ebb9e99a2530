#include "xml/whole_stanza.h"

#include "xml/chars.h"

#include <algorithm>

namespace balcony::xml {
namespace {

// What a wrong guess costs is bounded by this, whatever stands behind the stanza.
constexpr std::size_t kBytesMax = 4096;

// Where the stanza that `bytes` begin with probably ends: at the '/>' of its start tag, or at the
// first end tag with its name. Empty: not here. A guess that is wrong is no complete element.
std::string_view guess(std::string_view bytes) {
  bytes = bytes.substr(0, kBytesMax);
  std::size_t name_end = 1;
  while (name_end < bytes.size() && chars::is(bytes[name_end], chars::kNameChar)) ++name_end;
  const std::string_view name = bytes.substr(1, name_end - 1);
  const std::size_t tag_end = bytes.find('>', name_end);
  if (name.empty() || tag_end == std::string_view::npos) return {};
  if (bytes[tag_end - 1] == '/') return bytes.substr(0, tag_end + 1);
  for (std::size_t at = bytes.find("</", tag_end); at != std::string_view::npos;
       at = bytes.find("</", at + 2)) {
    const std::string_view rest = bytes.substr(at + 2);
    if (rest.size() <= name.size()) return {};
    if (rest[name.size()] == '>' && rest.starts_with(name)) {
      return bytes.substr(0, at + 2 + name.size() + 1);
    }
  }
  return {};
}

}  // namespace

std::optional<WholeStanza> take_whole_stanza(Splitter& splitter, const Scope& scope,
                                             const Limits& limits) {
  const std::string_view bytes = splitter.stanzas_ahead();
  if (!bytes.starts_with('<')) return std::nullopt;
  const std::string_view stanza = guess(bytes);
  if (stanza.empty()) return std::nullopt;
  // What is a complete element by itself is the stanza: nothing behind it can change that.
  auto element = parse(stanza, scope, limits);
  if (!element) return std::nullopt;
  splitter.skip_stanza(stanza.size());
  return WholeStanza{*std::move(element), stanza};
}

}  // namespace balcony::xml
