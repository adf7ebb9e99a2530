#include "payload/vcard4.h"

#include "stanza/ns.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace balcony::payload {
namespace {

struct TextProperty {
  std::string_view name;
  std::string_view type;  // of the value (RFC 6351 §5)
  std::string VCard::* member;
};
constexpr std::array kTexts = {
    TextProperty{"fn", "text", &VCard::full_name},
    TextProperty{"nickname", "text", &VCard::nickname},
    TextProperty{"email", "text", &VCard::email},
    TextProperty{"url", "uri", &VCard::url},
    TextProperty{"note", "text", &VCard::description},
};
constexpr std::string_view kBirthday = "bday";

// A date of ISO 8601 in the form that RFC 6350 §4.3.1 wants: without hyphens.
bool is_extended_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  return std::ranges::count_if(text, [](char c) { return c >= '0' && c <= '9'; }) == 8;
}
bool is_basic_date(std::string_view text) {
  return text.size() == 8 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::string read_birthday(xml::ElementView bday) {
  std::string text = bday.first_child().text();
  for (const xml::ElementView value : bday.children()) {
    if (value.name() != "parameters") text = value.text();
  }
  if (is_basic_date(text))
    text = text.substr(0, 4) + "-" + text.substr(4, 2) + "-" + text.substr(6);
  return text;
}

void write_birthday(xml::Element& vcard, std::string text) {
  if (text.empty()) return;
  const bool is_date = is_extended_date(text) || is_basic_date(text);
  std::erase_if(text, [is_date](char c) { return is_date && c == '-'; });
  vcard.append(kBirthday).append_text_element(is_date ? "date" : "text", text);
}

// "image/png" of data:image/png;base64,… (RFC 6350 §6.2.4).
std::string photo_type(xml::ElementView photo) {
  if (!photo) return {};
  const std::string type =
      photo.child("parameters").child("mediatype").child_text(ns::kVcard4, "text");
  if (!type.empty()) return type;
  const std::string uri = photo.child_text(ns::kVcard4, "uri");
  constexpr std::string_view kData = "data:";
  if (!uri.starts_with(kData)) return uri.empty() ? "" : "image/*";
  return uri.substr(kData.size(), uri.find_first_of(";,") - kData.size());
}

bool is_ours(std::string_view name) {
  return name == kBirthday || std::ranges::find(kTexts, name, &TextProperty::name) != kTexts.end();
}

}  // namespace

Result<VCard> read_vcard4(xml::ElementView vcard) {
  if (!vcard.is(ns::kVcard4, "vcard")) return fail(Errc::kMalformed, "this is no vCard4");
  VCard card;
  for (const TextProperty& property : kTexts) {
    card.*property.member = vcard.child(property.name).child_text(ns::kVcard4, property.type);
  }
  card.birthday = read_birthday(vcard.child(kBirthday));
  card.photo_type = photo_type(vcard.child("photo"));
  return card;
}

xml::Element write_vcard4(const VCard& card, xml::ElementView before) {
  xml::Element vcard(ns::kVcard4, "vcard");
  for (const TextProperty& property : kTexts) {
    const std::string& text = card.*property.member;
    // What the card had first is ours; a second address or name stays.
    if (!text.empty()) vcard.append(property.name).append_text_element(property.type, text);
  }
  write_birthday(vcard, card.birthday);
  if (!before.is(ns::kVcard4, "vcard")) return vcard;
  for (const xml::ElementView child : before.children()) {
    const bool replaced =
        child.ns() == ns::kVcard4 && is_ours(child.name()) && child == before.child(child.name());
    if (!replaced) vcard.ref().append_copy(child);
  }
  return vcard;
}

}  // namespace balcony::payload
