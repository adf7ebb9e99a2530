// What is asked of an archive (XEP-0313 §4): the <query/> read into a value, and the form that says
// what may be asked. Pure functions.
#pragma once

#include "base/clock.h"
#include "stanza/rsm.h"

#include <balcony/element.h>
#include <balcony/jid.h>
#include <balcony/result.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace balcony::modules {

inline constexpr std::size_t kQueryIdBytesMax = 1'024;
inline constexpr std::size_t kQueryIdsMax = 250;

struct ArchiveAsk {
  std::optional<std::string> query_id;
  // §4.1; what is not asked for is empty.
  std::optional<Jid> with;
  std::optional<WallTime> start, end;
  std::string after_id, before_id;
  std::vector<std::string> ids;  // each once
  std::string words;             // XEP-0431
  rsm::Request page;
  bool flip = false;  // §4.3.4
};

// Errors: kBadRequest for a form that is none, another FORM_TYPE, or a value that its field cannot
// have; kFeatureNotImplemented for an unknown field (§4.1.6) or <index/>; kResourceConstraint for
// too many ids.
Result<ArchiveAsk> read_archive_query(xml::ElementView query);

// The answer to a get (§4.1.6): <query/> with the form.
xml::Element archive_query_form();

}  // namespace balcony::modules
