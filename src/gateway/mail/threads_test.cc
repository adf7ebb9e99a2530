#include "gateway/mail/threads.h"

#include <gtest/gtest.h>

namespace balcony::gateway::mail {
namespace {

ThreadedMail mail(std::string id, std::string user, bool ours = true) {
  ThreadedMail one;
  one.message_id = std::move(id);
  one.user = std::move(user);
  one.address = "juliet@c.example";
  one.thread = "t";
  one.stanza = "s-" + one.message_id;
  one.references = {"a@x", "b@x"};
  one.at = 5;
  one.ours = ours;
  return one;
}

TEST(Threads, AreFoundAgain) {
  const auto database = Database::open(":memory:").value();
  Threads threads = Threads::open(*database, 10).value();
  ASSERT_TRUE(threads.add(mail("1@x", "romeo")));
  ASSERT_TRUE(threads.add(mail("2@x", "romeo", false)));
  const auto found = threads.by_message_id("romeo", "1@x");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->stanza, "s-1@x");
  EXPECT_EQ(found->references.size(), 2U);
  EXPECT_TRUE(found->ours);
  EXPECT_FALSE(threads.by_message_id("mercutio", "1@x")) << "somebody else's mail";
  EXPECT_TRUE(threads.is_ours("1@x"));
  EXPECT_FALSE(threads.is_ours("2@x"));
  EXPECT_EQ(threads.by_stanza("romeo", "juliet@c.example", "s-2@x")->message_id, "2@x");
  EXPECT_EQ(threads.last_in("romeo", "juliet@c.example", "t")->message_id, "2@x");
  EXPECT_EQ(threads.last("romeo", "juliet@c.example")->message_id, "2@x");
  EXPECT_FALSE(threads.last("romeo", "nurse@c.example"));
  EXPECT_TRUE(threads.has_written("romeo", "juliet@c.example"));
}

TEST(Threads, OfOneUserAreBounded) {
  const auto database = Database::open(":memory:").value();
  Threads threads = Threads::open(*database, 10).value();
  ASSERT_TRUE(threads.add(mail("other", "mercutio")));
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(threads.add(mail(std::to_string(i), "romeo")));
  EXPECT_FALSE(threads.by_message_id("romeo", "19"));
  EXPECT_TRUE(threads.by_message_id("romeo", "20"));
  EXPECT_TRUE(threads.by_message_id("mercutio", "other"));
  EXPECT_EQ(number(database->query("SELECT count(*) FROM mail").value().front().front()), 11);
}

}  // namespace
}  // namespace balcony::gateway::mail
