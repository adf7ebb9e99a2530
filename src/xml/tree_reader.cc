#include "xml/tree_reader.h"

#include "xml/chars.h"
#include "xml/reference.h"

#include <new>

namespace balcony::xml {
namespace {

// Zero bytes behind the input: no loop that skips 16 bytes at a time needs to ask for the end.
constexpr std::size_t kPadding = 16;
// A usual stanza's nodes and attributes, so that they lie in one chunk with its bytes.
constexpr std::size_t kUsualNodeBytes = 1024;

}  // namespace

Result<Element> TreeReader::read(std::string_view bytes) {
  bool empty = false;
  if (!load(bytes) || !start_tag(empty)) return failure();
  if (!empty && !content()) return failure();
  if (at_ != end_) {
    unexpected("something follows the element");
    return failure();
  }
  return Element(std::move(arena_), root_);
}

Result<Element> TreeReader::read_start_tag(std::string_view bytes) {
  bool empty = false;
  if (!load(bytes) || !start_tag(empty)) return failure();
  if (at_ != end_) {
    unexpected("something follows the tag");
    return failure();
  }
  return Element(std::move(arena_), root_);
}

bool TreeReader::load(std::string_view bytes) {
  if (bytes.size() > limits_.stanza_bytes_max) {
    return error(Errc::kXmlTooBig, "the stanza is too big");
  }
  arena_.reserve(bytes.size() + kPadding + kUsualNodeBytes);
  at_ = static_cast<char*>(arena_.allocate(bytes.size() + kPadding));
  end_ = at_ + bytes.size();
  if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
  std::memset(end_, 0, kPadding);
  default_ns_ = scope_.default_ns == kClientNs ? kClientNs : arena_.copy(scope_.default_ns);
  if (*at_ != '<') return unexpected("an element is wanted");
  ++at_;
  return true;
}

bool TreeReader::error(Errc code, const char* why) {
  error_ = code;
  why_ = why;
  return false;
}

// The byte at the cursor cannot stand there.
bool TreeReader::unexpected(const char* why) {
  if (at_ >= end_) return error(Errc::kXmlNotWellFormed, "the element is not complete");
  if (!chars::can_begin(chars::byte(*at_)))
    return error(Errc::kXmlBadEncoding, "this is not UTF-8");
  return error(Errc::kXmlNotWellFormed, why);
}

std::unexpected<Error> TreeReader::failure() const {
  return fail(error_, why_);
}

bool TreeReader::count_node() {
  if (++nodes_ <= limits_.nodes_max) return true;
  return error(Errc::kXmlTooBig, "the stanza has too many elements and texts");
}

// From behind the '<' of an element with content to behind the '>' of its end tag.
bool TreeReader::content() {
  while (!open_.empty()) {
    if (!text() || !markup()) return false;
  }
  return true;
}

// At a '<' that text() stopped at.
bool TreeReader::markup() {
  ++at_;
  if (*at_ == '/') {
    ++at_;
    return end_tag();
  }
  if (*at_ == '!' || *at_ == '?') {
    // RFC 6120 §11.1: no comments, no processing instructions, no DTDs.
    const bool restricted = *at_ == '?' || at_[1] == '-' || at_[1] == 'D';
    return error(restricted ? Errc::kXmlRestricted : Errc::kXmlNotWellFormed,
                 "this markup is not allowed");
  }
  bool empty = false;
  return start_tag(empty);
}

bool TreeReader::end_tag() {
  const std::string_view name = open_.top().name.text();
  if (static_cast<std::size_t>(end_ - at_) < name.size() ||
      std::memcmp(at_, name.data(), name.size()) != 0) {
    return unexpected("the wrong end tag");
  }
  at_ += name.size();
  while (chars::is(*at_, chars::kSpace)) ++at_;
  if (*at_ != '>') return unexpected("the wrong end tag");
  ++at_;
  close();
  return true;
}

// Goes back to what held around the innermost element.
void TreeReader::close() {
  const Open& open = open_.top();
  default_ns_ = open.outer_ns;
  in_content_ns_ = open.was_content;
  bindings_.restore(open.mark);
  open_.pop();
}

// All character data up to the next tag, as one node: unescaped, line ends normalised.
bool TreeReader::text() {
  char* const begin = at_;
  char* out = at_;
  while (true) {
    if (!text_piece(out)) return false;
    if (*at_ == '<') {
      if (at_[1] != '!' || std::string_view(at_ + 2, 7) != "[CDATA[") break;
      at_ += 9;
      if (!cdata(out)) return false;
    } else if (!reference(out)) {
      return false;
    }
  }
  if (at_ == begin) return true;
  if (!count_node()) return false;
  if (out == begin) return true;  // an empty CDATA section
  Node* const parent = open_.top().node;
  Node* const node = new (arena_.allocate(sizeof(Node))) Node;
  node->is_text = true;
  node->name = {begin, out};
  node->parent = parent;
  (parent->last ? parent->last->next : parent->first) = node;
  parent->last = node;
  return true;
}

// Moves characters from the cursor to `out` until a '<' or an '&'.
bool TreeReader::text_piece(char*& out) {
  const char* from = at_;  // not moved yet
  const char* p = at_;
  const char* const stop = end_ + kPadding;
  const auto flush = [&] {
    const auto size = static_cast<std::size_t>(p - from);
    if (out != from) std::memmove(out, from, size);
    out += size;
  };
  while (true) {
    p = chars::skip_text(p, stop);
    if (*p == '<' || *p == '&') break;
    if (*p == ']') {
      at_ += p - at_;
      if (p[1] == ']' && p[2] == '>') return unexpected("']]>' cannot stand in text");  // §2.4
      ++p;
    } else if (chars::is_high(*p)) {
      const char* after = chars::skip_high(p, end_);
      at_ += p - at_;
      if (after == p) return high_char();
      p = after;
    } else if (*p == '\r') {
      // XML 1.0 §2.11: CR LF and CR alone become LF.
      flush();
      *out++ = '\n';
      p += p[1] == '\n' ? 2 : 1;
      from = p;
    } else if (chars::is(*p, chars::kSpace)) {
      ++p;
    } else {
      at_ += p - at_;
      return unexpected("XML forbids this control character");
    }
  }
  flush();
  at_ += p - at_;
  return true;
}

// Says what is wrong with the bytes at the cursor, which are no character that XML allows.
bool TreeReader::high_char() {
  chars::Utf8 utf8;
  const char* p = at_;
  bool good = utf8.begin(chars::byte(*p++));
  while (good && utf8.left != 0) good = utf8.next(chars::byte(*p++));
  if (!good) return error(Errc::kXmlBadEncoding, "this is not UTF-8");
  return error(Errc::kXmlNotWellFormed, "XML forbids this character");
}

// Behind "<![CDATA[": moves everything up to its end, and the cursor behind that.
bool TreeReader::cdata(char*& out) {
  const char* p = at_;
  const char* const stop = end_ + kPadding;
  while (true) {
    const char* const from = p;
    p = chars::skip_text(p, stop);
    if (chars::is_high(*p)) p = chars::skip_high(p, end_);
    const auto size = static_cast<std::size_t>(p - from);
    std::memmove(out, from, size);
    out += size;
    if (*p == ']' && p[1] == ']' && p[2] == '>') {
      at_ += p + 3 - at_;
      return true;
    }
    if (chars::byte(*p) < 0x80 && (chars::byte(*p) >= 0x20 || chars::is(*p, chars::kSpace))) {
      const bool line_end = *p == '\r' && p[1] == '\n';
      *out++ = *p == '\r' ? '\n' : *p;
      p += line_end ? 2 : 1;
    } else if (size == 0) {
      at_ += p - at_;
      return chars::is_high(*p) ? high_char() : unexpected("XML forbids this control character");
    }
  }
}

// At an '&'. What it stands for is never longer than it.
bool TreeReader::reference(char*& out) {
  Reference reference;
  reference.begin();
  ++at_;
  Reference::Step step;
  while ((step = reference.step(*at_)) == Reference::Step::kMore) ++at_;
  if (step == Reference::Step::kRestricted) {
    return error(Errc::kXmlRestricted, "only the five predefined entities are allowed");
  }
  if (step == Reference::Step::kBad) {
    return unexpected("the reference is malformed, or to a character that XML forbids");
  }
  ++at_;
  out = chars::encode(out, reference.code());
  return true;
}

}  // namespace balcony::xml
