#include "stream/actions.h"

#include "stanza/ns.h"
#include "xml/writer.h"

#include <algorithm>
#include <utility>

namespace balcony::stream {

std::string written(xml::ElementView element) {
  std::string text;
  xml::write(text, element);
  return text;
}

std::string write_stream_header(std::string_view from, std::string_view to, std::string_view id,
                                std::string_view lang, std::string_view content_ns,
                                std::string_view version) {
  std::string text = "<?xml version='1.0'?><stream:stream xmlns='";
  xml::append_escaped_attribute(text, content_ns);
  text += "' xmlns:stream='";
  text += ns::kStream;
  text += '\'';
  const std::pair<std::string_view, std::string_view> kAttributes[] = {
      {"xmlns:db", content_ns == ns::kServer ? ns::kDialback : std::string_view()},
      {"version", version},
      {"from", from},
      {"to", to},
      {"id", id},
      {"xml:lang", lang}};
  for (const auto& [name, value] : kAttributes) {
    if (value.empty()) continue;
    text.append(" ").append(name).append("='");
    xml::append_escaped_attribute(text, value);
    text += '\'';
  }
  text += '>';
  return text;
}

bool has_content_namespace(const xml::StreamHeader& header, std::string_view ns) {
  if (header.content_ns == ns) return true;
  return header.content_ns == ns::kStream &&
         std::ranges::any_of(header.declarations,
                             [ns](const auto& declared) { return declared.ns == ns; });
}

bool speaks_version_1(std::string_view version) noexcept {
  const auto dot = version.find('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  const std::string_view major = version.substr(0, dot);
  const bool digits = std::ranges::all_of(major, [](char c) { return c >= '0' && c <= '9'; });
  return digits && major.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace balcony::stream
