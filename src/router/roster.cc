#include "router/roster.h"

#include "stanza/ns.h"
#include "xml/parser.h"
#include "xml/writer.h"

#include <algorithm>

namespace balcony::router {

namespace {

constexpr char kSeparator = '\0';

}  // namespace

std::string_view RosterItem::name() const noexcept {
  const std::string_view label = label_;
  return label.substr(0, label.find(kSeparator));
}

std::vector<std::string_view> RosterItem::groups() const {
  std::vector<std::string_view> groups;
  std::string_view rest = label_;
  for (std::size_t at = rest.find(kSeparator); at != rest.npos; at = rest.find(kSeparator)) {
    rest.remove_prefix(at + 1);
    groups.push_back(rest.substr(0, rest.find(kSeparator)));
  }
  return groups;
}

void RosterItem::set_label(std::string_view name, std::vector<std::string> groups) {
  std::ranges::sort(groups);
  std::size_t size = name.size() + groups.size();
  for (const std::string& group : groups) size += group.size();
  std::string label;
  label.reserve(size);
  label += name;
  for (const std::string& group : groups) {
    label += kSeparator;
    label += group;
  }
  label_ = std::move(label);
}

void RosterItem::set_request(std::string stanza) {
  request_ = std::make_unique<std::string>(std::move(stanza));
}

xml::Element write_item(const RosterItem& item) {
  xml::Element element(ns::kRoster, "item");
  xml::ElementRef ref = element.ref();
  ref.set("jid", item.jid.str());
  if (const auto name = item.name(); !name.empty()) ref.set("name", name);
  ref.set("subscription", subscription_attribute(item.state));
  if (item.state.pending_out) ref.set("ask", "subscribe");  // RFC 6121 §2.1.2.2
  if (item.state.approved) ref.set("approved", "true");     // §2.1.2.1
  for (const std::string_view group : item.groups()) ref.append_text_element("group", group);
  return element;
}

std::string store_item(const RosterItem& item) {
  xml::Element element = write_item(item);
  if (item.state.pending_in) element.set("pending-in", "true");
  if (item.listed) element.set("listed", "true");
  if (!item.request().empty()) element.append_text_element("request", item.request());
  return xml::to_string(element);
}

Result<RosterItem> load_item(std::string_view stored) {
  BALCONY_ASSIGN(const xml::Element element, xml::parse(stored));
  if (!element.is(ns::kRoster, "item")) return fail(Errc::kMalformed, "this is no roster item");
  BALCONY_ASSIGN(const Jid jid, Jid::parse(element.attr("jid")));
  if (jid.is_full()) return fail(Errc::kMalformed, "a roster item has a bare JID");

  RosterItem item(jid);
  const std::string_view subscription = element.attr("subscription");
  item.state.to = subscription == "to" || subscription == "both";
  item.state.from = subscription == "from" || subscription == "both";
  if (!item.state.to && !item.state.from && subscription != "none") {
    return fail(Errc::kMalformed, "this subscription is unknown");
  }
  item.state.pending_out = element.attr("ask") == "subscribe";
  item.state.approved = element.attr("approved") == "true";
  item.state.pending_in = element.attr("pending-in") == "true";
  item.listed = element.attr("listed") == "true";

  std::vector<std::string> groups;
  for (const xml::ElementView group : element.children(ns::kRoster, "group")) {
    groups.push_back(group.text());
  }
  item.set_label(element.attr("name"), std::move(groups));
  if (std::string request = element.view().child_text(ns::kRoster, "request"); !request.empty()) {
    item.set_request(std::move(request));
  }
  return item;
}

std::string Roster::version_text() const {
  std::string text = std::to_string(version);
  if (shared_mark != 0) text.append("-").append(std::to_string(shared_mark));
  return text;
}

std::vector<RosterItem>::iterator Roster::lower_bound(std::string_view bare) noexcept {
  return std::ranges::lower_bound(items_, bare, {},
                                  [](const RosterItem& item) { return item.jid.bare_str(); });
}

const RosterItem* Roster::find(const Jid& contact) const noexcept {
  const auto at = const_cast<Roster*>(this)->lower_bound(contact.bare_str());
  return at != items_.end() && at->jid.same_bare(contact) ? &*at : nullptr;
}

RosterItem& Roster::get_or_add(const Jid& contact) {
  const auto at = lower_bound(contact.bare_str());
  if (at != items_.end() && at->jid.same_bare(contact)) return *at;
  return *items_.emplace(at, contact.bare());
}

void Roster::put(RosterItem item) {
  const auto at = lower_bound(item.jid.bare_str());
  if (at != items_.end() && at->jid.same_bare(item.jid)) {
    *at = std::move(item);
  } else {
    items_.insert(at, std::move(item));
  }
}

bool Roster::erase(const Jid& contact) {
  const auto at = lower_bound(contact.bare_str());
  if (at == items_.end() || !at->jid.same_bare(contact)) return false;
  items_.erase(at);
  return true;
}

}  // namespace balcony::router
