// XEP-0355: Namespace Delegation, in admin mode: requests of some namespaces are answered by a
// component in the server's place, as the configuration says ([component."…"] delegate).
//
// The router forwards them (router/router_delegation.cc); here is what disco#info says of it: the
// component's word about its namespaces in the place of ours (§7.2).
#include "modules/modules.h"
#include "stanza/data_form.h"
#include "stanza/ns.h"

#include <algorithm>
#include <vector>

namespace balcony::modules {
namespace {

// A feature of the namespace: its name, or one below it (XEP-0053 §5: "#" divides them).
bool belongs(std::string_view feature, std::string_view ns) {
  if (!feature.starts_with(ns)) return false;
  return feature.size() == ns.size() || feature[ns.size()] == '#';
}

// §7.2.1, §7.2.3: what the server itself would say of the namespace.
void remove_own(xml::Element& query, std::string_view ns) {
  std::vector<xml::ElementView> gone;
  for (const xml::ElementView child : query.children()) {
    if (child.is(ns::kDiscoInfo, "feature") && belongs(child.attr("var"), ns)) {
      gone.push_back(child);
    } else if (child.is(ns::kDataForms, "x")) {
      const auto form = read_data_form(child);
      if (form && belongs(form->form_type(), ns)) gone.push_back(child);
    }
  }
  for (const xml::ElementView child : gone) query.ref().remove_child(child);
}

void add_nested(xml::Element& query, xml::ElementView info) {
  for (const xml::ElementView child : info.children()) {
    const bool is_feature = child.is(ns::kDiscoInfo, "feature");
    const auto features = query.children(ns::kDiscoInfo, "feature");
    const bool doubled = is_feature && std::any_of(features.begin(), features.end(),
                                                   [child](xml::ElementView known) {
                                                     return known.attr("var") == child.attr("var");
                                                   });
    const bool wanted =
        is_feature || child.is(ns::kDiscoInfo, "identity") || child.is(ns::kDataForms, "x");
    if (wanted && !doubled) query.append_copy(child);
  }
}

void attach_delegation(Registrar& on, Server& server, const NoOptions&) {
  on.feature(ns::kDelegation);  // §7.1
  // Last: what others add counts among the server's own.
  on.on<router::DiscoInfo>(Priority::kLast, [&server](router::DiscoInfo& event) {
    if (!event.node.empty()) return Flow::kContinue;
    const auto delegated = server.nested_disco(event.account != nullptr);
    for (const auto& [ns, info] : delegated) remove_own(event.query, ns);
    for (const auto& [ns, info] : delegated) add_nested(event.query, info);
    return Flow::kContinue;
  });
}

}  // namespace

extern const ModuleSpec xep_0355_delegation = router::module<NoOptions>(
    "delegation", {{"XEP-0355", "0.5"}, {"XEP-0297", "1.0"}},
    "Hands requests of some namespaces to components, as the configuration says.", {},
    attach_delegation);

}  // namespace balcony::modules
