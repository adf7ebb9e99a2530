#include "stanza/stanza.h"

#include "xml/parser.h"
#include "xml/writer.h"

#include <gtest/gtest.h>

namespace balcony {
namespace {

Stanza read(std::string_view text) {
  auto element = xml::parse(text);
  EXPECT_TRUE(element) << text;
  auto stanza = Stanza::make(*element);
  EXPECT_TRUE(stanza) << text;
  return *std::move(stanza);
}

TEST(Stanza, AHeadCanBeAnsweredAndHoldsNothingElse) {
  Stanza stanza = read(
      "<message xmlns='jabber:client' from='romeo@montague.example/orchard' id='m1' type='chat'"
      " to='juliet@capulet.example' xml:lang='en'><body>Art thou not Romeo?</body></message>");
  stanza.set_receipt(std::make_shared<Receipt>());
  const Stanza head = stanza.head();
  EXPECT_EQ(head.receipt(), stanza.receipt());
  EXPECT_EQ(head.from(), stanza.from());
  EXPECT_EQ(head.to(), stanza.to());
  EXPECT_EQ(head.type(), StanzaType::kChat);
  EXPECT_TRUE(xml::same_tree(
      head.xml(), read("<message xmlns='jabber:client' from='romeo@montague.example/orchard'"
                       " id='m1' type='chat' to='juliet@capulet.example' xml:lang='en'/>")
                      .xml()));
}

TEST(Stanza, ACloneHasEverything) {
  Stanza stanza = read("<message xmlns='jabber:client'><body>Ay me!</body></message>");
  stanza.set_receipt(std::make_shared<Receipt>());
  stanza.set_kept();
  const Stanza clone = stanza.clone();
  EXPECT_EQ(clone.receipt(), stanza.receipt());
  EXPECT_TRUE(clone.is_kept());
  EXPECT_TRUE(xml::same_tree(clone.xml(), stanza.xml()));
}

}  // namespace
}  // namespace balcony
