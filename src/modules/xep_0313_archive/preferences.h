// What a user wants to have archived (XEP-0441): with whom always, with whom never, and the rest.
// Values, on the user's home shard.
#pragma once

#include "router/roster.h"

#include <balcony/element.h>
#include <balcony/jid.h>
#include <balcony/result.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace balcony::modules {

enum class ArchiveDefault : std::uint8_t { kAlways, kNever, kRoster };  // XEP-0441 §3.1

// From "always", "never" or "roster"; nullopt for anything else.
std::optional<ArchiveDefault> archive_default(std::string_view name);

struct ArchivePreferences {
  explicit ArchivePreferences(ArchiveDefault otherwise_) : otherwise(otherwise_) {}

  ArchiveDefault otherwise;
  std::vector<Jid> always;
  std::vector<Jid> never;

  // Whether messages from and to `peer` are kept (§3.2, §3.3, §5). Who is in both lists is never
  // kept: of the two errors it is the one that can be made good.
  bool want(const Jid& peer, const router::Roster& roster) const;
};

inline constexpr std::size_t kPreferredMax = 1'000;  // JIDs in both lists

// Reads <prefs/>. Errors: kBadRequest for another default; kJidMalformed; kResourceConstraint for
// too many JIDs.
Result<ArchivePreferences> read_preferences(xml::ElementView prefs);
xml::Element write_preferences(const ArchivePreferences& preferences);

}  // namespace balcony::modules
