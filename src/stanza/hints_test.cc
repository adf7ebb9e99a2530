// XEP-0334 §4 and §5: each hint, several, and those of errors.
#include "stanza/hints.h"

#include "xml/parser.h"

#include <gtest/gtest.h>

#include <string>

namespace balcony {
namespace {

Hints hints(const std::string& payload, const std::string& type = "chat") {
  const auto message = xml::parse("<message xmlns='jabber:client' type='" + type + "'>" + payload +
                                  "<body>Hi</body></message>");
  return read_hints(*message);
}

std::string hint(const std::string& name) {
  return "<" + name + " xmlns='urn:xmpp:hints'/>";
}

TEST(Hints, NoneAreThere) {
  EXPECT_EQ(hints(""), Hints{});
  EXPECT_EQ(hints("<no-store xmlns='urn:example:other'/><no-store/>"), Hints{});
  EXPECT_EQ(hints(hint("no-hint-at-all")), Hints{});
}

TEST(Hints, EachSaysWhatItForbids) {
  const Hints temporary = hints(hint("no-permanent-store"));
  EXPECT_TRUE(temporary.forbids_archive());
  EXPECT_FALSE(temporary.forbids_offline());
  const Hints never = hints(hint("no-store"));
  EXPECT_TRUE(never.forbids_archive());
  EXPECT_TRUE(never.forbids_offline());
  EXPECT_TRUE(hints(hint("no-copy")).no_copy);
  EXPECT_FALSE(hints(hint("no-copy")).forbids_archive());
  EXPECT_TRUE(hints(hint("store")).wants_archive());
  EXPECT_TRUE(hints(hint("store")).wants_offline());
}

TEST(Hints, WhoContradictsHimselfGetsTheSaferOne) {
  EXPECT_FALSE(hints(hint("store") + hint("no-store")).wants_archive());
  EXPECT_FALSE(hints(hint("store") + hint("no-store")).wants_offline());
  const Hints offline_only = hints(hint("no-permanent-store") + hint("store"));
  EXPECT_FALSE(offline_only.wants_archive());
  EXPECT_TRUE(offline_only.wants_offline());
}

// §5: an error holds what its cause held.
TEST(Hints, AnErrorHasNone) {
  EXPECT_EQ(hints(hint("no-store") + hint("store") + hint("no-copy"), "error"), Hints{});
}

}  // namespace
}  // namespace balcony
