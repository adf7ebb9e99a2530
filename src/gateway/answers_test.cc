#include "gateway/answers.h"

#include "stanza/ns.h"
#include "xml/writer.h"

#include <gmock/gmock.h>

namespace balcony::gateway {
namespace {

using ::testing::HasSubstr;

const About kAbout{"smtp", "E-mail", "Enter an address.", "Address"};

Result<xml::Element> ask(xml::Element payload, std::string_view to, bool is_set = false) {
  xml::Element iq(ns::kClient, "iq");
  iq.append(std::move(payload));
  const AnswerContext context{kAbout,
                              [](const Jid& jid) -> Result<std::string> {
                                if (jid.local() == "good") return std::string("good@c.example");
                                return fail(Errc::kItemNotFound);
                              },
                              [](std::string_view text) -> Result<Jid> {
                                if (text != "good@c.example")
                                  return fail(Errc::kJidMalformed, "no");
                                return Jid::parse("good@mail.example");
                              }};
  const IqRequest request{*Jid::parse("romeo@m.example/x"), is_set, iq.first_child(), iq,
                          *Jid::parse(to)};
  return answer(context, request);
}

std::string said(Result<xml::Element> result) {
  return result ? xml::to_string(*result) : "error " + std::string(to_string(result.error().code));
}

TEST(GatewayAnswers, SayWhatIsThere) {
  const std::string info = said(ask(xml::Element(ns::kDiscoInfo, "query"), "mail.example"));
  EXPECT_THAT(info, HasSubstr("<identity category='gateway' type='smtp' name='E-mail'/>"));
  EXPECT_THAT(info, HasSubstr("var='jabber:iq:gateway'"));
  EXPECT_THAT(said(ask(xml::Element(ns::kDiscoInfo, "query"), "good@mail.example")),
              HasSubstr("category='account' type='registered' name='good@c.example'"));
  EXPECT_EQ(said(ask(xml::Element(ns::kDiscoInfo, "query"), "bad@mail.example")),
            "error item-not-found");
  xml::Element node(ns::kDiscoInfo, "query");
  node.set("node", "x");
  EXPECT_EQ(said(ask(std::move(node), "mail.example")), "error item-not-found");
  EXPECT_EQ(said(ask(xml::Element(ns::kDiscoItems, "query"), "mail.example")),
            "<query xmlns='http://jabber.org/protocol/disco#items'/>");
  EXPECT_EQ(said(ask(xml::Element(ns::kDiscoItems, "query"), "bad@mail.example")),
            "error item-not-found");
}

TEST(GatewayAnswers, CardsAreSmallAndNobodySetsThem) {
  EXPECT_EQ(said(ask(xml::Element(ns::kVcardTemp, "vCard"), "good@mail.example")),
            "<vCard xmlns='vcard-temp'><FN>good@c.example</FN><EMAIL><USERID>good@c.example"
            "</USERID></EMAIL></vCard>");
  EXPECT_THAT(said(ask(xml::Element(ns::kVcardTemp, "vCard"), "mail.example")),
              HasSubstr("<FN>E-mail</FN>"));
  EXPECT_EQ(said(ask(xml::Element(ns::kVcardTemp, "vCard"), "good@mail.example", true)),
            "error not-allowed");
}

TEST(GatewayAnswers, NobodyNeedsToRegister) {
  EXPECT_THAT(said(ask(xml::Element(ns::kRegister, "query"), "mail.example")),
              HasSubstr("<registered/><instructions>No registration is needed"));
  EXPECT_EQ(said(ask(xml::Element(ns::kRegister, "query"), "mail.example", true)),
            "error not-allowed");
  EXPECT_EQ(said(ask(xml::Element(ns::kRegister, "query"), "good@mail.example")),
            "error service-unavailable");
}

TEST(GatewayAnswers, GiveTheJidForAnAddress) {
  EXPECT_EQ(said(ask(xml::Element(kGatewayNs, "query"), "mail.example")),
            "<query xmlns='jabber:iq:gateway'><desc>Enter an address.</desc><prompt>Address"
            "</prompt></query>");
  xml::Element good(kGatewayNs, "query");
  good.append_text_element("prompt", "good@c.example");
  EXPECT_EQ(said(ask(std::move(good), "mail.example", true)),
            "<query xmlns='jabber:iq:gateway'><jid>good@mail.example</jid></query>");
  EXPECT_EQ(said(ask(xml::Element(kGatewayNs, "query"), "mail.example", true)),
            "error not-acceptable");
}

TEST(GatewayOptionsTest, UsersAreThoseOfTheDomainAbove) {
  GatewayOptions options;
  options.domain = "mail.Example.org";
  EXPECT_THAT(served_domains(options).value(), testing::ElementsAre("example.org"));
  options.users = {"a.example", "B.example"};
  EXPECT_THAT(served_domains(options).value(), testing::ElementsAre("a.example", "b.example"));
  options.users = {"a b"};
  EXPECT_FALSE(served_domains(options));
  options.users.clear();
  options.domain = "mail";
  EXPECT_FALSE(served_domains(options));
}

}  // namespace
}  // namespace balcony::gateway
