#include "app/balcony/jid_explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace balcony::cli {
namespace {

using ::testing::HasSubstr;

std::string explained(std::string_view text) {
  std::string all;
  for (const std::string& line : to_lines(explain_jid(text))) all += line + "\n";
  return all;
}

TEST(JidExplain, ShowsWhatPreparationDid) {
  const std::string lines = explained("\uFF2Auliet@Example.ORG./balcony");
  EXPECT_THAT(lines, HasSubstr("rule 1): \uFF2Auliet \u2192 Juliet"));
  EXPECT_THAT(lines, HasSubstr("rule 3): Juliet \u2192 juliet"));
  EXPECT_THAT(lines, HasSubstr("Example.ORG. \u2192 example.org"));
  EXPECT_THAT(lines, HasSubstr("address: juliet@example.org/balcony\n"));
}

TEST(JidExplain, NamesTheRuleThatIsBroken) {
  const auto explanation = explain_jid("a b@example.org");
  ASSERT_FALSE(explanation.prepared);
  EXPECT_EQ(explanation.prepared.error().code, Errc::kJidLocalForbidden);
  EXPECT_THAT(explained("a b@example.org"), HasSubstr("localpart: a b\n"));
  EXPECT_THAT(explained("a b@example.org"), HasSubstr("  refused\n"));
  EXPECT_THAT(explained("a@b/"), HasSubstr("jid-resource-empty"));
  EXPECT_THAT(explained("@b"), HasSubstr("jid-local-empty"));
  EXPECT_THAT(explained(""), HasSubstr("jid-empty"));
}

TEST(JidExplain, TellsWhatElseThereIs) {
  EXPECT_THAT(explained("b\u00fccher.example"), HasSubstr("xn--bcher-kva.example"));
  EXPECT_THAT(explained("a\\20b@example.org"), HasSubstr("stands for a b"));
  EXPECT_THAT(explained("[::1]"), HasSubstr("not a name"));
}

}  // namespace
}  // namespace balcony::cli
