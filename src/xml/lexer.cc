#include "xml/lexer.h"

#include <algorithm>

namespace balcony::xml {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::size_t kKeptBytesMax = 64 * 1024;
constexpr std::size_t kKeptNamesMax = 1024;

}  // namespace

void Lexer::begin(const char* open, bool header, bool document_start) {
  unsaved_ = open;
  carried_.clear();
  open_.clear();
  attributes_.clear();
  attribute_marks_ = 0;
  nodes_ = 0;
  state_ = State::kOpen;
  quote_ = 0;
  header_ = header;
  document_start_ = document_start;
  in_text_ = false;
  utf8_.left = 0;
}

Lexer::Outcome Lexer::run(const char*& at, const char* end, const PackedLimits& limits,
                          std::string_view root_name) {
  limits_ = &limits;
  root_name_ = root_name;
  const char* p = at;
  if (bytes_to(p) == 0) ++p;  // the '<' that begin() was given
  if (utf8_.left != 0) p = finish_high(p, end);
  while (p && p != end) {
    p = step(p, end);
    if (state_ == State::kDone) {
      at = p;
      return outcome_;
    }
  }
  at = p ? p : error_at_;
  return p ? Outcome::kMore : Outcome::kError;
}

void Lexer::carry(const char* at) {
  carried_.append(unsaved_, at);
  unsaved_ = at;
}

std::string_view Lexer::text_to(const char* at) {
  if (carried_.empty()) return {unsaved_, at};
  carry(at);
  return carried_;
}

bool Lexer::is_small() const {
  return carried_.capacity() <= kKeptBytesMax && open_.capacity() <= kKeptNamesMax &&
         attributes_.capacity() <= kKeptNamesMax;
}

// Takes at least one byte in the present state. Null: an error.
const char* Lexer::step(const char* p, const char* end) {
  switch (state_) {
    case State::kOpen: return open(p);
    case State::kBang: return bang(p);
    case State::kCdataOpen: return cdata_open(p);
    case State::kCdata: return cdata(p, end);
    case State::kDeclaration: return declaration(p);
    case State::kElementName:
    case State::kAttributeName: return name(p, end);
    case State::kTag: return tag(p, end);
    case State::kEmptyTag: return empty_tag(p);
    case State::kEquals: return equals(p);
    case State::kQuote: return quote(p);
    case State::kValue: return value(p, end);
    case State::kReference: return reference(p);
    case State::kText: return text(p, end);
    case State::kEndName: return end_tag(p, end);
    case State::kEndSpace: return end_space(p);
    case State::kDone: break;
  }
  return p;
}

const char* Lexer::fail(const char* p, Errc error, const char* why) {
  error_at_ = p;
  error_ = error;
  why_ = why;
  return nullptr;
}

// The byte cannot stand here. It may be worse than that: no UTF-8 (RFC 6120 §11.6).
const char* Lexer::unexpected(const char* p, const char* why) {
  if (!chars::can_begin(chars::byte(*p)))
    return fail(p, Errc::kXmlBadEncoding, "this is not UTF-8");
  return fail(p, Errc::kXmlNotWellFormed, why);
}

const char* Lexer::declaration(const char* p) {
  switch (declaration_.step(*p)) {
    case Declaration::Step::kMore: return p + 1;
    case Declaration::Step::kDone:
      state_ = State::kDone;
      outcome_ = Outcome::kDeclaration;
      return p + 1;
    case Declaration::Step::kRestricted:
      return fail(p, Errc::kXmlRestricted, "a processing instruction is not allowed");
    case Declaration::Step::kBadEncoding:
      return fail(p, Errc::kXmlBadEncoding, "the declared encoding is not UTF-8");
    case Declaration::Step::kBad: break;
  }
  return unexpected(p, "the XML declaration is malformed");
}

const char* Lexer::bang(const char* p) {
  // RFC 6120 §11.1: no comments, no DTDs.
  if (*p == '-') return fail(p, Errc::kXmlRestricted, "a comment is not allowed");
  if (*p == 'D') return fail(p, Errc::kXmlRestricted, "a document type declaration is not allowed");
  if (*p != '[' || open_.empty()) return unexpected(p, "no markup begins so");
  state_ = State::kCdataOpen;
  matched_ = 0;
  return p + 1;
}

const char* Lexer::cdata_open(const char* p) {
  constexpr auto kRest = "CDATA["sv;
  if (*p != kRest[matched_]) return unexpected(p, "no markup begins so");
  if (++matched_ < kRest.size()) return p + 1;
  state_ = State::kCdata;
  brackets_ = 0;
  return begin_text(p + 1);
}

const char* Lexer::cdata(const char* p, const char* end) {
  if (*p == ']') {
    brackets_ = std::min<std::uint8_t>(static_cast<std::uint8_t>(brackets_ + 1), 2);
    return p + 1;
  }
  if (*p == '>' && brackets_ == 2) {
    brackets_ = 0;
    state_ = State::kText;
    return p + 1;
  }
  brackets_ = 0;
  p = chars::skip_text(p, end);
  if (p == end || *p == ']') return p;
  if (chars::is_high(*p)) return high(p, end);
  if (chars::byte(*p) >= 0x20 || chars::is(*p, chars::kSpace)) return p + 1;
  return fail(p, Errc::kXmlNotWellFormed, "XML forbids this control character");
}

// Counts a text, once for all pieces that touch.
const char* Lexer::begin_text(const char* p) {
  if (in_text_) return p;
  in_text_ = true;
  if (++nodes_ <= limits_->nodes_max) return p;
  return fail(p - 1, Errc::kXmlTooBig, "the stanza has too many elements and texts");
}

const char* Lexer::text(const char* p, const char* end) {
  if (*p == '<') {
    state_ = State::kOpen;
    return p + 1;
  }
  if (!in_text_ && !begin_text(p + 1)) return nullptr;
  if (brackets_ != 0) {
    if (*p == '>' && brackets_ == 2) {
      return fail(p, Errc::kXmlNotWellFormed, "']]>' cannot stand in text");  // XML 1.0 §2.4
    }
    if (*p != ']') brackets_ = 0;
  }
  while (true) {
    p = chars::skip_text(p, end);
    if (p == end) return p;
    const char* const stopped = p;
    if (chars::is_high(*p)) {
      p = chars::skip_high(p, end);
      if (p == stopped) return high(p, end);
    } else if (chars::is(*p, chars::kSpace)) {
      ++p;
    } else {
      break;
    }
    if (p == end) return p;
  }
  if (*p == '<') {
    state_ = State::kOpen;
    return p + 1;
  }
  if (*p == ']') {
    brackets_ = std::min<std::uint8_t>(static_cast<std::uint8_t>(brackets_ + 1), 2);
    return p + 1;
  }
  if (*p == '&') {
    reference_.begin();
    state_ = State::kReference;
    return p + 1;
  }
  return fail(p, Errc::kXmlNotWellFormed, "XML forbids this control character");
}

const char* Lexer::reference(const char* p) {
  switch (reference_.step(*p)) {
    case Reference::Step::kMore: return p + 1;
    case Reference::Step::kDone: state_ = quote_ ? State::kValue : State::kText; return p + 1;
    case Reference::Step::kRestricted:
      return fail(p, Errc::kXmlRestricted, "only the five predefined entities are allowed");
    case Reference::Step::kBad: break;
  }
  return unexpected(p, "the reference is malformed, or to a character that XML forbids");
}

// A character outside of ASCII, in a name or in text.
const char* Lexer::high(const char* p, const char* end) {
  if (state_ != State::kElementName && state_ != State::kAttributeName) {
    const char* after = chars::skip_high(p, end);
    if (after != p) return after;
  }
  if (!utf8_.begin(chars::byte(*p))) return fail(p, Errc::kXmlBadEncoding, "this is not UTF-8");
  return finish_high(p + 1, end);
}

const char* Lexer::finish_high(const char* p, const char* end) {
  for (; utf8_.left != 0; ++p) {
    if (p == end) return p;
    if (!utf8_.next(chars::byte(*p))) return fail(p, Errc::kXmlBadEncoding, "this is not UTF-8");
  }
  if (state_ != State::kElementName && state_ != State::kAttributeName) {
    if (chars::is_char(utf8_.code)) return p;
    return fail(p - 1, Errc::kXmlNotWellFormed, "XML forbids this character");
  }
  const bool allowed = needs_name_start_ ? chars::is_high_name_start(utf8_.code)
                                         : chars::is_high_name_char(utf8_.code);
  if (!allowed) return fail(p - 1, Errc::kXmlNotWellFormed, "this cannot stand in a name");
  needs_name_start_ = false;
  if (offset(p) - name_offset_ > limits_->name_bytes_max) {
    return fail(p - 1, Errc::kXmlTooBig, "the name is too long");
  }
  return p;
}

}  // namespace balcony::xml
