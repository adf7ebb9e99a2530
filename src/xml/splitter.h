// Finds the stanzas in a stream's bytes (RFC 6120 §4.2, §11) without building anything.
//
// The splitter is a lexer that keeps its state between reads, so bytes may come one at a time,
// split anywhere. What RFC 6120 forbids is refused at the byte where it stands. It keeps no buffer
// while no stanza is under way: an idle stream costs sizeof(Splitter), nothing on the heap.
//
//   for (auto bytes : reads) {
//     splitter.feed(bytes);
//     while (auto event = splitter.next()) { … }     // header, stanzas, close, then kNeedMore
//   }
//
// One thread. No I/O.
#pragma once

#include <balcony/result.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace balcony::xml {

// Hard limits. All counts are of what one stanza (or stream header) may hold.
struct Limits {
  // Of the whole stanza as it stands on the wire. RFC 6120 §13.12: at least 10 000.
  std::size_t stanza_bytes_max = 10'000;
  std::size_t depth_max = 64;          // elements inside one another, the stanza itself being 1
  std::size_t attributes_max = 64;     // per element, namespace declarations included
  std::size_t nodes_max = 16'384;      // elements and texts of one stanza
  std::size_t name_bytes_max = 1'024;  // of one element or attribute name with its prefix
};

// The same as a splitter keeps them, in half the room: each at most 2^32 - 1.
struct PackedLimits {
  explicit PackedLimits(const Limits& limits);
  operator Limits() const {  // NOLINT(google-explicit-constructor): the same, in other clothes
    return {stanza_bytes_max, depth_max, attributes_max, nodes_max, name_bytes_max};
  }
  std::uint32_t stanza_bytes_max, depth_max, attributes_max, nodes_max, name_bytes_max;
};

class Lexer;

enum class SplitKind : std::uint8_t {
  kNeedMore,      // everything that was fed is consumed; nothing complete is left
  kStreamHeader,  // <stream:stream …>, without what came before it (XML declaration, white space)
  kStanza,        // one complete element of depth one, from '<' to '>'
  kStreamEnd,     // </stream:stream>; anything after it is ignored
  kWhitespace,    // white space between stanzas (RFC 6120 §4.6.1): one for a run in a read
};

struct SplitEvent {
  SplitKind kind = SplitKind::kNeedMore;
  // The bytes of a header or stanza. Valid until the next call of next(), skip_stanza(), feed() or
  // reset(); points into what was fed when the stanza lay in it whole, else into the splitter's own
  // buffer.
  std::string_view bytes;
};

enum class Framing : std::uint8_t {
  kStream,   // one document: header, stanzas, end (RFC 6120 §4.2): TCP
  kElement,  // each feed starts a new document of one element (RFC 7395 §3.3): WebSocket, storage
};

class Splitter {
 public:
  explicit Splitter(const Limits& limits, Framing framing = Framing::kStream);
  Splitter(Splitter&&) noexcept;
  Splitter& operator=(Splitter&&) noexcept;
  ~Splitter();

  // Hands over the bytes of a read; they must stay valid until next() has returned kNeedMore or an
  // error. Call it only then.
  void feed(std::string_view bytes);

  // The next thing in the bytes. An empty stream, `<stream:stream/>`, is its header and its end.
  // Errors, told at the byte where they stand, which rest() then begins with; after one only
  // reset() helps:
  //   kXmlNotWellFormed  no XML, a wrong end tag, a code point that XML 1.0 forbids, an attribute
  //                      twice; with Framing::kElement also a document that is not complete
  //   kXmlRestricted     comment, processing instruction, DTD, other entity than the five
  //                      (RFC 6120 §11.1); CDATA is allowed
  //   kXmlBadEncoding    no UTF-8, or another encoding declared (§11.6)
  //   kXmlTooBig, kXmlTooDeep  a limit is passed; told as soon as the byte that passes it is seen
  // Namespaces, with attributes that are the same only by them, are the parser's.
  Result<SplitEvent> next();

  // Begins a new stream on the same connection: after STARTTLS and SASL (RFC 6120 §4.3.3). What was
  // fed and not consumed is dropped; rest() tells it before.
  void reset();
  // What was fed and has not been consumed by next().
  std::string_view rest() const;
  // Forgets rest(), after an event of next(): the caller keeps those bytes and feeds them later.
  void drop_rest();

  // The bytes from the cursor on, where a stanza may begin; else nothing. For take_whole_stanza().
  std::string_view stanzas_ahead() const;
  // Goes behind the first `bytes` of stanzas_ahead(), which are one complete stanza.
  void skip_stanza(std::size_t bytes);

  // Larger limits after authentication.
  void set_limits(const Limits& limits);
  Limits limits() const { return limits_; }

  // Bytes of an incomplete stanza that are carried between reads.
  std::size_t carried_bytes() const;

 private:
  enum class State : std::uint8_t {
    kStart,       // nothing was read
    kMark1,       // one byte of a byte order mark was read
    kMark2,       // two
    kMarked,      // nothing but the byte order mark was read
    kProlog,      // before the header or the element
    kBetween,     // between stanzas
    kUnderWay,    // inside a stanza, a header, the stream's end tag or the XML declaration
    kPendingEnd,  // the header was an empty element: its end is to be told
    kEnded,       // what comes is ignored
    kFailed,
  };

  std::unexpected<Error> failed(Errc error, const char* why);
  Result<SplitEvent> need_more();
  Result<SplitEvent> outside();
  Result<SplitEvent> mark();
  Result<SplitEvent> lex();
  Result<SplitEvent> finish_element();
  Result<SplitEvent> finish_header(bool empty);
  void begin();
  void release();

  const char* at_ = nullptr;
  const char* end_ = nullptr;
  std::unique_ptr<Lexer> lexer_;  // while something is under way, or its bytes are shown
  std::string root_name_;         // the header's: a usual one is short enough to need no heap
  PackedLimits limits_;
  State state_;
  Framing framing_;
  Errc error_{};
};

}  // namespace balcony::xml
