#include "stream/dialback.h"

#include "stanza/ns.h"
#include "xml/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace balcony::stream {
namespace {

using Kind = Dialback::Kind;
using Type = Dialback::Type;

// As it comes from a stream between servers.
Result<Dialback> read(std::string_view text) {
  const std::vector<xml::StreamHeader::Declaration> declarations = {
      {"db", std::string(ns::kDialback)}};
  xml::Scope scope;
  scope.default_ns = scope.content_ns = ns::kServer;
  scope.declarations = &declarations;
  BALCONY_ASSIGN(const xml::Element element, xml::parse(text, scope, {}));
  return read_dialback(element);
}

// XEP-0185 §4.
TEST(Dialback, KeysAreThoseOfTheSpecification) {
  EXPECT_EQ(dialback_key("s3cr3tf0rd14lb4ck", {"example.org", "xmpp.example.com"}, "D60000229F"),
            "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643");
  // XEP-0220 §2.1.1, §2.2.2.
  EXPECT_EQ(
      dialback_key("s3cr3tf0rd14lb4ck", {"capulet.example", "montague.example"}, "D60000229F"),
      "b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3");
}

TEST(Dialback, OurKeysAreKnownAgain) {
  const DomainPair pair{"capulet.example", "montague.example"};
  Dialback verify;
  verify.kind = Kind::kVerify;
  verify.addresses = reversed(pair);  // from the receiving server
  verify.id = "417GAF25";
  verify.key = dialback_key("secret", pair, "417GAF25");
  EXPECT_TRUE(is_our_key("secret", verify));
  EXPECT_FALSE(is_our_key("another", verify));
  verify.id = "417GAF26";
  EXPECT_FALSE(is_our_key("secret", verify));
  verify.id = "417GAF25";
  verify.addresses.from = "evil.example";
  EXPECT_FALSE(is_our_key("secret", verify));
  verify.addresses = pair;
  EXPECT_FALSE(is_our_key("secret", verify)) << "the other direction";
}

// XEP-0185 §3: fields cannot run into each other.
TEST(Dialback, KeysKeepFieldsApart) {
  EXPECT_NE(dialback_key("s", {"rm.example.org", "example.info"}, "1"),
            dialback_key("s", {"form.example.org", "example.in"}, "1"));
}

TEST(Dialback, ElementsAreReadAndWritten) {
  struct Case {
    const char* xml;
    Dialback value;
  };
  const DomainPair kPair{"capulet.example", "montague.example"};
  const Case kCases[] = {
      {"<db:result from='capulet.example' to='montague.example'>k3y</db:result>",
       {Kind::kResult, Type::kRequest, kPair, "", "k3y", {}}},
      {"<db:result from='capulet.example' to='montague.example' type='valid'/>",
       {Kind::kResult, Type::kValid, kPair, "", "", {}}},
      {"<db:result from='capulet.example' to='montague.example' type='invalid'/>",
       {Kind::kResult, Type::kInvalid, kPair, "", "", {}}},
      {"<db:verify from='capulet.example' to='montague.example' id='417GAF25'>k3y</db:verify>",
       {Kind::kVerify, Type::kRequest, kPair, "417GAF25", "k3y", {}}},
      {"<db:verify from='capulet.example' to='montague.example' id='417GAF25' type='valid'/>",
       {Kind::kVerify, Type::kValid, kPair, "417GAF25", "", {}}},
      {"<db:result from='capulet.example' to='montague.example' type='error'><error type='cancel'>"
       "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>",
       {Kind::kResult, Type::kError, kPair, "", "", Errc::kItemNotFound}},
      {"<db:verify from='capulet.example' to='montague.example' id='1' type='error'>"
       "<error type='wait'><remote-server-timeout xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
       "</error></db:verify>",
       {Kind::kVerify, Type::kError, kPair, "1", "", Errc::kRemoteServerTimeout}},
  };
  for (const Case& c : kCases) {
    const auto got = read(c.xml);
    ASSERT_TRUE(got) << c.xml << got.error().to_string();
    EXPECT_EQ(got->kind, c.value.kind) << c.xml;
    EXPECT_EQ(got->type, c.value.type) << c.xml;
    EXPECT_EQ(got->addresses, kPair) << c.xml;
    EXPECT_EQ(got->id, c.value.id) << c.xml;
    EXPECT_EQ(got->key, c.value.key) << c.xml;
    if (got->type == Type::kError) {
      EXPECT_EQ(got->condition, c.value.condition) << c.xml;
    }
    EXPECT_EQ(write_dialback(c.value), c.xml);
  }
}

TEST(Dialback, ReadsWhatOthersWrite) {
  // Addresses are prepared, the key stands on a line of its own.
  const auto got = read(
      "<db:result from='Capulet.EXAMPLE' to='montague.example'>\n  k3y\n"
      "</db:result>");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->addresses.from, "capulet.example");
  EXPECT_EQ(got->key, "k3y");
  // Another prefix, and an error in the namespace of dialback.
  const auto error = read(
      "<x:result xmlns:x='jabber:server:dialback' from='a.example' to='b.example' "
      "type='error'><x:error type='auth'>"
      "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></x:error></x:result>");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->condition, Errc::kForbidden);
  // An error that says nothing.
  EXPECT_EQ(read("<db:result from='a.example' to='b.example' type='error'/>")->condition,
            Errc::kUndefinedCondition);
}

TEST(Dialback, RefusesWhatIsNone) {
  const std::string long_key(1025, 'k');
  const std::pair<std::string, Errc> kCases[] = {
      {"<db:result to='b.example'>k</db:result>", Errc::kJidMalformed},
      {"<db:result from='a.example'>k</db:result>", Errc::kJidMalformed},
      {"<db:result from='a@a.example' to='b.example'>k</db:result>", Errc::kJidMalformed},
      {"<db:result from='a.example/r' to='b.example'>k</db:result>", Errc::kJidMalformed},
      {"<db:result from='' to='b.example'>k</db:result>", Errc::kJidMalformed},
      {"<db:result from='a.example' to='b.example'/>", Errc::kMalformed},
      {"<db:result from='a.example' to='b.example'> </db:result>", Errc::kMalformed},
      {"<db:result from='a.example' to='b.example'>" + long_key + "</db:result>", Errc::kMalformed},
      {"<db:result from='a.example' to='b.example' type='maybe'/>", Errc::kMalformed},
      {"<db:result from='a.example' to='b.example' type=''>k</db:result>", Errc::kMalformed},
      {"<db:verify from='a.example' to='b.example'>k</db:verify>", Errc::kMalformed},
      {"<db:verify from='a.example' to='b.example' id=''>k</db:verify>", Errc::kMalformed},
      {"<db:other from='a.example' to='b.example'>k</db:other>", Errc::kMalformed},
      {"<result from='a.example' to='b.example'>k</result>", Errc::kMalformed},
  };
  for (const auto& [xml, code] : kCases) {
    const auto got = read(xml);
    ASSERT_FALSE(got) << xml;
    EXPECT_EQ(got.error().code, code) << xml;
  }
}

TEST(Dialback, WhatIsWrittenIsEscaped) {
  Dialback request;
  request.addresses = {"a.example", "b.example"};
  request.key = "<&>";
  EXPECT_EQ(write_dialback(request),
            "<db:result from='a.example' to='b.example'>&lt;&amp;&gt;</db:result>");
}

// XEP-0220 §2.5.
TEST(Dialback, AnswersWhereThereWasNone) {
  EXPECT_EQ(no_answer_to_key(Error(Errc::kNotFound)).code, Errc::kRemoteServerNotFound);
  for (const Errc code : {Errc::kTimeout, Errc::kConnect, Errc::kTls, Errc::kClosed, Errc::kIo}) {
    EXPECT_EQ(no_answer_to_key(Error(code)).code, Errc::kRemoteServerTimeout);
  }
  EXPECT_EQ(no_answer_to_key(Error(Errc::kForbidden)).code, Errc::kForbidden);
}

TEST(Dialback, TheFeature) {
  xml::Element features(ns::kStream, "features");
  EXPECT_FALSE(has_dialback_errors(features));
  features.append(ns::kDialbackFeature, "dialback");
  EXPECT_FALSE(has_dialback_errors(features));
  xml::Element with(ns::kStream, "features");
  append_dialback_feature(with.ref());
  EXPECT_TRUE(has_dialback_errors(with));
}

}  // namespace
}  // namespace balcony::stream
