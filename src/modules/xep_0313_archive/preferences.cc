#include "modules/xep_0313_archive/preferences.h"

#include "stanza/ns.h"

#include <algorithm>
#include <array>
#include <utility>

namespace balcony::modules {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"always", "never", "roster"};

// XEP-0441 §5.1: a bare JID stands for all its resources.
bool lists(const std::vector<Jid>& list, const Jid& peer) {
  return std::ranges::any_of(list, [&peer](const Jid& listed) {
    return listed.is_full() ? listed == peer : listed.same_bare(peer);
  });
}

Result<std::vector<Jid>> read_list(xml::ElementView list) {
  std::vector<Jid> jids;
  for (const xml::ElementView element : list.children(ns::kMam, "jid")) {
    auto jid = Jid::parse(element.text());
    if (!jid) return fail(Errc::kJidMalformed, jid.error().to_string());
    if (std::ranges::find(jids, *jid) == jids.end()) jids.push_back(*std::move(jid));
  }
  return jids;
}

void write_list(xml::ElementRef list, const std::vector<Jid>& jids) {
  for (const Jid& jid : jids) list.append_text_element("jid", jid.str());
}

}  // namespace

std::optional<ArchiveDefault> archive_default(std::string_view name) {
  const auto at = std::ranges::find(kNames, name);
  if (at == kNames.end()) return std::nullopt;
  return static_cast<ArchiveDefault>(at - kNames.begin());
}

bool ArchivePreferences::want(const Jid& peer, const router::Roster& roster) const {
  if (lists(never, peer)) return false;
  if (lists(always, peer)) return true;
  if (otherwise != ArchiveDefault::kRoster) return otherwise == ArchiveDefault::kAlways;
  const router::RosterItem* item = roster.find(peer);
  return item && item->is_visible();
}

Result<ArchivePreferences> read_preferences(xml::ElementView prefs) {
  // §2: the default must be there.
  const auto otherwise = archive_default(prefs.attr("default"));
  if (!otherwise) return fail(Errc::kBadRequest, "default is always, never or roster");
  ArchivePreferences preferences(*otherwise);
  BALCONY_ASSIGN(preferences.always, read_list(prefs.child("always")));
  BALCONY_ASSIGN(preferences.never, read_list(prefs.child("never")));
  if (preferences.always.size() + preferences.never.size() > kPreferredMax) {
    return fail(Errc::kResourceConstraint, "the lists are too long");
  }
  return preferences;
}

xml::Element write_preferences(const ArchivePreferences& preferences) {
  xml::Element prefs(ns::kMam, "prefs");
  prefs.set("default", kNames[std::to_underlying(preferences.otherwise)]);
  // §2: both lists are there, also when they are empty.
  write_list(prefs.append("always"), preferences.always);
  write_list(prefs.append("never"), preferences.never);
  return prefs;
}

}  // namespace balcony::modules
