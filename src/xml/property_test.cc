// Properties over random trees and random bytes: what is written is read again, by us and by Expat;
// Expat and we take and refuse the same.
#include "xml/expat_tree.h"
#include "xml/parser.h"
#include "xml/splitter.h"
#include "xml/writer.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace balcony::xml {
namespace {

const std::vector<std::string> kNames = {"a", "body", "x-y", "_", "é", "a.1"};
const std::vector<std::string> kSpaces = {
    std::string(kClientNs), std::string(kStreamNs), "", "urn:a", "urn:b'\"<&>", "jabber:server"};

std::string text() {
  const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
      "a", " ", "\t", "\n", "\r", "\r\n", "<", ">", "&", "'", "\"", "]]>", "]", "&amp;", "\u00e9",
      "\u20ac", "\U0001F600", "\uFFFD", "0123456789abcdef"));
  std::string joined;
  for (const std::string& piece : pieces) joined += piece;
  return joined;
}

std::string pick(const std::vector<std::string>& from) {
  return *rc::gen::elementOf(from);
}

Element random_tree() {
  Element tree(pick(kSpaces), pick(kNames));
  std::vector<ElementRef> path{tree.ref()};
  const int steps = *rc::gen::inRange(0, 40);
  for (int i = 0; i < steps; ++i) {
    switch (*rc::gen::inRange(0, 5)) {
      case 0: path.push_back(path.back().append(pick(kSpaces), pick(kNames))); break;
      case 1:
        if (path.size() > 1) path.pop_back();
        break;
      case 2: path.back().append_text(text()); break;
      case 3: path.back().set(pick(kNames), text()); break;
      case 4:
        path.back().set(*rc::gen::element<std::string>(std::string(kXmlNs), "urn:a", "urn:'&<"),
                        pick(kNames), text());
        break;
    }
  }
  return tree;
}

TEST(Property, WrittenAndParsedIsTheSameTree) {
  EXPECT_TRUE(rc::check([] {
    const Element tree = random_tree();
    const auto again = parse(to_string(tree));
    RC_ASSERT(again.has_value());
    RC_ASSERT(same_tree(tree, *again));
    RC_ASSERT(same_tree(tree, tree.clone()));
    RC_ASSERT(to_string(*again) == to_string(tree));
  }));
}

TEST(Property, ExpatReadsTheSameTree) {
  EXPECT_TRUE(rc::check([] {
    const Element tree = random_tree();
    const ExpatTree expat(to_string(tree));
    RC_ASSERT(expat.well_formed());
    RC_ASSERT(same_tree(tree, expat.tree()));
  }));
}

// Whether an element of the tree is in that namespace.
bool names_namespace(ElementView root, std::string_view ns) {
  std::vector<ElementView> open{root};
  while (!open.empty()) {
    const ElementView at = open.back();
    open.pop_back();
    if (at.ns() == ns) return true;
    for (const ElementView child : at.children()) open.push_back(child);
  }
  return false;
}

TEST(Property, InAStreamItIsTheSameTree) {
  EXPECT_TRUE(rc::check([] {
    const Element tree = random_tree();
    RC_PRE(!names_namespace(tree, "jabber:server"));
    const auto header = parse_stream_header(
        "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>",
        {});
    // On such a stream the wire's name for the content namespace and ours cannot be told apart in a
    // tree that holds both: that is why the stream's own name is left out here.
    std::string wire;
    write(wire, tree, {.scope_ns = "jabber:server", .content_ns = "jabber:server"});
    const auto again = parse(wire, scope_of(*header), {.stanza_bytes_max = 1 << 20});
    RC_ASSERT(again.has_value());
    std::string second;
    write(second, *again, {.scope_ns = "jabber:server", .content_ns = "jabber:server"});
    RC_ASSERT(second == wire);
  }));
}

TEST(Property, SplitterFindsWhatWasWritten) {
  EXPECT_TRUE(rc::check([] {
    std::string stream = "<stream:stream xmlns='jabber:client'>";
    std::vector<std::string> stanzas;
    for (int i = *rc::gen::inRange(1, 5); i > 0; --i) {
      stanzas.emplace_back();
      write(stanzas.back(), random_tree());
      stream += stanzas.back();
    }
    Splitter splitter(Limits{.stanza_bytes_max = 1 << 20});
    std::vector<std::string> found;
    for (std::string_view left = stream; !left.empty();) {
      const std::string read(left.substr(0, *rc::gen::inRange<std::size_t>(1, 300)));
      left.remove_prefix(read.size());
      splitter.feed(read);
      for (auto event = splitter.next();; event = splitter.next()) {
        RC_ASSERT(event.has_value());
        if (event->kind == SplitKind::kNeedMore) break;
        if (event->kind == SplitKind::kStanza) found.emplace_back(event->bytes);
      }
    }
    RC_ASSERT(found == stanzas);
  }));
}

// Expat's names are of XML 1.0's fourth edition, ours of the fifth; so only ASCII names here.
TEST(Property, ExpatTakesAndRefusesTheSame) {
  static const std::vector<std::string> kPieces = {"<a",
                                                   "<p:a",
                                                   ">",
                                                   "/>",
                                                   "</a>",
                                                   "</p:a>",
                                                   " ",
                                                   " b='1'",
                                                   " p:b='2'",
                                                   " c=\"&lt;\"",
                                                   " xmlns='urn:x'",
                                                   " xmlns=''",
                                                   " xmlns:p='urn:p'",
                                                   " xmlns:p=''",
                                                   " xmlns:q='urn:p'",
                                                   " q:b='3'",
                                                   " xml:lang='de'",
                                                   "text",
                                                   "&amp;",
                                                   "&#x41;",
                                                   "&#0;",
                                                   "&foo;",
                                                   "]]>",
                                                   "]]",
                                                   "<![CDATA[",
                                                   "\r\n",
                                                   "\xC3\xA9",
                                                   "\xFF",
                                                   "\xEF\xBF\xBF",
                                                   "<!--c-->",
                                                   "<?pi?>",
                                                   "<",
                                                   "&",
                                                   "'",
                                                   "<b>",
                                                   "</b>",
                                                   "<b/>",
                                                   "\x01",
                                                   "\t"};
  // What may stand between two tags, so that half of the documents are taken.
  static const std::vector<std::string> kContent = {
      "text", "&amp;", "&#x41;", "\r\n", "\xC3\xA9", "<b/>", "<b c='1'>\t</b>", "<![CDATA[<&]]>"};
  int taken = 0;
  const auto compare = [&taken] {
    const bool is_whole = *rc::gen::arbitrary<bool>();
    std::string bytes =
        is_whole ? "<a>" : *rc::gen::element<std::string>("<a>", "<a", "<p:a xmlns:p='urn:p'>");
    const auto pieces = *rc::gen::container<std::vector<std::string>>(
        rc::gen::elementOf(is_whole ? kContent : kPieces));
    for (const std::string& piece : pieces) bytes += piece;
    bytes += is_whole ? "</a>" : *rc::gen::element<std::string>("</a>", "</p:a>", "/>", "");
    const ExpatTree expat(bytes);
    const auto ours = parse(bytes);
    Splitter splitter(Limits{}, Framing::kElement);
    splitter.feed(bytes);
    const auto event = splitter.next();
    if (ours) {
      ++taken;
      RC_ASSERT(expat.well_formed() && !expat.restricted());
      RC_ASSERT(same_tree(*ours, expat.tree()));
      RC_ASSERT(event.has_value());
      RC_ASSERT(event->bytes == bytes);
    } else {
      RC_ASSERT(!expat.well_formed() || expat.restricted());
    }
  };
  EXPECT_TRUE(rc::check(compare));
  EXPECT_GT(taken, 0);
}

}  // namespace
}  // namespace balcony::xml
