// XEP-0115 as the account's service uses it: what is read from capabilities, and what is believed.
#include "modules/xep_0163_pep/caps.h"

#include "modules/disco.h"
#include "modules/testing/pubsub.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace balcony::modules::pep {
namespace {

using Names = std::vector<std::string>;

Interest names(Names all) {
  return std::make_shared<const Names>(std::move(all));
}

TEST(PepCaps, TheNodesStandInTheFeatures) {
  const xml::Element info = testing::interested_info({"z", "a", "a+notify", ""});
  const auto interest = verified_interest(info, caps_hash(info));
  ASSERT_TRUE(interest && *interest);
  EXPECT_EQ(**interest, (Names{"a", "a+notify", "z"}));
  EXPECT_TRUE(wants(*interest, "z"));
  EXPECT_FALSE(wants(*interest, "y"));
  EXPECT_FALSE(wants(nullptr, "z"));
  const xml::Element nothing = testing::interested_info({});
  const auto none = verified_interest(nothing, caps_hash(nothing));
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
}

TEST(PepCaps, WhatIsNotWellFormedOrHasAnotherHashIsNotBelieved) {
  xml::Element info = testing::interested_info({"a"});
  EXPECT_FALSE(verified_interest(info, "qgayPKawpkPSDYmwT/WM94uAlu0="));
  xml::Element twice = testing::interested_info({"a", "a"});
  EXPECT_FALSE(verified_interest(twice, caps_hash(twice)));
  const xml::Element other("urn:x", "query");
  EXPECT_FALSE(verified_interest(other, caps_hash(other)));
}

TEST(PepCaps, OnlyWhatIsNewIsToldAgain) {
  EXPECT_EQ(*added_interest(names({"a"}), names({"a", "b"})), Names{"b"});
  EXPECT_EQ(*added_interest(nullptr, names({"a"})), Names{"a"});
  EXPECT_FALSE(added_interest(names({"a", "b"}), names({"a"})));
  EXPECT_FALSE(added_interest(names({"a"}), nullptr));
}

TEST(PepCaps, PresenceSaysTheHash) {
  const auto read = [](std::string_view c) {
    auto element =
        xml::parse("<presence from='a@b/c'>" + std::string(c) + "</presence>", xml::Scope{});
    return caps_of(*Stanza::make(*element));
  };
  const auto hash =
      read("<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/>");
  ASSERT_TRUE(hash);
  EXPECT_EQ(hash->node, "n");
  EXPECT_EQ(hash->ver, "v");
  EXPECT_FALSE(read(""));
  EXPECT_FALSE(read("<c xmlns='http://jabber.org/protocol/caps' node='n' ver='1.2'/>"));
  EXPECT_FALSE(read("<c xmlns='http://jabber.org/protocol/caps' hash='md5' node='n' ver='v'/>"));
  EXPECT_FALSE(read("<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='" +
                    std::string(300, 'v') + "'/>"));
}

}  // namespace
}  // namespace balcony::modules::pep
