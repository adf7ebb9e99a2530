#include "stanza/delay.h"

#include "stanza/datetime.h"
#include "stanza/ns.h"

namespace balcony {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";

// The reason is prose that the examples of §3 indent.
std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

bool is_by(xml::ElementView delay, const Jid& from) {
  const auto claimed = Jid::parse(delay.attr("from"));
  return claimed && *claimed == from;
}

}  // namespace

Result<Delay> read_delay(xml::ElementView delay) {
  if (!delay.is(ns::kDelay, "delay")) return fail(Errc::kMalformed, "the element is no <delay/>");
  const auto stamp = parse_datetime(delay.attr("stamp"));
  if (!stamp) {
    return fail(Errc::kMalformed, "attribute 'stamp' of <delay/>: " + stamp.error().detail);
  }
  Delay result(*stamp);
  if (const auto from = delay.find_attr("from")) {
    BALCONY_ASSIGN(result.from, Jid::parse(*from));
  }
  result.reason = trimmed(delay.text());
  return result;
}

xml::Element write_delay(const Delay& delay) {
  xml::Element element(ns::kDelay, "delay");
  if (delay.from) element.set("from", delay.from->str());
  element.set("stamp", format_datetime(delay.stamp));
  element.append_text(delay.reason);
  return element;
}

std::optional<Delay> find_delay(xml::ElementView stanza) {
  for (const xml::ElementView child : stanza.children(ns::kDelay, "delay")) {
    if (auto delay = read_delay(child)) return *std::move(delay);
  }
  return std::nullopt;
}

std::optional<Delay> find_delay(xml::ElementView stanza, const Jid& from) {
  for (const xml::ElementView child : stanza.children(ns::kDelay, "delay")) {
    auto delay = read_delay(child);
    if (delay && delay->from == from) return *std::move(delay);
  }
  return std::nullopt;
}

std::size_t remove_delays(xml::ElementRef stanza, const Jid& from) {
  return stanza.remove_children_if([&from](xml::ElementView child) {
    return child.is(ns::kDelay, "delay") && is_by(child, from);
  });
}

}  // namespace balcony
