// XEP-0191 §6: what each kind of item matches.
#include "modules/block_list.h"

#include <gtest/gtest.h>

#include <string>

namespace balcony::modules {
namespace {

Jid jid(const std::string& text) {
  return *Jid::parse(text);
}

TEST(BlockList, WhatMatches) {
  struct Case {
    const char* item;
    const char* address;
    bool matches;
  };
  const Case cases[] = {
      {"romeo@a.example/orchard", "romeo@a.example/orchard", true},
      {"romeo@a.example/orchard", "romeo@a.example/phone", false},
      {"romeo@a.example/orchard", "romeo@a.example", false},
      {"romeo@a.example", "romeo@a.example", true},
      {"romeo@a.example", "romeo@a.example/phone", true},
      {"romeo@a.example", "juliet@a.example", false},
      {"romeo@a.example", "a.example", false},
      {"a.example/bot", "a.example/bot", true},
      {"a.example/bot", "a.example", false},
      {"a.example/bot", "romeo@a.example/bot", false},
      {"a.example", "a.example", true},
      {"a.example", "a.example/bot", true},
      {"a.example", "romeo@a.example", true},
      {"a.example", "romeo@a.example/orchard", true},
      {"a.example", "romeo@b.a.example", false},
      {"a.example", "b.example", false},
  };
  for (const Case& c : cases) {
    BlockList list;
    list.add(jid("somebody@else.example"));
    list.add(jid(c.item));
    EXPECT_EQ(list.blocks(jid(c.address)), c.matches) << c.item << " " << c.address;
    EXPECT_EQ(block_item_matches(jid(c.item), jid(c.address)), c.matches)
        << c.item << " " << c.address;
  }
}

TEST(BlockList, EachItemIsThereOnce) {
  BlockList list;
  EXPECT_FALSE(list.blocks(jid("a.example")));
  EXPECT_TRUE(list.add(jid("b.example")));
  EXPECT_TRUE(list.add(jid("a.example")));
  EXPECT_FALSE(list.add(jid("B.EXAMPLE")));
  EXPECT_EQ(list.items(), (std::vector<Jid>{jid("a.example"), jid("b.example")}));
  EXPECT_TRUE(list.remove(jid("a.example")));
  EXPECT_FALSE(list.remove(jid("a.example")));
  EXPECT_FALSE(list.blocks(jid("a.example")));
  list.clear();
  EXPECT_EQ(list.size(), 0U);
}

}  // namespace
}  // namespace balcony::modules
