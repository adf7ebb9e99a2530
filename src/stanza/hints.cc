#include "stanza/hints.h"

#include "stanza/ns.h"

namespace balcony {

Hints read_hints(xml::ElementView message) {
  Hints hints;
  // XEP-0334 §5
  if (message.attr("type") == "error") return hints;
  for (const xml::ElementView child : message.children()) {
    if (child.ns() != ns::kHints) continue;
    if (child.name() == "no-permanent-store") hints.no_permanent_store = true;
    if (child.name() == "no-store") hints.no_store = true;
    if (child.name() == "no-copy") hints.no_copy = true;
    if (child.name() == "store") hints.store = true;
  }
  return hints;
}

}  // namespace balcony
