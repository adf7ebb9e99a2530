// XEP-0390 §4.5: the specification's own examples, and what must not be hashed.
#include "modules/caps2.h"

#include "stanza/ns.h"
#include "xml/parser.h"

#include <gtest/gtest.h>

#include <string>

namespace balcony::modules {
namespace {

std::string hash_of(const std::string& content) {
  auto query =
      xml::parse("<query xmlns='http://jabber.org/protocol/disco#info'>" + content + "</query>");
  EXPECT_TRUE(query) << content;
  return caps2_hash(*query).value_or("");
}

// §4.5.1
constexpr const char* kSimple =
    "<identity category='client' name='BombusMod' type='mobile'/>"
    "<feature var='http://jabber.org/protocol/si'/>"
    "<feature var='http://jabber.org/protocol/bytestreams'/>"
    "<feature var='http://jabber.org/protocol/chatstates'/>"
    "<feature var='http://jabber.org/protocol/disco#info'/>"
    "<feature var='http://jabber.org/protocol/disco#items'/>"
    "<feature var='urn:xmpp:ping'/>"
    "<feature var='jabber:iq:time'/>"
    "<feature var='jabber:iq:privacy'/>"
    "<feature var='jabber:iq:version'/>"
    "<feature var='http://jabber.org/protocol/rosterx'/>"
    "<feature var='urn:xmpp:time'/>"
    "<feature var='jabber:x:oob'/>"
    "<feature var='http://jabber.org/protocol/ibb'/>"
    "<feature var='http://jabber.org/protocol/si/profile/file-transfer'/>"
    "<feature var='urn:xmpp:receipts'/>"
    "<feature var='jabber:iq:roster'/>"
    "<feature var='jabber:iq:last'/>";

// §4.5.2
constexpr const char* kComplex =
    "<identity category='client' name='Tkabber' type='pc' xml:lang='en'/>"
    "<identity category='client' name='Ткаббер' type='pc' xml:lang='ru'/>"
    "<feature var='games:board'/>"
    "<feature var='http://jabber.org/protocol/activity'/>"
    "<feature var='http://jabber.org/protocol/activity+notify'/>"
    "<feature var='http://jabber.org/protocol/bytestreams'/>"
    "<feature var='http://jabber.org/protocol/chatstates'/>"
    "<feature var='http://jabber.org/protocol/commands'/>"
    "<feature var='http://jabber.org/protocol/disco#info'/>"
    "<feature var='http://jabber.org/protocol/disco#items'/>"
    "<feature var='http://jabber.org/protocol/evil'/>"
    "<feature var='http://jabber.org/protocol/feature-neg'/>"
    "<feature var='http://jabber.org/protocol/geoloc'/>"
    "<feature var='http://jabber.org/protocol/geoloc+notify'/>"
    "<feature var='http://jabber.org/protocol/ibb'/>"
    "<feature var='http://jabber.org/protocol/iqibb'/>"
    "<feature var='http://jabber.org/protocol/mood'/>"
    "<feature var='http://jabber.org/protocol/mood+notify'/>"
    "<feature var='http://jabber.org/protocol/rosterx'/>"
    "<feature var='http://jabber.org/protocol/si'/>"
    "<feature var='http://jabber.org/protocol/si/profile/file-transfer'/>"
    "<feature var='http://jabber.org/protocol/tune'/>"
    "<feature var='http://www.facebook.com/xmpp/messages'/>"
    "<feature var='http://www.xmpp.org/extensions/xep-0084.html#ns-metadata+notify'/>"
    "<feature var='jabber:iq:avatar'/>"
    "<feature var='jabber:iq:browse'/>"
    "<feature var='jabber:iq:dtcp'/>"
    "<feature var='jabber:iq:filexfer'/>"
    "<feature var='jabber:iq:ibb'/>"
    "<feature var='jabber:iq:inband'/>"
    "<feature var='jabber:iq:jidlink'/>"
    "<feature var='jabber:iq:last'/>"
    "<feature var='jabber:iq:oob'/>"
    "<feature var='jabber:iq:privacy'/>"
    "<feature var='jabber:iq:roster'/>"
    "<feature var='jabber:iq:time'/>"
    "<feature var='jabber:iq:version'/>"
    "<feature var='jabber:x:data'/>"
    "<feature var='jabber:x:event'/>"
    "<feature var='jabber:x:oob'/>"
    "<feature var='urn:xmpp:avatar:metadata+notify'/>"
    "<feature var='urn:xmpp:ping'/>"
    "<feature var='urn:xmpp:receipts'/>"
    "<feature var='urn:xmpp:time'/>"
    "<x xmlns='jabber:x:data' type='result'>"
    "<field type='hidden' var='FORM_TYPE'>"
    "<value>urn:xmpp:dataforms:softwareinfo</value>"
    "</field>"
    "<field var='software'>"
    "<value>Tkabber</value>"
    "</field>"
    "<field var='software_version'>"
    "<value>0.11.1-svn-20111216-mod (Tcl/Tk 8.6b2)</value>"
    "</field>"
    "<field var='os'>"
    "<value>Windows</value>"
    "</field>"
    "<field var='os_version'>"
    "<value>XP</value>"
    "</field>"
    "</x>";

TEST(Caps2, Examples) {
  EXPECT_EQ(hash_of(kSimple), "kzBZbkqJ3ADrj7v08reD1qcWUwNGHaidNUgD7nHpiw8=");
  EXPECT_EQ(hash_of(kComplex), "u79ZroNJbdSWhdSp311mddz44oHHPsEBntQ5b1jqBSY=");
}

TEST(Caps2, OrderDoesNotCountAndBordersDo) {
  const std::string a = "<feature var='a'/>", b = "<feature var='b'/>";
  EXPECT_EQ(hash_of(a + b), hash_of(b + a));
  EXPECT_NE(hash_of(a + b), hash_of("<feature var='ab'/>"));
  EXPECT_NE(hash_of(a), hash_of("<identity category='a' type=''/>"));
}

// §4.1: a language counts, whoever gives it.
TEST(Caps2, TheLanguageIsInherited) {
  const auto outside = xml::parse(
      "<query xmlns='http://jabber.org/protocol/disco#info' xml:lang='en'>"
      "<identity category='server' type='im' name='B'/></query>");
  ASSERT_TRUE(outside);
  EXPECT_EQ(caps2_hash(*outside).value_or(""),
            hash_of("<identity category='server' type='im' name='B' xml:lang='en'/>"));
  EXPECT_NE(caps2_hash(*outside).value_or(""),
            hash_of("<identity category='server' type='im' name='B'/>"));
}

TEST(Caps2, WhatHasNoHash) {
  EXPECT_EQ(hash_of("<other xmlns='urn:example:x'/>"), "");
  EXPECT_EQ(hash_of("<x xmlns='jabber:x:data' type='result'><field var='a'/></x>"), "");
  const std::string type =
      "<field var='FORM_TYPE' type='hidden'><value>urn:example:f</value></field>";
  EXPECT_NE(hash_of("<x xmlns='jabber:x:data' type='result'>" + type + "</x>"), "");
  EXPECT_EQ(hash_of("<x xmlns='jabber:x:data' type='result'>" + type + "<reported/></x>"), "");
  EXPECT_EQ(hash_of("<x xmlns='jabber:x:data' type='result'>" + type + "<item/></x>"), "");
}

TEST(Caps2, Node) {
  EXPECT_EQ(caps2_node("K1Nj"), "urn:xmpp:caps#sha-256.K1Nj");
}

}  // namespace
}  // namespace balcony::modules
