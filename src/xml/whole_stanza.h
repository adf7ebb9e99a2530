// Takes a stanza that lies whole in what was read out of a splitter and builds it at once, so that
// its bytes are looked at once: what nearly all stanzas are. One thread. No I/O.
#pragma once

#include "xml/parser.h"
#include "xml/splitter.h"

#include <balcony/element.h>

#include <optional>
#include <string_view>

namespace balcony::xml {

struct WholeStanza {
  Element element;
  std::string_view bytes;  // as SplitEvent::bytes, of what was fed
};

// The stanza at the splitter's cursor, when it stands there whole, in at most 4 KiB, between
// stanzas, and parse() would take it. `scope`, `limits`: as for parse(). Else nothing, and nothing
// has changed: Splitter::next() says what is there, and which byte is wrong if one is.
std::optional<WholeStanza> take_whole_stanza(Splitter& splitter, const Scope& scope,
                                             const Limits& limits);

}  // namespace balcony::xml
