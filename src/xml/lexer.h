// Lexes one stanza or stream header, split anywhere, without building anything: the part of the
// splitter that exists only while something is under way. Not for others. One thread.
//
// Names are kept as offsets into the bytes of the stanza. Those that an earlier read brought are
// in `carried_`, the others still where they were fed; no name is kept that lies in both.
#pragma once

#include "xml/chars.h"
#include "xml/declaration.h"
#include "xml/reference.h"
#include "xml/splitter.h"

#include <balcony/error.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::xml {

class Lexer {
 public:
  enum class Outcome : std::uint8_t {
    kMore,         // the input is used up
    kElement,      // the '>' that ends the element was read
    kHeader,       // the '>' of the header's start tag was read
    kEmptyHeader,  // the same, and it was an empty-element tag
    kStreamEnd,    // the '>' of the header's end tag was read
    kDeclaration,  // the '>' of the XML declaration was read
    kError,        // error() and why() tell; the cursor stands on the byte
  };

  // Begins with the '<' at `open`, which stays valid while run() is called for the same input.
  // `header`: only a start tag is wanted. `document_start`: an XML declaration may be here.
  void begin(const char* open, bool header, bool document_start);
  // The input from here on is another piece of memory, that begins at `input`.
  void resume(const char* input) { unsaved_ = input; }
  // Lexes from `at` to `end` and moves `at`. `root_name`: the name that an end tag at depth 0 has.
  Outcome run(const char*& at, const char* end, const PackedLimits& limits,
              std::string_view root_name);
  // The input up to `at` is lexed and will not stay: copies what of it is the stanza's.
  void carry(const char* at);

  // Bytes from the '<' to `at`.
  std::size_t bytes_to(const char* at) const {
    return carried_.size() + static_cast<std::size_t>(at - unsaved_);
  }
  // The same bytes in one piece. Valid until begin() or carry().
  std::string_view text_to(const char* at);
  // The name of the outermost element. Valid as long.
  std::string_view root() const { return view(open_.front()); }

  Errc error() const { return error_; }
  const char* why() const { return why_; }
  std::size_t carried_bytes() const { return carried_.size(); }
  // Whether its memory is small enough to be kept for the next stanza.
  bool is_small() const;

 private:
  enum class State : std::uint8_t {
    kOpen,
    kBang,
    kCdataOpen,
    kCdata,
    kDeclaration,
    kElementName,
    kTag,
    kEmptyTag,
    kAttributeName,
    kEquals,
    kQuote,
    kValue,
    kReference,
    kText,
    kEndName,
    kEndSpace,
    kDone,
  };
  struct Name {
    std::uint32_t offset;
    std::uint32_t size;
  };

  const char* step(const char* p, const char* end);
  const char* fail(const char* p, Errc error, const char* why);
  const char* unexpected(const char* p, const char* why);
  const char* open(const char* p);
  const char* bang(const char* p);
  const char* cdata_open(const char* p);
  const char* cdata(const char* p, const char* end);
  const char* declaration(const char* p);
  const char* begin_element(const char* p);
  const char* name(const char* p, const char* end);
  const char* end_name(const char* p);
  const char* tag(const char* p, const char* end);
  const char* begin_attribute(const char* p, const char* end);
  const char* add_attribute(const char* p);
  const char* end_start_tag(const char* p);
  const char* empty_tag(const char* p);
  const char* equals(const char* p);
  const char* quote(const char* p);
  const char* value(const char* p, const char* end);
  const char* reference(const char* p);
  const char* text(const char* p, const char* end);
  const char* begin_text(const char* p);
  const char* end_tag(const char* p, const char* end);
  const char* end_space(const char* p);
  const char* end_element(const char* p);
  const char* high(const char* p, const char* end);
  const char* finish_high(const char* p, const char* end);

  std::uint32_t offset(const char* p) const { return static_cast<std::uint32_t>(bytes_to(p)); }
  std::string_view view(Name name) const {
    if (name.offset < carried_.size()) return {carried_.data() + name.offset, name.size};
    return {unsaved_ + (name.offset - carried_.size()), name.size};
  }
  std::string_view expected_end() const { return open_.empty() ? root_name_ : view(open_.back()); }

  const char* unsaved_ = nullptr;  // the first byte of the stanza that is not in carried_
  const PackedLimits* limits_ = nullptr;
  std::string_view root_name_;
  std::string carried_;
  std::vector<Name> open_;             // names of the elements that are open
  std::vector<Name> attributes_;       // names in the tag under way
  std::uint64_t attribute_marks_ = 0;  // one bit for each hash of their names
  std::uint32_t nodes_ = 0;
  std::uint32_t name_offset_ = 0;  // where the name under way begins
  std::uint32_t matched_ = 0;      // bytes of an end tag's name, or of a literal, that are read
  State state_ = State::kOpen;
  Outcome outcome_ = Outcome::kMore;
  Errc error_ = Errc::kXmlNotWellFormed;
  char quote_ = 0;             // of the value under way; 0 in text
  std::uint8_t brackets_ = 0;  // ']' just read, up to 2
  bool header_ = false;
  bool document_start_ = false;
  bool needs_name_start_ = false;
  bool has_colon_ = false;
  bool spaced_ = false;  // in a tag: white space just read
  bool in_text_ = false;
  chars::Utf8 utf8_;
  Reference reference_;
  Declaration declaration_;
  const char* why_ = "";
  const char* error_at_ = nullptr;
};

}  // namespace balcony::xml
