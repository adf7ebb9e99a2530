#include "gateway/mail/html_parser.h"

#include <libxml/HTMLparser.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace balcony::gateway::mail {
namespace {

struct ContextFree {
  void operator()(htmlParserCtxt* context) const { htmlFreeParserCtxt(context); }
};
using ContextPtr = std::unique_ptr<htmlParserCtxt, ContextFree>;

// What the library's callbacks get.
struct Reading {
  explicit Reading(HtmlEvents& to) : events(to) {}

  HtmlEvents& events;
  htmlParserCtxt* context = nullptr;
  std::size_t depth = 0;
  bool cut = false;
  HtmlAttributes attributes;
};

std::string_view view(const xmlChar* text) {
  return text ? std::string_view(reinterpret_cast<const char*>(text)) : std::string_view();
}

void on_begin(void* user, const xmlChar* name, const xmlChar** attributes) {
  Reading& reading = *static_cast<Reading*>(user);
  if (reading.cut) return;
  if (++reading.depth > kHtmlDepthMax) {
    reading.cut = true;
    xmlStopParser(reading.context);
    return;
  }
  reading.attributes.clear();
  for (; attributes && *attributes; attributes += 2) {
    reading.attributes.emplace_back(view(attributes[0]), view(attributes[1]));
  }
  reading.events.begin(view(name), reading.attributes);
}

void on_end(void* user, const xmlChar* name) {
  Reading& reading = *static_cast<Reading*>(user);
  if (reading.cut) return;
  if (reading.depth > 0) --reading.depth;
  reading.events.end(view(name));
}

void on_text(void* user, const xmlChar* text, int size) {
  Reading& reading = *static_cast<Reading*>(user);
  if (reading.cut || size <= 0) return;
  reading.events.text({reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)});
}

// Scripts and styles.
void on_raw(void*, const xmlChar*, int) {}

// Not in the middle of a character.
std::string_view cut_at(std::string_view html, std::size_t size) {
  if (size >= html.size()) return html;
  while (size > 0 && (static_cast<unsigned char>(html[size]) & 0xc0) == 0x80) --size;
  return html.substr(0, size);
}

}  // namespace

HtmlEnd parse_html(std::string_view html, HtmlEvents& events) {
  std::string_view within = cut_at(html, kHtmlBytesMax);
  within = within.substr(0, html_within_limits(within, kHtmlAttributesMax));
  if (within.empty()) return html.empty() ? HtmlEnd::kWhole : HtmlEnd::kCut;
  const ContextPtr context(htmlNewParserCtxt());
  if (!context) return HtmlEnd::kCut;
  Reading reading(events);
  reading.context = context.get();
  // Nothing but these: no tree, no messages, no entities of the mail's own.
  std::memset(context->sax, 0, sizeof(*context->sax));
  context->sax->startElement = on_begin;
  context->sax->endElement = on_end;
  context->sax->characters = on_text;
  context->sax->ignorableWhitespace = on_text;
  context->sax->cdataBlock = on_raw;
  context->userData = &reading;
  constexpr int kOptions = HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                           HTML_PARSE_NONET | HTML_PARSE_NODEFDTD | HTML_PARSE_IGNORE_ENC |
                           HTML_PARSE_COMPACT;
  htmlCtxtReadMemory(context.get(), within.data(), static_cast<int>(within.size()), nullptr,
                     "UTF-8", kOptions);
  return reading.cut || within.size() < html.size() ? HtmlEnd::kCut : HtmlEnd::kWhole;
}

}  // namespace balcony::gateway::mail
