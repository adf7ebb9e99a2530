// XEP-0153 §3.1 and §4.1, with the rules of XEP-0398 §4.
#include "modules/modules.h"
#include "modules/testing/dialogue.h"

#include <gtest/gtest.h>

#include <string>

namespace balcony::modules {
namespace {

using testing::TestClient;
using testing::World;

// SHA-1 of "image" and of "other".
constexpr std::string_view kImage = "0e76292794888d4f1fa75fb3aff4ca27c58f56a6";
constexpr std::string_view kOther = "d0941e68da8f38151ff86a61fc59f7c5cf9fcaa2";

class AvatarTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  World world{{&rfc_6121_roster, &rfc_6121_presence, &xep_0054_vcard, &xep_0153_vcard_avatar},
              GetParam()};
  TestClient& juliet = world.login("juliet@localhost/balcony");

  void photo(const std::string& base64) {
    juliet.send("<iq type='set' id='v'><vCard xmlns='vcard-temp'><FN>J</FN><PHOTO><BINVAL>" +
                base64 + "</BINVAL></PHOTO></vCard></iq>");
  }
  // The photo of the last presence that came back; "-" when it says nothing.
  std::string told(std::string_view send = "") {
    if (!send.empty()) {
      juliet.clear();
      juliet.send(send);
    }
    std::string last = "none";
    while (juliet.waiting() > 0) {
      const xml::Element got = juliet.received_element();
      if (got.name() != "presence") continue;
      const xml::ElementView x = got.child("vcard-temp:x:update", "x");
      last = !x ? "-" : !x.child("photo") ? "?" : x.child("photo").text();
    }
    return last;
  }
  static std::string with(std::string_view photo) {
    return "<presence><x xmlns='vcard-temp:x:update'>" + std::string(photo) + "</x></presence>";
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, AvatarTest, ::testing::Values(1, 2));

TEST_P(AvatarTest, WithoutAPhotoNothingIsSaid) {
  EXPECT_EQ(told("<presence/>"), "-");
  EXPECT_EQ(told(with("<photo>abc</photo>")), "abc");
  photo("");
  EXPECT_EQ(told(), "none");
  photo("no base64!");
  EXPECT_EQ(told(), "none");
}

TEST_P(AvatarTest, ThePhotoIsTold) {
  photo("aW1h\n Z2U=");
  EXPECT_EQ(told("<presence/>"), kImage);
  EXPECT_EQ(told(with("")), kImage);
  EXPECT_EQ(told(with("<photo>abc</photo>")), kImage);
  EXPECT_EQ(told(with("<photo/>")), "");  // §4.1 rule 3: the client's word
}

TEST_P(AvatarTest, AChangeIsToldAtOnce) {
  juliet.send("<presence><priority>5</priority><show>away</show></presence>");
  juliet.clear();
  photo("aW1hZ2U=");
  EXPECT_EQ(told(), kImage);
  photo("aW1hZ2U=");
  EXPECT_EQ(told(), "none");  // no news
  photo("b3RoZXI=");
  EXPECT_EQ(told(), kOther);
  EXPECT_NE(juliet.resource().presence.find("<show>away</show>"), std::string::npos);
  EXPECT_EQ(juliet.resource().priority, 5);
  photo("");
  EXPECT_EQ(told(), "");
  photo("aW1hZ2U=");
  EXPECT_EQ(told(), kImage);
}

TEST_P(AvatarTest, WhoShowsNoImageIsLeftAlone) {
  EXPECT_EQ(told(with("<photo/>")), "");
  photo("aW1hZ2U=");
  EXPECT_EQ(told(), "none");
  EXPECT_EQ(told("<presence/>"), kImage);
}

TEST_P(AvatarTest, DirectedPresence) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  photo("aW1hZ2U=");
  juliet.send("<presence to='romeo@localhost/orchard'/>");
  EXPECT_NE(romeo.received().find(kImage), std::string::npos);
  juliet.send("<presence to='romeo@localhost/orchard' type='unavailable'/>");
  EXPECT_EQ(romeo.received().find(kImage), std::string::npos);
}

TEST_P(AvatarTest, IsKept) {
  photo("aW1hZ2U=");
  juliet.disconnect();
  world.router_of("juliet@localhost").users().forget("juliet@localhost");
  TestClient& again = world.login("juliet@localhost/balcony");
  again.send("<presence/>");
  EXPECT_NE(again.received().find(kImage), std::string::npos);
}

TEST_P(AvatarTest, AFailedCommitTellsNothing) {
  juliet.send("<presence/>");
  juliet.clear();
  world.fail_commits = Error(Errc::kIo);
  photo("aW1hZ2U=");
  EXPECT_EQ(told(), "none");
  world.fail_commits.reset();
  EXPECT_EQ(told("<presence/>"), "-");
}

}  // namespace
}  // namespace balcony::modules
