#include <balcony/element.h>

#include <gtest/gtest.h>

namespace balcony::xml {
namespace {

std::vector<std::string> names(ChildRange range) {
  std::vector<std::string> result;
  for (const ElementView child : range) result.emplace_back(child.name());
  return result;
}

Element sample() {
  Element query("urn:q", "query");
  query.set("a", "1").set("b", "2");
  query.append_text("one");
  query.append("item").set("jid", "x");
  query.append_text("two");
  query.append("urn:other", "item");
  query.append("item").append("deep").append_text("down");
  return query;
}

TEST(ElementView, NullHasNothing) {
  const ElementView null;
  EXPECT_FALSE(null);
  EXPECT_EQ(null.name(), "");
  EXPECT_EQ(null.ns(), "");
  EXPECT_EQ(null.attr("a"), "");
  EXPECT_FALSE(null.has_attr("a"));
  EXPECT_EQ(null.find_attr("a"), std::nullopt);
  EXPECT_EQ(null.text(), "");
  EXPECT_FALSE(null.child("a", "b").child("c", "d"));
  EXPECT_FALSE(null.parent());
  EXPECT_FALSE(null.next_sibling());
  EXPECT_EQ(null.lang(), "");
  EXPECT_TRUE(names(null.children()).empty());
  EXPECT_FALSE(null.clone());
}

TEST(ElementView, FindsChildrenAndText) {
  const Element query = sample();
  EXPECT_EQ(query.text(), "onetwo");
  EXPECT_EQ(query.view().child("item").attr("jid"), "x");
  EXPECT_TRUE(query.child("urn:other", "item"));
  EXPECT_FALSE(query.child("urn:q", "none"));
  EXPECT_EQ(names(query.children()), (std::vector<std::string>{"item", "item", "item"}));
  EXPECT_EQ(names(query.children("urn:q", "item")).size(), 2U);
  EXPECT_EQ(names(query.children("urn:other", "item")).size(), 1U);
  EXPECT_TRUE(query.view().has_children());
  EXPECT_EQ(query.first_child().next_sibling().ns(), "urn:other");
  EXPECT_EQ(query.first_child().parent(), query.view());
}

TEST(ElementView, LanguageIsInherited) {
  Element a("urn:q", "a");
  a.set(kXmlNs, "lang", "de");
  const ElementRef b = a.append("b");
  ElementRef c = a.append("c");
  c.set(kXmlNs, "lang", "");
  EXPECT_EQ(b.lang(), "de");
  EXPECT_EQ(c.append("d").lang(), "");
  Element sets_plain_lang("urn:q", "a");
  sets_plain_lang.set("lang", "fr");
  EXPECT_EQ(sets_plain_lang.view().lang(), "");
}

TEST(ElementRef, SetsReplacesAndRemovesAttributes) {
  Element a("urn:q", "a");
  a.set("x", "1").set("urn:n", "x", "2").set("x", "3");
  EXPECT_EQ(a.attr("x"), "3");
  EXPECT_EQ(a.view().attr("urn:n", "x"), "2");
  a.remove_attr("x");
  EXPECT_FALSE(a.has_attr("x"));
  EXPECT_EQ(a.view().attr("urn:n", "x"), "2");
  a.set("e", "");
  EXPECT_EQ(a.view().find_attr("e"), "");
}

TEST(ElementRef, CopiesWhatItIsGiven) {
  Element a;
  {
    std::string text = "a text that is too long for a short string";
    a = Element(text, text);
    a.set(text, text).append_text(text);
    text.assign(text.size(), '!');
  }
  EXPECT_EQ(a.name(), "a text that is too long for a short string");
  EXPECT_EQ(a.text(), a.name());
  EXPECT_EQ(a.attr(a.name()), a.ns());
}

TEST(ElementRef, RemovesChildren) {
  Element query = sample();
  EXPECT_EQ(query.ref().remove_children("urn:q", "item"), 2U);
  EXPECT_EQ(query.text(), "onetwo");
  EXPECT_EQ(names(query.children()).size(), 1U);
  query.append("last");
  EXPECT_EQ(names(query.children()), (std::vector<std::string>{"item", "last"}));
  query.ref().remove_child(query.view().child("last"));
  query.append("again");
  EXPECT_EQ(names(query.children()), (std::vector<std::string>{"item", "again"}));
  query.ref().clear_children();
  EXPECT_EQ(query.text(), "");
  query.append("new");
  EXPECT_EQ(names(query.children()), std::vector<std::string>{"new"});
}

TEST(ElementRef, AppendsOtherTrees) {
  Element a("urn:a", "a");
  Element b = sample();
  const ElementView inside = b.first_child();
  a.append(std::move(b));
  EXPECT_FALSE(b);
  EXPECT_EQ(inside.parent().parent(), a.view());
  a.append(Element{});
  a.append_copy(a);  // a copy of itself as it was
  a.append_copy(ElementView{});
  EXPECT_EQ(names(a.children()), (std::vector<std::string>{"query", "a"}));
  EXPECT_TRUE(same_tree(a.first_child(), a.child("urn:a", "a").first_child()));
}

TEST(Element, CloneStandsAlone) {
  Element copy;
  {
    const Element query = sample();
    copy = query.clone();
    EXPECT_TRUE(same_tree(query, copy));
    const Element part = query.child("urn:q", "item").next_sibling().next_sibling().clone();
    EXPECT_FALSE(part.view().parent());
    EXPECT_EQ(part.view().child("deep").text(), "down");
  }
  EXPECT_TRUE(same_tree(copy, sample()));
}

TEST(Element, MovesLeaveNothing) {
  Element a = sample();
  Element b = std::move(a);
  EXPECT_FALSE(a);
  EXPECT_TRUE(same_tree(b, sample()));
  a = std::move(b);
  EXPECT_TRUE(same_tree(a, sample()));
}

TEST(SameTree, TellsDifferences) {
  const auto differs = [](auto change) {
    Element a = sample();
    change(a);
    return !same_tree(a, sample()) && !same_tree(sample(), a);
  };
  EXPECT_FALSE(differs([](Element&) {}));
  EXPECT_TRUE(differs([](Element& a) { a.set("a", "2"); }));
  EXPECT_TRUE(differs([](Element& a) { a.set("c", "3"); }));
  EXPECT_TRUE(differs([](Element& a) { a.remove_attr("b"); }));
  EXPECT_TRUE(differs([](Element& a) { a.append_text("x"); }));
  EXPECT_TRUE(differs([](Element& a) { a.append("x"); }));
  EXPECT_TRUE(differs([](Element& a) { a.ref().remove_children("urn:other", "item"); }));
  EXPECT_FALSE(differs([](Element& a) { a.append_text(""); }));

  Element one("urn:q", "a");
  one.set("x", "1").set("y", "2").append_text("ab");
  Element two("urn:q", "a");
  two.set("y", "2").set("x", "1").append_text("a").append_text("b");
  EXPECT_TRUE(same_tree(one, two));
  EXPECT_TRUE(same_tree({}, {}));
  EXPECT_FALSE(same_tree(one, {}));
}

TEST(Arena, HoldsMoreThanAChunk) {
  Element a("urn:q", "a");
  const std::string big(100'000, 'x');
  for (int i = 0; i < 100; ++i) a.append("b").append_text(i % 10 == 0 ? big : "small");
  std::size_t total = 0;
  for (const ElementView child : a.children()) total += child.text().size();
  EXPECT_EQ(total, 10 * big.size() + 90 * 5);
  EXPECT_GE(a.bytes_held(), total);
  EXPECT_LT(a.bytes_held(), 3 * total);
}

TEST(Arena, AdoptsFromAnEmptyOne) {
  Arena a;
  Arena b;
  a.adopt(std::move(b));
  const std::string_view kept = a.copy("kept");
  Arena c;
  c.adopt(std::move(a));
  EXPECT_EQ(kept, "kept");
  EXPECT_EQ(c.copy("more"), "more");
}

}  // namespace
}  // namespace balcony::xml
