#include "stanza/stanza.h"

#include <array>
#include <utility>

namespace balcony {
namespace {

constexpr std::array<std::string_view, 15> kTypeNames = {
    "normal",      "chat",      "groupchat",  "headline",    "",
    "unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed",
    "probe",       "get",       "set",        "result",      "error",
};

constexpr std::array<std::string_view, 3> kKindNames = {"message", "presence", "iq"};

std::optional<StanzaType> find_type(std::string_view name, StanzaType first, StanzaType last) {
  if (name == "error") return StanzaType::kError;
  for (auto i = std::to_underlying(first); i <= std::to_underlying(last); ++i) {
    if (kTypeNames[i] == name) return static_cast<StanzaType>(i);
  }
  return std::nullopt;
}

Result<StanzaType> type_of(xml::ElementView element, StanzaKind kind) {
  const auto attribute = element.find_attr("type");
  switch (kind) {
    case StanzaKind::kMessage:
      // RFC 6121 §5.2.2: no type, or one that is not understood, is "normal".
      return find_type(attribute.value_or("normal"), StanzaType::kNormal, StanzaType::kHeadline)
          .value_or(StanzaType::kNormal);
    case StanzaKind::kPresence: {
      if (!attribute) return StanzaType::kAvailable;
      const auto type = find_type(*attribute, StanzaType::kUnavailable, StanzaType::kProbe);
      if (!type || attribute->empty()) return fail(Errc::kBadRequest, "unknown type of presence");
      return *type;
    }
    case StanzaKind::kIq: break;
  }
  // RFC 6120 §8.2.3: id and type are required, and type is one of four.
  if (!element.has_attr("id")) return fail(Errc::kBadRequest, "an iq needs an id");
  const auto type = find_type(attribute.value_or(""), StanzaType::kGet, StanzaType::kResult);
  if (!type) return fail(Errc::kBadRequest, "an iq is of type get, set, result or error");
  if (*type == StanzaType::kGet || *type == StanzaType::kSet) {
    const xml::ElementView child = element.first_child();
    if (!child || child.next_sibling()) {
      return fail(Errc::kBadRequest, "an iq of type get or set has exactly one child element");
    }
  }
  if (*type == StanzaType::kResult && element.first_child().next_sibling()) {
    return fail(Errc::kBadRequest, "an iq of type result has at most one child element");
  }
  return *type;
}

}  // namespace

std::string_view to_string(StanzaType type) noexcept {
  return kTypeNames[std::to_underlying(type)];
}

std::optional<StanzaKind> stanza_kind(xml::ElementView element) noexcept {
  if (element.ns() != xml::kClientNs) return std::nullopt;
  if (element.name() == "message") return StanzaKind::kMessage;
  if (element.name() == "presence") return StanzaKind::kPresence;
  if (element.name() == "iq") return StanzaKind::kIq;
  return std::nullopt;
}

Result<Stanza> Stanza::make(xml::Element& element) {
  const auto kind = stanza_kind(element);
  if (!kind) return fail(Errc::kUndefinedCondition, "neither message nor presence nor iq");
  BALCONY_ASSIGN(const StanzaType type, type_of(element, *kind));
  std::optional<Jid> to;
  if (const auto text = element.view().find_attr("to")) {
    auto jid = Jid::parse(*text);
    if (!jid) return fail(Errc::kJidMalformed, "to: " + jid.error().to_string());
    to = *std::move(jid);
  }
  std::optional<Jid> from;
  if (const auto text = element.view().find_attr("from")) {
    BALCONY_ASSIGN(from, Jid::parse(*text));
  }
  return Stanza(std::move(element), *kind, type, std::move(from), std::move(to));
}

Stanza::Stanza(StanzaKind kind, StanzaType type)
    : xml_(xml::kClientNs, kKindNames[std::to_underlying(kind)]), kind_(kind), type_(type) {
  set_type(type);
}

xml::ElementView Stanza::payload() const {
  xml::ElementView child = xml_.first_child();
  while (child && child.is(xml::kClientNs, "error")) child = child.next_sibling();
  return child;
}

void Stanza::set_from(const Jid& from) {
  from_ = from;
  xml_.set("from", from.str());
}

void Stanza::set_to(const Jid& to) {
  to_ = to;
  xml_.set("to", to.str());
}

void Stanza::set_type(StanzaType type) {
  type_ = type;
  if (type == StanzaType::kAvailable || type == StanzaType::kNormal) {
    xml_.remove_attr("type");
  } else {
    xml_.set("type", to_string(type));
  }
}

Stanza Stanza::clone() const {
  Stanza copy(xml_.clone(), kind_, type_, from_, to_);
  copy.receipt_ = receipt_;
  copy.kept_ = kept_;
  return copy;
}

Stanza Stanza::head() const {
  xml::Element root(xml_.ns(), xml_.name());
  for (const xml::Attribute* each = xml_.view().first_attribute(); each; each = each->next) {
    root.ref().set(each->ns, each->name, each->value);
  }
  Stanza copy(std::move(root), kind_, type_, from_, to_);
  copy.receipt_ = receipt_;
  copy.kept_ = kept_;
  return copy;
}

}  // namespace balcony
