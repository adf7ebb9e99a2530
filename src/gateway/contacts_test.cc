#include "gateway/contacts.h"

#include <gmock/gmock.h>

namespace balcony::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(Contacts, AreAddedOnceAndBounded) {
  const auto database = Database::open(":memory:").value();
  Contacts contacts = Contacts::open(*database, 2).value();
  EXPECT_FALSE(contacts.has_any("romeo@m.example"));
  EXPECT_TRUE(contacts.add("romeo@m.example", "juliet@c.example"));
  EXPECT_TRUE(contacts.add("romeo@m.example", "juliet@c.example"));
  EXPECT_TRUE(contacts.add("romeo@m.example", "nurse@c.example"));
  EXPECT_EQ(contacts.add("romeo@m.example", "paris@c.example").error().code,
            Errc::kResourceConstraint);
  EXPECT_TRUE(contacts.add("juliet@c.example", "x@y.example"));
  EXPECT_TRUE(contacts.has("romeo@m.example", "juliet@c.example"));
  EXPECT_FALSE(contacts.has("romeo@m.example", "x@y.example"));
  EXPECT_TRUE(contacts.has_any("romeo@m.example"));
  contacts.remove("romeo@m.example", "juliet@c.example");
  EXPECT_FALSE(contacts.has("romeo@m.example", "juliet@c.example"));
  EXPECT_TRUE(contacts.add("romeo@m.example", "paris@c.example")) << "there is room again";
}

TEST(Contacts, AreReadInPages) {
  const auto database = Database::open(":memory:").value();
  Contacts contacts = Contacts::open(*database, 10).value();
  for (const char* user : {"a", "b"}) {
    for (const char* address : {"1", "2"}) ASSERT_TRUE(contacts.add(user, address));
  }
  const auto first = contacts.page({}, 3);
  EXPECT_THAT(first, ElementsAre(Pair("a", "1"), Pair("a", "2"), Pair("b", "1")));
  EXPECT_THAT(contacts.page(first.back(), 3), ElementsAre(Pair("b", "2")));
  EXPECT_THAT(contacts.page({"b", "2"}, 3), IsEmpty());
}

TEST(Database, SaysWhatIsWrong) {
  const auto database = Database::open(":memory:").value();
  EXPECT_EQ(database->run("SELEKT").error().code, Errc::kIo);
  EXPECT_FALSE(Database::open("/no/such/folder/x.sqlite"));
  const auto rows = database->query("SELECT ?, ?", {std::int64_t{7}, std::string("a\0b", 3)});
  ASSERT_TRUE(rows);
  EXPECT_EQ(number(rows->front()[0]), 7);
  EXPECT_EQ(text(rows->front()[1]), std::string("a\0b", 3));
}

}  // namespace
}  // namespace balcony::gateway
