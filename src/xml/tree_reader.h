// Reads the bytes of one element, or of a stream header's start tag, into a tree. What the parser
// is made of; not for others. One thread.
//
// The bytes are copied once into the tree's arena, with zero bytes behind them, which stop every
// loop; names, values and texts are views into that copy, unescaped in place.
#pragma once

#include "xml/bindings.h"
#include "xml/parser.h"
#include "xml/small_stack.h"

namespace balcony::xml {

class TreeReader {
 public:
  // Both outlive the reader.
  TreeReader(const Scope& scope, const Limits& limits)
      : scope_(scope), limits_(limits), bindings_(scope, arena_) {}

  // Reads all of `bytes`, one element.
  Result<Element> read(std::string_view bytes);

  // Reads all of `bytes`, a start tag. Then the element, without children, and the declarations.
  Result<Element> read_start_tag(std::string_view bytes);
  std::string_view default_ns() const { return default_ns_; }
  Bindings& bindings() { return bindings_; }

 private:
  struct Name {
    const char* begin;
    std::uint32_t size;
    std::uint32_t prefix;  // bytes before the colon; 0 without one
    std::string_view text() const { return {begin, size}; }
    std::string_view prefix_text() const { return {begin, prefix}; }
    std::string_view local() const {
      const std::uint32_t skip = prefix == 0 ? 0 : prefix + 1;
      return {begin + skip, size - skip};
    }
  };
  // An element that is open, with what held around it.
  struct Open {
    Node* node;
    Name name;
    std::string_view outer_ns;
    std::uint32_t mark;  // of the bindings
    bool was_content;
  };

  bool load(std::string_view bytes);
  bool error(Errc code, const char* why);
  bool unexpected(const char* why);
  std::unexpected<Error> failure() const;

  bool start_tag(bool& empty);
  bool attributes(Node* node, std::size_t mark);
  bool attribute(Node* node, Attribute**& end, std::size_t mark);
  bool declare(const Name& name, std::string_view ns, std::size_t mark);
  bool resolve(Node* node, const Name& name);
  bool resolve_attributes(Node* node);
  bool is_unique(const Node* node, const Attribute* added);
  bool spend(std::string_view ns);
  bool read_name(Name& name);
  bool high_name_char(bool start);
  bool high_char();
  bool value(std::string_view& result);
  bool content();
  bool markup();
  bool end_tag();
  bool text();
  bool text_piece(char*& out);
  bool cdata(char*& out);
  bool reference(char*& out);
  bool count_node();
  void close();

  const Scope& scope_;
  const Limits& limits_;
  Arena arena_;
  Bindings bindings_;
  SmallStack<Open, 12> open_;
  char* at_ = nullptr;
  char* end_ = nullptr;
  Node* root_ = nullptr;
  std::string_view default_ns_;
  std::size_t nodes_ = 0;
  std::size_t ns_bytes_ = 0;    // what declaring namespaces anew will cost a writer
  bool in_content_ns_ = true;   // all elements from the top to here are in the content namespace
  bool has_default_ = false;    // of the tag under way: it declares the default namespace
  std::uint32_t prefixed_ = 0;  // and so many of its attributes have prefixes
  std::uint64_t attribute_marks_ = 0;
  Errc error_ = Errc::kXmlNotWellFormed;
  const char* why_ = "";
};

}  // namespace balcony::xml
