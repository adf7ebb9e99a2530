// HTML as events, read by libxml2, which only html_parser.cc knows.
//
// Used by html_text.cc. It makes no requests and builds no tree. What it costs is bounded: by the
// bytes that are read, by how deep elements stand in each other, and by the attributes of a tag.
// Pure function; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace balcony::gateway::mail {

inline constexpr std::size_t kHtmlBytesMax = 512u << 10;
inline constexpr std::size_t kHtmlDepthMax = 200;
// libxml2 2.9 compares each attribute of a tag with all that came before.
inline constexpr std::size_t kHtmlAttributesMax = 1'000;

// Name and value, with entities resolved; gone after the call.
using HtmlAttributes = std::vector<std::pair<std::string_view, std::string_view>>;

// Who hears what there is, in its order. Each begin() has its end(), also where the mail forgot it,
// unless the document was cut.
class HtmlEvents {
 public:
  virtual ~HtmlEvents() = default;
  // `element` in small letters.
  virtual void begin(std::string_view element, const HtmlAttributes& attributes) = 0;
  virtual void end(std::string_view element) = 0;
  // UTF-8 with entities resolved; without scripts and styles. May come in pieces.
  virtual void text(std::string_view text) = 0;
};

// kCut: a limit was passed, and what comes behind is not read.
enum class HtmlEnd : std::uint8_t { kWhole, kCut };

// `html` is UTF-8, whatever it says of itself.
HtmlEnd parse_html(std::string_view html, HtmlEvents& events);

// How much of `html` may be read: all of it, or what stands before the first tag that has more than
// `attributes_max` attributes, wherever a parser sees tags.
std::size_t html_within_limits(std::string_view html, std::size_t attributes_max);

}  // namespace balcony::gateway::mail
