#include "router/iq.h"

#include <gtest/gtest.h>

namespace balcony::router {
namespace {

IqTable::Entry entry(Target target, Access access = Access::kOwner) {
  return {target, access, IqHandler([](const IqRequest&) -> IqReply { return IqAnswer{}; })};
}

TEST(IqTable, ServerAndAccountsMayHaveAHandlerEach) {
  IqTable table;
  table.add(false, {"ns", "query"}, entry(Target::kServer, Access::kAnyone));
  table.add(false, {"ns", "query"}, entry(Target::kAccount, Access::kSubscribers));
  EXPECT_EQ(table.find(false, {"ns", "query"}, Target::kServer)->access, Access::kAnyone);
  EXPECT_EQ(table.find(false, {"ns", "query"}, Target::kAccount)->access, Access::kSubscribers);
  EXPECT_EQ(table.find(true, {"ns", "query"}, Target::kServer), nullptr);
}

TEST(IqTable, OneHandlerMayServeBoth) {
  IqTable table;
  table.add(true, {"ns", "ping"}, entry(Target::kServerAndAccount));
  EXPECT_NE(table.find(true, {"ns", "ping"}, Target::kServer), nullptr);
  EXPECT_NE(table.find(true, {"ns", "ping"}, Target::kAccount), nullptr);
  EXPECT_EQ(table.find(true, {"other", "ping"}, Target::kServer), nullptr);
}

TEST(IqTableDeathTest, TwoAnswersToTheSameRequestAreOurBug) {
  IqTable table;
  table.add(false, {"ns", "query"}, entry(Target::kServerAndAccount));
  EXPECT_DEATH(table.add(false, {"ns", "query"}, entry(Target::kServer)), "two modules");
}

}  // namespace
}  // namespace balcony::router
