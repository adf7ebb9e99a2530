// XEP-0054: one's own card, others' cards, and none.
#include "modules/modules.h"
#include "modules/testing/dialogue.h"

#include <gtest/gtest.h>

#include <string>

namespace balcony::modules {
namespace {

using testing::expect_received;
using testing::received_error;
using testing::TestClient;
using testing::World;

std::string card(std::string_view type, std::string_view content, std::string_view to = "") {
  return "<iq type='" + std::string(type) + "' id='v'" + std::string(to) +
         "><vCard xmlns='vcard-temp'>" + std::string(content) + "</vCard></iq>";
}

class VcardTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  World world{{&xep_0054_vcard}, GetParam()};
  TestClient& juliet = world.login("juliet@localhost/balcony");
  TestClient& romeo = world.login("romeo@localhost/orchard");
};
INSTANTIATE_TEST_SUITE_P(Shards, VcardTest, ::testing::Values(1, 2));

TEST_P(VcardTest, SetAndGet) {
  juliet.send(card("get", ""));
  EXPECT_EQ(received_error(juliet), "item-not-found");  // §3.1
  juliet.send(card("set", "<FN>Juliet</FN>"));
  expect_received(juliet, {"<iq type='result' id='v' to='juliet@localhost/balcony'/>"});
  juliet.send(card("get", ""));
  expect_received(juliet, {"<iq type='result' id='v' to='juliet@localhost/balcony'>"
                           "<vCard xmlns='vcard-temp'><FN>Juliet</FN></vCard></iq>"});
  // §3.3: the server answers for her, also a stranger.
  romeo.send(card("get", "", " to='juliet@localhost'"));
  expect_received(romeo, {"<iq type='result' id='v' from='juliet@localhost'"
                          " to='romeo@localhost/orchard'>"
                          "<vCard xmlns='vcard-temp'><FN>Juliet</FN></vCard></iq>"});
  expect_received(juliet, {});
}

// §3.3: the same of somebody without a card and of nobody.
TEST_P(VcardTest, NoCardAndNoAccountAreTheSame) {
  romeo.send(card("get", "", " to='juliet@localhost'"));
  std::string there = romeo.received();
  EXPECT_NE(there.find("<service-unavailable"), std::string::npos) << there;
  romeo.send(card("get", "", " to='tybalt@localhost'"));
  there.replace(there.find("juliet"), 6, "tybalt");
  EXPECT_EQ(romeo.received(), there);
}

TEST_P(VcardTest, NobodyElsesCardIsChanged) {
  romeo.send(card("set", "<FN>Mine</FN>", " to='juliet@localhost'"));
  EXPECT_EQ(received_error(romeo), "service-unavailable");
  juliet.send(card("get", ""));
  EXPECT_EQ(received_error(juliet), "item-not-found");
}

TEST_P(VcardTest, Limit) {
  world.set("vcard", "size_max", std::int64_t{1024});
  juliet.send(card("set", "<PHOTO>" + std::string(1024, 'x') + "</PHOTO>"));
  EXPECT_EQ(received_error(juliet), "not-acceptable");
}

TEST_P(VcardTest, AFailedCommitIsAnError) {
  juliet.send(card("set", "<FN>Old</FN>"));
  juliet.clear();
  world.fail_commits = Error(Errc::kIo);
  juliet.send(card("set", "<FN>New</FN>"));
  EXPECT_EQ(received_error(juliet), "internal-server-error");
  world.fail_commits.reset();
  juliet.send(card("get", ""));
  EXPECT_NE(juliet.received().find("<FN>Old</FN>"), std::string::npos);
}

}  // namespace
}  // namespace balcony::modules
