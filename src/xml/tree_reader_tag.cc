// The tree reader inside of tags: names, attributes, namespaces.
#include "xml/chars.h"
#include "xml/tree_reader.h"

#include <new>

namespace balcony::xml {

// Behind '<'. Opens the element, unless it is empty.
bool TreeReader::start_tag(bool& empty) {
  if (open_.size() >= limits_.depth_max) {
    return error(Errc::kXmlTooDeep, "too many elements inside one another");
  }
  Name name;
  if (!count_node() || !read_name(name)) return false;
  Node* const node = new (arena_.allocate(sizeof(Node))) Node;
  if (root_) {
    Node* const parent = open_.top().node;
    node->parent = parent;
    (parent->last ? parent->last->next : parent->first) = node;
    parent->last = node;
  } else {
    root_ = node;
  }
  const Open open{node, name, default_ns_, static_cast<std::uint32_t>(bindings_.mark()),
                  in_content_ns_};
  if (!attributes(node, open.mark) || !resolve(node, name)) return false;
  empty = *at_ == '/';
  if (empty && *++at_ != '>') return unexpected("the tag is malformed");
  ++at_;
  open_.push(open);
  if (empty && node != root_) close();
  return true;
}

// Up to the '>' or '/' at the tag's end.
bool TreeReader::attributes(Node* node, std::size_t mark) {
  Attribute** end = &node->attributes;
  std::size_t count = 0;
  has_default_ = false;
  prefixed_ = 0;
  attribute_marks_ = 0;
  while (true) {
    const bool spaced = chars::is(*at_, chars::kSpace);
    while (chars::is(*at_, chars::kSpace)) ++at_;
    if (*at_ == '>' || *at_ == '/') return true;
    if (!spaced) return unexpected("the tag is malformed");
    if (++count > limits_.attributes_max) {
      return error(Errc::kXmlTooBig, "the element has too many attributes");
    }
    if (!attribute(node, end, mark)) return false;
  }
}

// One attribute; a declaration takes effect, others are linked at `end`. Until all declarations of
// the tag are read, Attribute::ns holds the prefix.
bool TreeReader::attribute(Node* node, Attribute**& end, std::size_t mark) {
  Name name;
  std::string_view text;
  if (!read_name(name)) return false;
  while (chars::is(*at_, chars::kSpace)) ++at_;
  if (*at_ != '=') return unexpected("an attribute has no value");
  ++at_;
  while (chars::is(*at_, chars::kSpace)) ++at_;
  if (!value(text)) return false;
  if (name.prefix == 0 ? name.text() == "xmlns" : name.prefix_text() == "xmlns") {
    return declare(name, text, mark);
  }
  auto* added = new (arena_.allocate(sizeof(Attribute)))
      Attribute{name.prefix_text(), name.local(), text, nullptr};
  if (!is_unique(node, added)) {
    return error(Errc::kXmlNotWellFormed, "an attribute stands twice");
  }
  if (name.prefix != 0) ++prefixed_;
  *end = added;
  end = &added->next;
  return true;
}

// Namespaces in XML §3, §5.
bool TreeReader::declare(const Name& name, std::string_view ns, std::size_t mark) {
  if (name.prefix == 0) {
    if (has_default_) return error(Errc::kXmlNotWellFormed, "an attribute stands twice");
    if (!Bindings::may_be_default(ns)) {
      return error(Errc::kXmlNotWellFormed, "this namespace cannot be the default");
    }
    has_default_ = true;
    default_ns_ = ns;
    return true;
  }
  switch (bindings_.bind(name.local(), ns, mark)) {
    case Bindings::Outcome::kDone: return true;
    case Bindings::Outcome::kTwice:
      return error(Errc::kXmlNotWellFormed, "an attribute stands twice");
    case Bindings::Outcome::kTooMany: return error(Errc::kXmlTooBig, "too many prefixes");
    case Bindings::Outcome::kForbidden: break;
  }
  return error(Errc::kXmlNotWellFormed, "this prefix and namespace cannot be bound");
}

// Whether no attribute of the tag has the name of `added`. It is not linked yet, or the last
// that has its namespace.
bool TreeReader::is_unique(const Node* node, const Attribute* added) {
  const std::string_view name = added->name;
  const unsigned hash =
      name.size() + chars::byte(name.front()) * 3U + chars::byte(name.back()) * 7U;
  const std::uint64_t bit = std::uint64_t{1} << (hash & 63U);
  if (attribute_marks_ & bit) {
    for (const Attribute* a = node->attributes; a && a != added; a = a->next) {
      if (a->name == name && a->ns == added->ns) return false;
    }
  }
  attribute_marks_ |= bit;
  return true;
}

// Gives the element and its attributes their namespaces.
bool TreeReader::resolve(Node* node, const Name& name) {
  node->name = name.local();
  if (name.prefix == 0) {
    node->ns = default_ns_;
  } else {
    node->ns = bindings_.find(name.prefix_text());
    if (node->ns.empty()) {
      return error(Errc::kXmlBadNamespacePrefix, "a prefix is not declared");
    }
  }
  // RFC 6120 §4.8.2: the content namespace, down to where another one stands between.
  in_content_ns_ = in_content_ns_ && node->ns == scope_.content_ns;
  if (in_content_ns_) node->ns = kClientNs;
  if (node->parent && node->parent->ns.data() != node->ns.data() && !spend(node->ns)) return false;
  if (prefixed_ != 0 && !resolve_attributes(node)) return false;
  if (node->parent || scope_.lang.empty()) return true;
  // RFC 6120 §4.7.4: the stream's language is the default of its stanzas.
  Attribute** end = &node->attributes;
  for (; *end; end = &(*end)->next) {
    if ((*end)->ns == kXmlNs && (*end)->name == "lang") return true;
  }
  *end = new (arena_.allocate(sizeof(Attribute)))
      Attribute{kXmlNs, "lang", arena_.copy(scope_.lang), nullptr};
  return true;
}

bool TreeReader::resolve_attributes(Node* node) {
  // Prefixes become namespaces from the first attribute on, so what stands before the one that is
  // looked at has its namespace already: Namespaces in XML §6.3, "Attributes Unique".
  attribute_marks_ = 0;
  for (Attribute* a = node->attributes; a; a = a->next) {
    if (a->ns.empty()) continue;
    a->ns = bindings_.find(a->ns);
    if (a->ns.empty()) return error(Errc::kXmlBadNamespacePrefix, "a prefix is not declared");
    if (!is_unique(node, a)) {
      return error(Errc::kXmlNotWellFormed, "an attribute stands twice");
    }
    if (a->ns.data() != kXmlNs.data() && !spend(a->ns)) return false;
  }
  return true;
}

// A prefix makes a long namespace cheap for who sends it, but the writer declares it again wherever
// it begins: a stanza may not grow by that without bounds.
bool TreeReader::spend(std::string_view ns) {
  ns_bytes_ += ns.size();
  if (ns_bytes_ <= 2 * limits_.stanza_bytes_max) return true;
  return error(Errc::kXmlTooBig, "the stanza changes between namespaces too often");
}

// Namespaces in XML §4: a QName.
bool TreeReader::read_name(Name& name) {
  const char* const begin = at_;
  name = {begin, 0, 0};
  bool start = true;
  while (true) {
    if (start && chars::is(*at_, chars::kNameStart)) start = false;
    if (!start) {
      while (chars::is(*at_, chars::kNameChar)) ++at_;
    }
    if (chars::is_high(*at_)) {
      if (!high_name_char(start)) return false;
      start = false;
    } else if (start) {
      return unexpected("no name begins so");
    } else if (*at_ == ':' && name.prefix == 0) {
      name.prefix = static_cast<std::uint32_t>(at_ - begin);
      start = true;
      ++at_;
    } else {
      break;
    }
  }
  name.size = static_cast<std::uint32_t>(at_ - begin);
  if (name.size > limits_.name_bytes_max) return error(Errc::kXmlTooBig, "the name is too long");
  return *at_ != ':' || unexpected("a name has two colons");
}

bool TreeReader::high_name_char(bool start) {
  chars::Utf8 utf8;
  bool good = utf8.begin(chars::byte(*at_++));
  while (good && utf8.left != 0) good = utf8.next(chars::byte(*at_++));
  if (!good) return error(Errc::kXmlBadEncoding, "this is not UTF-8");
  if (start ? chars::is_high_name_start(utf8.code) : chars::is_high_name_char(utf8.code))
    return true;
  return error(Errc::kXmlNotWellFormed, "this cannot stand in a name");
}

// From the opening quote to behind the closing one: unescaped and normalised (XML 1.0 §3.3.3).
bool TreeReader::value(std::string_view& result) {
  const char quote = *at_;
  if (quote != '\'' && quote != '"') return unexpected("an attribute's value has no quotes");
  char* const begin = ++at_;
  char* out = begin;
  const char* from = begin;  // not moved yet
  const char* p = begin;
  const auto flush = [&] {
    const auto size = static_cast<std::size_t>(p - from);
    if (out != from) std::memmove(out, from, size);
    out += size;
    at_ += p - at_;
  };
  while (true) {
    p = chars::skip_value(p, end_ + 16);
    if (*p == quote) break;
    if (*p == '\'' || *p == '"') {
      ++p;
    } else if (chars::is_high(*p)) {
      const char* after = chars::skip_high(p, end_);
      at_ += p - at_;
      if (after == p) return high_char();
      p = after;
    } else if (*p == '&') {
      flush();
      if (!reference(out)) return false;
      from = p = at_;
    } else if (chars::is(*p, chars::kSpace)) {
      flush();
      const int size = *p == '\r' && p[1] == '\n' ? 2 : 1;  // before `out`, maybe here, is written
      *out++ = ' ';
      p += size;
      from = p;
    } else {
      at_ += p - at_;
      return unexpected("this cannot stand in an attribute");
    }
  }
  flush();
  ++at_;
  result = {begin, out};
  return true;
}

}  // namespace balcony::xml
