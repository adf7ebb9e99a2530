// The lexer inside of tags: names, attributes, start and end (XML 1.0 §3.1, Namespaces in XML §4).
#include "xml/lexer.h"

#include <algorithm>

namespace balcony::xml {

// Behind '<'.
const char* Lexer::open(const char* p) {
  const bool first = document_start_;
  document_start_ = false;
  if (*p == '/') {
    if (header_ || (open_.empty() && root_name_.empty())) {
      return fail(p, Errc::kXmlNotWellFormed, "an end tag without its start tag");
    }
    state_ = State::kEndName;
    matched_ = 0;
    return p + 1;
  }
  if (*p == '!') {
    state_ = State::kBang;
    return p + 1;
  }
  if (*p == '?') {
    // RFC 6120 §11.1: no processing instructions. §11.5: the declaration stands at the start.
    if (!first) return fail(p, Errc::kXmlRestricted, "a processing instruction is not allowed");
    declaration_.begin();
    state_ = State::kDeclaration;
    return p + 1;
  }
  // XML 1.0 appendix F: UTF-16 that has no byte order mark begins so.
  if (first && *p == 0) return fail(p, Errc::kXmlBadEncoding, "this is UTF-16, not UTF-8");
  if (!chars::is(*p, chars::kNameStart) && !chars::is_high(*p)) {
    return unexpected(p, "no markup begins so");
  }
  return begin_element(p);
}

const char* Lexer::begin_element(const char* p) {
  if (open_.size() >= limits_->depth_max) {
    return fail(p, Errc::kXmlTooDeep, "too many elements inside one another");
  }
  if (++nodes_ > limits_->nodes_max) {
    return fail(p, Errc::kXmlTooBig, "the stanza has too many elements and texts");
  }
  state_ = State::kElementName;
  in_text_ = false;
  brackets_ = 0;
  name_offset_ = offset(p);
  needs_name_start_ = true;
  has_colon_ = false;
  return p;
}

const char* Lexer::name(const char* p, const char* end) {
  if (needs_name_start_ && chars::is(*p, chars::kNameStart)) needs_name_start_ = false;
  if (!needs_name_start_) {
    while (p != end && chars::is(*p, chars::kNameChar)) ++p;
  }
  const std::uint32_t size = offset(p) - name_offset_;
  if (size > limits_->name_bytes_max) {
    return fail(p - (size - limits_->name_bytes_max), Errc::kXmlTooBig, "the name is too long");
  }
  if (p == end) return p;
  if (chars::is_high(*p)) return high(p, end);
  // Namespaces in XML §4: one colon at most, with a name on both sides.
  if (needs_name_start_) return unexpected(p, "no name begins so");
  if (*p != ':') return end_name(p);
  if (has_colon_) return fail(p, Errc::kXmlNotWellFormed, "a name has two colons");
  if (size == limits_->name_bytes_max) return fail(p, Errc::kXmlTooBig, "the name is too long");
  has_colon_ = true;
  needs_name_start_ = true;
  return p + 1;
}

// `p` stands behind the name.
const char* Lexer::end_name(const char* p) {
  if (name_offset_ < carried_.size()) carry(p);
  if (state_ == State::kAttributeName) {
    state_ = State::kEquals;
    return add_attribute(p);
  }
  open_.push_back({name_offset_, offset(p) - name_offset_});
  attributes_.clear();
  attribute_marks_ = 0;
  state_ = State::kTag;
  spaced_ = false;
  return p;
}

const char* Lexer::tag(const char* p, const char* end) {
  while (p != end) {
    const char c = *p;
    if (chars::is(c, chars::kSpace)) {
      spaced_ = true;
      ++p;
    } else if (c == '>') {
      return end_start_tag(p + 1);
    } else if (c == '/') {
      state_ = State::kEmptyTag;
      return p + 1;
    } else if (spaced_ && (chars::is(c, chars::kNameStart) || chars::is_high(c))) {
      p = begin_attribute(p, end);
      if (!p || state_ != State::kTag) return p;
    } else {
      return unexpected(p, "the tag is malformed");
    }
  }
  return p;
}

// Takes a usual attribute (name='value', nothing to be unescaped) in one go while all of it is
// there; what is not usual is left to the states.
const char* Lexer::begin_attribute(const char* p, const char* end) {
  if (attributes_.size() >= limits_->attributes_max) {
    return fail(p, Errc::kXmlTooBig, "the element has too many attributes");
  }
  name_offset_ = offset(p);
  needs_name_start_ = true;
  has_colon_ = false;
  const char* q = p;
  while (q != end && chars::is(*q, chars::kNameChar)) ++q;
  if (q == p || end - q < 2 || q[0] != '=' || (q[1] != '\'' && q[1] != '"') ||
      static_cast<std::size_t>(q - p) > limits_->name_bytes_max) {
    state_ = State::kAttributeName;
    return p;
  }
  if (!add_attribute(q)) return nullptr;
  quote_ = q[1];
  p = chars::skip_value(q + 2, end);
  if (p == end || *p != quote_) {
    state_ = State::kValue;
    return p;
  }
  quote_ = 0;
  spaced_ = false;
  return p + 1;
}

// `p` stands behind the name. XML 1.0 §3.1, "Unique Att Spec"; expanded names are the parser's.
const char* Lexer::add_attribute(const char* p) {
  const Name added{name_offset_, offset(p) - name_offset_};
  const std::string_view text = view(added);
  const unsigned hash =
      text.size() + chars::byte(text.front()) * 3U + chars::byte(text.back()) * 7U;
  const std::uint64_t mark = std::uint64_t{1} << (hash & 63U);
  if (attribute_marks_ & mark) {
    for (const Name other : attributes_) {
      if (view(other) == text) return fail(p, Errc::kXmlNotWellFormed, "an attribute stands twice");
    }
  }
  attribute_marks_ |= mark;
  attributes_.push_back(added);
  return p;
}

const char* Lexer::equals(const char* p) {
  if (*p == '=') {
    state_ = State::kQuote;
  } else if (!chars::is(*p, chars::kSpace)) {
    return unexpected(p, "an attribute has no value");
  }
  return p + 1;
}

const char* Lexer::quote(const char* p) {
  if (*p == '\'' || *p == '"') {
    quote_ = *p;
    state_ = State::kValue;
  } else if (!chars::is(*p, chars::kSpace)) {
    return unexpected(p, "an attribute's value has no quotes");
  }
  return p + 1;
}

const char* Lexer::value(const char* p, const char* end) {
  p = chars::skip_value(p, end);
  if (p == end) return p;
  const char c = *p;
  if (c == quote_) {
    quote_ = 0;
    spaced_ = false;
    state_ = State::kTag;
    return p + 1;
  }
  if (chars::is_high(c)) return high(p, end);
  if (c == '&') {
    reference_.begin();
    state_ = State::kReference;
    return p + 1;
  }
  if (c == '<') return fail(p, Errc::kXmlNotWellFormed, "'<' cannot stand in an attribute");
  if (c == '\'' || c == '"' || chars::is(c, chars::kSpace)) return p + 1;
  return fail(p, Errc::kXmlNotWellFormed, "XML forbids this control character");
}

// Behind the '>' of a start tag.
const char* Lexer::end_start_tag(const char* p) {
  if (header_) {
    state_ = State::kDone;
    outcome_ = Outcome::kHeader;
  } else {
    state_ = State::kText;
  }
  return p;
}

const char* Lexer::empty_tag(const char* p) {
  if (*p != '>') return unexpected(p, "the tag is malformed");
  if (header_) {
    state_ = State::kDone;
    outcome_ = Outcome::kEmptyHeader;
    return p + 1;
  }
  return end_element(p + 1);
}

// XML 1.0 §3, "Element Type Match": the byte that differs is refused.
const char* Lexer::end_tag(const char* p, const char* end) {
  const std::string_view name = expected_end();
  const auto size =
      std::min<std::size_t>(name.size() - matched_, static_cast<std::size_t>(end - p));
  for (std::size_t i = 0; i < size; ++i) {
    if (p[i] != name[matched_ + i]) return unexpected(p + i, "the wrong end tag");
  }
  p += size;
  matched_ += static_cast<std::uint32_t>(size);
  if (p == end) return p;
  state_ = State::kEndSpace;
  // A space is wanted before anything but '>': the name must end here.
  return end_space(p);
}

const char* Lexer::end_space(const char* p) {
  if (chars::is(*p, chars::kSpace)) return p + 1;
  if (*p != '>') return unexpected(p, "the wrong end tag");
  if (!open_.empty()) return end_element(p + 1);
  state_ = State::kDone;
  outcome_ = Outcome::kStreamEnd;
  return p + 1;
}

// Behind the '>' that ends an element.
const char* Lexer::end_element(const char* p) {
  open_.pop_back();
  in_text_ = false;
  brackets_ = 0;
  if (open_.empty()) {
    state_ = State::kDone;
    outcome_ = Outcome::kElement;
  } else {
    state_ = State::kText;
  }
  return p;
}

}  // namespace balcony::xml
