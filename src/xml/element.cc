#include <balcony/element.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <vector>

namespace balcony::xml {
namespace {

// Chunks of this size (with their header) are kept by the thread that freed them, a bounded number,
// so that the usual stanza costs no malloc.
constexpr std::uint32_t kChunkBytes = 2048;
constexpr std::size_t kKeptChunksMax = 256;

struct ChunkCache {
  std::vector<void*> free;
  ~ChunkCache();
};
thread_local bool cache_is_gone = false;
ChunkCache::~ChunkCache() {
  for (void* chunk : free) ::operator delete(chunk);
  cache_is_gone = true;
}
thread_local ChunkCache cache;

void* allocate_chunk(std::size_t bytes) {
  if (bytes == kChunkBytes && !cache_is_gone && !cache.free.empty()) {
    void* chunk = cache.free.back();
    cache.free.pop_back();
    return chunk;
  }
  return ::operator new(bytes);
}

void free_chunk(void* chunk, std::size_t bytes) {
  if (bytes == kChunkBytes && !cache_is_gone && cache.free.size() < kKeptChunksMax) {
    if (cache.free.capacity() == 0) cache.free.reserve(kKeptChunksMax);
    cache.free.push_back(chunk);
    return;
  }
  ::operator delete(chunk);
}

Node* new_node(Arena& arena) {
  return new (arena.allocate(sizeof(Node))) Node;
}

Attribute* new_attribute(Arena& arena, std::string_view ns, std::string_view name,
                         std::string_view value) {
  return new (arena.allocate(sizeof(Attribute)))
      Attribute{arena.copy(ns), arena.copy(name), arena.copy(value), nullptr};
}

Node* copy_one(Arena& arena, const Node* from) {
  Node* to = new_node(arena);
  to->is_text = from->is_text;
  to->ns = arena.copy(from->ns);
  to->name = arena.copy(from->name);
  Attribute** end = &to->attributes;
  for (const Attribute* a = from->attributes; a; a = a->next) {
    *end = new_attribute(arena, a->ns, a->name, a->value);
    end = &(*end)->next;
  }
  return to;
}

void link_child(Node* parent, Node* child) {
  child->parent = parent;
  child->next = nullptr;
  if (parent->last) {
    parent->last->next = child;
  } else {
    parent->first = child;
  }
  parent->last = child;
}

Node* copy_tree(Arena& arena, const Node* root) {
  Node* const copy = copy_one(arena, root);
  Node* parent = copy;
  const Node* at = root;
  while (true) {
    if (at->first) {
      at = at->first;
    } else {
      while (at != root && !at->next) {
        at = at->parent;
        if (at != root) parent = parent->parent;
      }
      if (at == root) return copy;
      at = at->next;
    }
    Node* node = copy_one(arena, at);
    link_child(parent, node);
    if (at->first) parent = node;
  }
}

// Texts that touch count as one piece: the characters from `at` on to the end of its run.
std::string text_run(const Node*& at) {
  std::string text;
  for (; at && at->is_text; at = at->next) text.append(at->name);
  return text;
}

bool same_attributes(const Node* a, const Node* b) {
  std::size_t count_a = 0;
  for (const Attribute* x = a->attributes; x; x = x->next) {
    ++count_a;
    bool found = false;
    for (const Attribute* y = b->attributes; y && !found; y = y->next) {
      found = x->ns == y->ns && x->name == y->name && x->value == y->value;
    }
    if (!found) return false;
  }
  std::size_t count_b = 0;
  for (const Attribute* y = b->attributes; y; y = y->next) ++count_b;
  return count_a == count_b;
}

}  // namespace

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  char* to = static_cast<char*>(allocate(text.size()));
  std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

void Arena::grow(std::size_t bytes) {
  std::size_t total = std::max<std::size_t>(kChunkBytes, bytes + sizeof(Chunk));
  // A tree that already filled chunks grows in larger steps: linear time for any size.
  if (head_) total = std::max<std::size_t>(total, std::min<std::size_t>(head_->size * 2UL, 65536));
  auto* chunk = static_cast<Chunk*>(allocate_chunk(total));
  chunk->next = head_;
  chunk->size = static_cast<std::uint32_t>(total - sizeof(Chunk));
  chunk->used = 0;
  head_ = chunk;
}

void Arena::release() noexcept {
  for (Chunk* chunk = std::exchange(head_, nullptr); chunk;) {
    Chunk* next = chunk->next;
    free_chunk(chunk, chunk->size + sizeof(Chunk));
    chunk = next;
  }
}

void Arena::adopt(Arena&& other) noexcept {
  if (!other.head_) return;
  if (!head_) {
    head_ = std::exchange(other.head_, nullptr);
    return;
  }
  Chunk* last = other.head_;
  while (last->next) last = last->next;
  last->next = head_->next;
  head_->next = std::exchange(other.head_, nullptr);
}

std::size_t Arena::bytes_held() const noexcept {
  std::size_t total = 0;
  for (const Chunk* chunk = head_; chunk; chunk = chunk->next) total += chunk->size + sizeof(Chunk);
  return total;
}

std::string_view ElementView::lang() const {
  for (const Node* at = node_; at; at = at->parent) {
    for (const Attribute* a = at->attributes; a; a = a->next) {
      if (a->name == "lang" && a->ns == kXmlNs) return a->value;
    }
  }
  return {};
}

std::string ElementView::text() const {
  std::string text;
  if (!node_) return text;
  for (const Node* at = node_->first; at; at = at->next) {
    if (at->is_text) text.append(at->name);
  }
  return text;
}

ElementView ElementView::child(std::string_view ns, std::string_view name) const {
  if (!node_) return {};
  if (ns.empty()) ns = node_->ns;
  for (const Node* at = node_->first; at; at = at->next) {
    if (!at->is_text && at->name == name && at->ns == ns) return ElementView(at);
  }
  return {};
}

ElementView ElementView::first_child() const {
  const Node* at = node_ ? node_->first : nullptr;
  while (at && at->is_text) at = at->next;
  return ElementView(at);
}

ElementView ElementView::next_sibling() const {
  const Node* at = node_ ? node_->next : nullptr;
  while (at && at->is_text) at = at->next;
  return ElementView(at);
}

Element ElementView::clone() const {
  if (!node_) return {};
  Arena arena;
  Node* root = copy_tree(arena, node_);
  return {std::move(arena), root};
}

bool same_tree(ElementView a, ElementView b) {
  if (!a || !b) return !a && !b;
  std::vector<std::pair<const Node*, const Node*>> open{{a.node(), b.node()}};
  while (!open.empty()) {
    const auto [x, y] = open.back();
    open.pop_back();
    if (x->ns != y->ns || x->name != y->name || !same_attributes(x, y)) return false;
    const Node* cx = x->first;
    const Node* cy = y->first;
    while (cx || cy) {
      if (text_run(cx) != text_run(cy)) return false;
      if (!cx && !cy) break;
      if (!cx || !cy) return false;
      open.emplace_back(cx, cy);
      cx = cx->next;
      cy = cy->next;
    }
  }
  return true;
}

void ElementRef::link(Node* child) {
  link_child(mutable_node(), child);
}

ElementRef ElementRef::set(std::string_view ns, std::string_view name, std::string_view value) {
  Attribute** end = &mutable_node()->attributes;
  for (; *end; end = &(*end)->next) {
    if ((*end)->name == name && (*end)->ns == ns) {
      (*end)->value = arena_->copy(value);
      return *this;
    }
  }
  *end = new_attribute(*arena_, ns, name, value);
  return *this;
}

ElementRef ElementRef::remove_attr(std::string_view name) {
  for (Attribute** at = &mutable_node()->attributes; *at; at = &(*at)->next) {
    if ((*at)->name == name && (*at)->ns.empty()) {
      *at = (*at)->next;
      break;
    }
  }
  return *this;
}

ElementRef ElementRef::append(std::string_view ns, std::string_view name) {
  Node* child = new_node(*arena_);
  child->ns = ns.data() == node_->ns.data() ? ns : arena_->copy(ns);
  child->name = arena_->copy(name);
  link(child);
  return {arena_, child};
}

ElementRef ElementRef::append(Element&& child) {
  if (!child) return *this;
  Node* root = std::exchange(child.root_, nullptr);
  arena_->adopt(std::move(child.arena_));
  link(root);
  return *this;
}

ElementRef ElementRef::append_copy(ElementView child) {
  if (child) link(copy_tree(*arena_, child.node()));
  return *this;
}

ElementRef ElementRef::append_text(std::string_view text) {
  if (text.empty()) return *this;
  Node* node = new_node(*arena_);
  node->is_text = true;
  node->name = arena_->copy(text);
  link(node);
  return *this;
}

ElementRef ElementRef::append_text_element(std::string_view ns, std::string_view name,
                                           std::string_view text) {
  append(ns, name).append_text(text);
  return *this;
}

std::size_t ElementRef::remove_children(std::string_view ns, std::string_view name) {
  return remove_children_if([ns, name](ElementView child) { return child.is(ns, name); });
}

void ElementRef::remove_child(ElementView child) {
  Node* const parent = mutable_node();
  Node* before = nullptr;
  for (Node* at = parent->first; at; before = at, at = at->next) {
    if (at != child.node()) continue;
    (before ? before->next : parent->first) = at->next;
    if (parent->last == at) parent->last = before;
    return;
  }
}

void ElementRef::clear_children() {
  mutable_node()->first = mutable_node()->last = nullptr;
}

Element::Element(std::string_view ns, std::string_view name) {
  root_ = new_node(arena_);
  root_->ns = arena_.copy(ns);
  root_->name = arena_.copy(name);
}

}  // namespace balcony::xml
