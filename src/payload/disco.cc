#include "payload/disco.h"

#include "stanza/ns.h"

#include <algorithm>
#include <utility>

namespace balcony {

bool DiscoInfo::has(std::string_view feature) const noexcept {
  return std::ranges::find(features, feature) != features.end();
}

namespace payload {
namespace {

xml::Element query(std::string_view ns, std::string_view node) {
  xml::Element element(ns, "query");
  if (!node.empty()) element.set("node", node);
  return element;
}

}  // namespace

xml::Element disco_info_query(std::string_view node) {
  return query(ns::kDiscoInfo, node);
}

xml::Element disco_items_query(std::string_view node) {
  return query(ns::kDiscoItems, node);
}

xml::Element write_disco_info(const DiscoInfo& info) {
  xml::Element element = disco_info_query();
  for (const DiscoInfo::Identity& identity : info.identities) {
    xml::ElementRef child = element.append("identity");
    child.set("category", identity.category).set("type", identity.type);
    if (!identity.name.empty()) child.set("name", identity.name);
  }
  for (const std::string& feature : info.features) element.append("feature").set("var", feature);
  return element;
}

Result<DiscoInfo> read_disco_info(xml::ElementView query) {
  if (!query.is(ns::kDiscoInfo, "query")) return fail(Errc::kMalformed, "this is no disco#info");
  DiscoInfo info;
  for (const xml::ElementView child : query.children()) {
    if (child.is(ns::kDiscoInfo, "identity")) {
      info.identities.push_back({std::string(child.attr("category")),
                                 std::string(child.attr("type")), std::string(child.attr("name"))});
    } else if (child.is(ns::kDiscoInfo, "feature")) {
      info.features.emplace_back(child.attr("var"));
    }
  }
  return info;
}

Result<std::vector<DiscoItem>> read_disco_items(xml::ElementView query) {
  if (!query.is(ns::kDiscoItems, "query")) return fail(Errc::kMalformed, "this is no disco#items");
  std::vector<DiscoItem> items;
  for (const xml::ElementView child : query.children(ns::kDiscoItems, "item")) {
    auto jid = Jid::parse(child.attr("jid"));
    if (!jid) continue;
    items.emplace_back(*std::move(jid), std::string(child.attr("node")),
                       std::string(child.attr("name")));
  }
  return items;
}

}  // namespace payload
}  // namespace balcony
