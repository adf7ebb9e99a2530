#include "payload/roster.h"

#include "stanza/ns.h"

#include <array>
#include <utility>

namespace balcony {
namespace {

constexpr std::array<std::string_view, 5> kSubscriptions = {"none", "to", "from", "both", "remove"};

}  // namespace

std::string_view to_string(RosterItem::Subscription subscription) noexcept {
  return kSubscriptions[std::to_underlying(subscription)];
}

namespace payload {

xml::Element roster_query() {
  return xml::Element(ns::kRoster, "query");
}

xml::Element roster_set(const RosterItem& item) {
  xml::Element query = roster_query();
  xml::ElementRef element = query.append("item").set("jid", item.jid.str());
  if (!item.name.empty()) element.set("name", item.name);
  for (const std::string& group : item.groups) element.append_text_element("group", group);
  return query;
}

xml::Element roster_remove(const Jid& jid) {
  xml::Element query = roster_query();
  query.append("item").set("jid", jid.str()).set("subscription", "remove");
  return query;
}

Result<std::vector<RosterItem>> read_roster(xml::ElementView query) {
  if (!query.is(ns::kRoster, "query")) return fail(Errc::kMalformed, "this is no roster");
  std::vector<RosterItem> items;
  for (const xml::ElementView element : query.children(ns::kRoster, "item")) {
    auto jid = Jid::parse(element.attr("jid"));
    if (!jid) continue;
    RosterItem& item = items.emplace_back(*std::move(jid), std::string(element.attr("name")));
    for (const xml::ElementView group : element.children(ns::kRoster, "group")) {
      item.groups.push_back(group.text());
    }
    for (std::size_t i = 0; i < kSubscriptions.size(); ++i) {
      if (kSubscriptions[i] != element.attr("subscription")) continue;
      item.subscription = static_cast<RosterItem::Subscription>(i);
    }
    item.ask = element.attr("ask") == "subscribe";
    item.approved = element.attr("approved") == "true" || element.attr("approved") == "1";
  }
  return items;
}

}  // namespace payload
}  // namespace balcony
