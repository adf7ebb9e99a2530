#include "server/unsettled.h"

#include "base/manual_loop.h"

#include <gtest/gtest.h>

#include <vector>

namespace balcony::server {
namespace {

TEST(UnsettledWait, TooMuchIsACountOrBytes) {
  ManualLoop loop;
  LimitsConfig limits;
  limits.unsettled_stanzas = 2;
  limits.unsettled_bytes = Bytes{100};
  EXPECT_FALSE(is_too_much_open(nullptr, limits));
  const auto ledger = std::make_shared<Ledger>(loop);
  std::vector<ReceiptPtr> open{ledger->enter(99)};
  EXPECT_FALSE(is_too_much_open(ledger.get(), limits));
  open.push_back(ledger->enter(0));
  EXPECT_TRUE(is_too_much_open(ledger.get(), limits)) << "two";
  open.clear();
  loop.run();
  EXPECT_FALSE(is_too_much_open(ledger.get(), limits));
  open.push_back(ledger->enter(100));
  EXPECT_TRUE(is_too_much_open(ledger.get(), limits)) << "one of 100 bytes";
  ledger->close();
}

TEST(UnsettledWait, GoesOnWhenItIsNotBehindAndNotOnTheWakersStack) {
  ManualLoop loop;
  UnsettledWait unsettled;
  int open = 2;
  bool is_done = false;
  const auto read = [](UnsettledWait& wait, int& left, bool& done) -> Task<> {
    co_await wait.wait([&left] { return left > 0; });
    done = true;
  };
  unsettled.wake(loop);  // nobody waits
  spawn(read(unsettled, open, is_done));
  open = 1;
  unsettled.wake(loop);
  loop.run();
  EXPECT_FALSE(is_done);
  open = 0;
  unsettled.wake(loop);
  unsettled.wake(loop);
  EXPECT_FALSE(is_done);
  loop.run();
  EXPECT_TRUE(is_done);
}

}  // namespace
}  // namespace balcony::server
