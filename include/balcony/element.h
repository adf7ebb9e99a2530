// An XML element with all that is in it: what travels on an XMPP stream (RFC 6120 §1.5, §11).
//
// Three types:
//   Element      owns a tree. Movable, not copyable (clone() copies). May be empty.
//   ElementRef   a mutable reference into somebody's Element, for building in place.
//   ElementView  a read-only reference. May be null: then it has no name, no attributes, no
//   children,
//                so that `e.child(ns, "a").child(ns, "b").attr("c")` needs no checks between.
//
// Names are expanded (Namespaces in XML §2.1): a namespace and a local name; prefixes exist only on
// the wire. A tree lives in one arena: building it costs a few bump allocations, freeing it one
// list of chunks, and no operation recurses. Views and refs are valid while their Element lives and
// is not assigned to; adding to a tree invalidates nothing. One thread at a time may use a tree.
//
//   xml::Element query("jabber:iq:version", "query");
//   query.append_text_element("name", "Balcony");
//   for (xml::ElementView item : roster.children("jabber:iq:roster", "item"))
//   use(item.attr("jid"));
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace balcony::xml {

// The namespace that the prefix `xml` is bound to, as in xml:lang.
inline constexpr std::string_view kXmlNs = "http://www.w3.org/XML/1998/namespace";
// The content namespace that trees are kept in; streams with another one translate at their edge.
inline constexpr std::string_view kClientNs = "jabber:client";
inline constexpr std::string_view kStreamNs = "http://etherx.jabber.org/streams";

// Bump allocation in a list of chunks. An implementation detail that must be seen to be inlined.
class Arena {
 public:
  Arena() = default;
  Arena(Arena&& other) noexcept : head_(std::exchange(other.head_, nullptr)) {}
  Arena& operator=(Arena&& other) noexcept {
    std::swap(head_, other.head_);
    return *this;
  }
  ~Arena() {
    if (head_) release();
  }

  // Memory for `bytes`, aligned for pointers, not initialised; freed with the arena.
  void* allocate(std::size_t bytes) {
    bytes = (bytes + 7) & ~std::size_t{7};
    if (!head_ || head_->size - head_->used < bytes) grow(bytes);
    char* result = reinterpret_cast<char*>(head_ + 1) + head_->used;
    head_->used += static_cast<std::uint32_t>(bytes);
    return result;
  }
  // Makes room for `bytes` in one piece, so that a tree of known size costs one chunk.
  void reserve(std::size_t bytes) {
    if (!head_ || head_->size - head_->used < bytes) grow(bytes);
  }
  std::string_view copy(std::string_view text);
  // Takes over what `other` holds; pointers into it stay valid.
  void adopt(Arena&& other) noexcept;
  // Bytes held in chunks, used or not.
  std::size_t bytes_held() const noexcept;

 private:
  struct Chunk {
    Chunk* next;
    std::uint32_t size;
    std::uint32_t used;
  };
  void grow(std::size_t bytes);
  void release() noexcept;

  Chunk* head_ = nullptr;
};

struct Attribute {
  std::string_view ns;  // empty for an attribute without prefix
  std::string_view name;
  std::string_view value;
  Attribute* next = nullptr;
};

// A node of the tree: an element or a piece of character data.
struct Node {
  Node* next = nullptr;
  Node* parent = nullptr;
  Node* first = nullptr;
  Node* last = nullptr;
  Attribute* attributes = nullptr;
  std::string_view ns;
  std::string_view name;  // of an element; the characters of a text
  bool is_text = false;
};

class Element;
class ChildRange;

class ElementView {
 public:
  constexpr ElementView() = default;
  constexpr explicit ElementView(const Node* node) : node_(node) {}
  constexpr explicit operator bool() const { return node_ != nullptr; }

  std::string_view ns() const { return node_ ? node_->ns : std::string_view{}; }
  std::string_view name() const { return node_ ? node_->name : std::string_view{}; }
  bool is(std::string_view ns, std::string_view name) const {
    return node_ && node_->name == name && node_->ns == ns;
  }

  // The value of an attribute without namespace; empty when it is missing (has_attr() tells).
  std::string_view attr(std::string_view name) const { return attr({}, name); }
  std::string_view attr(std::string_view ns, std::string_view name) const {
    const Attribute* found = find(ns, name);
    return found ? found->value : std::string_view{};
  }
  bool has_attr(std::string_view name) const { return find({}, name) != nullptr; }
  std::optional<std::string_view> find_attr(std::string_view name) const {
    const Attribute* found = find({}, name);
    return found ? std::optional(found->value) : std::nullopt;
  }
  // xml:lang of this element or of the nearest one above that has it (RFC 6120 §4.7.4).
  std::string_view lang() const;
  const Attribute* first_attribute() const { return node_ ? node_->attributes : nullptr; }

  // The character data directly inside, all pieces joined.
  std::string text() const;
  // The text of the child of that name; empty when there is none.
  std::string child_text(std::string_view ns, std::string_view name) const {
    return child(ns, name).text();
  }

  // The first child element of that name, or null. An empty `ns` means this element's own.
  ElementView child(std::string_view ns, std::string_view name) const;
  ElementView child(std::string_view name) const { return child(ns(), name); }
  // The first child element whatever its name, and the next one after this.
  ElementView first_child() const;
  ElementView next_sibling() const;
  ElementView parent() const { return ElementView(node_ ? node_->parent : nullptr); }
  bool has_children() const { return static_cast<bool>(first_child()); }

  // Child elements: all, or those of one name.
  ChildRange children() const;
  ChildRange children(std::string_view ns, std::string_view name) const;

  // A deep copy that stands on its own.
  Element clone() const;

  // The node itself, for who walks text and elements alike (writers, comparisons).
  const Node* node() const { return node_; }

  // The same element, not the same content.
  friend bool operator==(ElementView, ElementView) = default;

 protected:
  const Attribute* find(std::string_view ns, std::string_view name) const {
    if (!node_) return nullptr;
    for (const Attribute* a = node_->attributes; a; a = a->next) {
      if (a->name == name && a->ns == ns) return a;
    }
    return nullptr;
  }
  const Node* node_ = nullptr;
};

// Whether two trees are the same: names, attributes in any order, text (adjacent pieces joined),
// children in order.
bool same_tree(ElementView a, ElementView b);

class ChildIterator {
 public:
  using value_type = ElementView;
  using difference_type = std::ptrdiff_t;
  using iterator_category = std::forward_iterator_tag;

  ChildIterator() = default;
  ChildIterator(ElementView at, std::string_view ns, std::string_view name)
      : at_(at), ns_(ns), name_(name) {
    skip();
  }
  ElementView operator*() const { return at_; }
  ChildIterator& operator++() {
    at_ = at_.next_sibling();
    skip();
    return *this;
  }
  ChildIterator operator++(int) {
    ChildIterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const ChildIterator& a, const ChildIterator& b) { return a.at_ == b.at_; }

 private:
  void skip() {
    while (!name_.empty() && at_ && !at_.is(ns_, name_)) at_ = at_.next_sibling();
  }
  ElementView at_;
  std::string_view ns_;
  std::string_view name_;
};

class ChildRange {
 public:
  ChildRange(ElementView first, std::string_view ns, std::string_view name)
      : first_(first), ns_(ns), name_(name) {}
  ChildIterator begin() const { return {first_, ns_, name_}; }
  ChildIterator end() const { return {}; }

 private:
  ElementView first_;
  std::string_view ns_;
  std::string_view name_;
};

inline ChildRange ElementView::children() const {
  return {first_child(), {}, {}};
}
inline ChildRange ElementView::children(std::string_view ns, std::string_view name) const {
  return {first_child(), ns, name};
}

// Names, values and texts that are handed in are copied into the tree. They must be UTF-8 of
// characters that XML 1.0 allows: the writer replaces what is not with U+FFFD, so that a stream is
// never broken.
class ElementRef : public ElementView {
 public:
  ElementRef() = default;
  ElementRef(Arena* arena, Node* node) : ElementView(node), arena_(arena) {}

  // Sets or replaces an attribute. Returns *this, to be chained.
  ElementRef set(std::string_view name, std::string_view value) { return set({}, name, value); }
  ElementRef set(std::string_view ns, std::string_view name, std::string_view value);
  ElementRef remove_attr(std::string_view name);

  // Appends a new child element and returns it; without `ns` it is in this element's namespace.
  ElementRef append(std::string_view ns, std::string_view name);
  ElementRef append(std::string_view name) { return append(ns(), name); }
  // Appends `child` with all that is in it, without copying. An empty Element is ignored.
  ElementRef append(Element&& child);
  // Appends a deep copy of `child`. A null view is ignored.
  ElementRef append_copy(ElementView child);
  ElementRef append_text(std::string_view text);
  // Appends <name>text</name> in this element's namespace, or in `ns`. Returns *this.
  ElementRef append_text_element(std::string_view name, std::string_view text) {
    return append_text_element(ns(), name, text);
  }
  ElementRef append_text_element(std::string_view ns, std::string_view name, std::string_view text);
  // Removes every child element of that name. Returns how many there were.
  std::size_t remove_children(std::string_view ns, std::string_view name);
  // The same for those of which `is_unwanted(ElementView)` is true.
  template <class Predicate>
  std::size_t remove_children_if(Predicate is_unwanted) {
    std::size_t removed = 0;
    for (ElementView child = first_child(); child;) {
      const ElementView next = child.next_sibling();
      if (is_unwanted(child)) {
        remove_child(child);
        ++removed;
      }
      child = next;
    }
    return removed;
  }
  // Removes this child of this element.
  void remove_child(ElementView child);
  void clear_children();

 private:
  Node* mutable_node() const { return const_cast<Node*>(node_); }
  void link(Node* child);
  Arena* arena_ = nullptr;
};

class Element {
 public:
  // An empty element: nothing. As the payload of an IQ result: a result without payload.
  Element() = default;
  Element(std::string_view ns, std::string_view name);
  // Adopts a tree that a parser built in `arena`.
  Element(Arena&& arena, Node* root) : arena_(std::move(arena)), root_(root) {}
  Element(Element&& other) noexcept
      : arena_(std::move(other.arena_)), root_(std::exchange(other.root_, nullptr)) {}
  Element& operator=(Element&& other) noexcept {
    std::swap(arena_, other.arena_);
    std::swap(root_, other.root_);
    return *this;
  }

  explicit operator bool() const { return root_ != nullptr; }
  ElementView view() const { return ElementView(root_); }
  operator ElementView() const { return view(); }
  ElementRef ref() { return {&arena_, root_}; }

  // What ElementView and ElementRef offer, said shorter.
  std::string_view ns() const { return view().ns(); }
  std::string_view name() const { return view().name(); }
  bool is(std::string_view ns, std::string_view name) const { return view().is(ns, name); }
  std::string_view attr(std::string_view name) const { return view().attr(name); }
  bool has_attr(std::string_view name) const { return view().has_attr(name); }
  ElementView child(std::string_view ns, std::string_view name) const {
    return view().child(ns, name);
  }
  ElementView first_child() const { return view().first_child(); }
  ChildRange children() const { return view().children(); }
  ChildRange children(std::string_view ns, std::string_view name) const {
    return view().children(ns, name);
  }
  std::string text() const { return view().text(); }
  Element clone() const { return view().clone(); }
  ElementRef set(std::string_view name, std::string_view value) { return ref().set(name, value); }
  ElementRef set(std::string_view ns, std::string_view name, std::string_view value) {
    return ref().set(ns, name, value);
  }
  ElementRef remove_attr(std::string_view name) { return ref().remove_attr(name); }
  ElementRef append(std::string_view ns, std::string_view name) { return ref().append(ns, name); }
  ElementRef append(std::string_view name) { return ref().append(name); }
  ElementRef append(Element&& child) { return ref().append(std::move(child)); }
  ElementRef append_copy(ElementView child) { return ref().append_copy(child); }
  ElementRef append_text(std::string_view text) { return ref().append_text(text); }
  ElementRef append_text_element(std::string_view name, std::string_view text) {
    return ref().append_text_element(name, text);
  }
  ElementRef append_text_element(std::string_view ns, std::string_view name,
                                 std::string_view text) {
    return ref().append_text_element(ns, name, text);
  }

  // Memory held by the tree, in bytes. For limits.
  std::size_t bytes_held() const { return arena_.bytes_held(); }

 private:
  friend class ElementRef;
  Arena arena_;
  Node* root_ = nullptr;
};

}  // namespace balcony::xml
