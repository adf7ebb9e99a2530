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
#include <string_view>

namespace balcony::xml {

// Hard limits. All counts are of what one stanza (or stream header) may hold.
struct Limits {
  std::size_t stanza_bytes_max =
      10'000;  // of the whole stanza as it stands on the wire; RFC 6120 §13.12: at least 10 000
  std::size_t depth_max = 64;          // elements inside one another, the stanza itself being 1
  std::size_t attributes_max = 64;     // per element, namespace declarations included
  std::size_t nodes_max = 16'384;      // elements and texts of one stanza
  std::size_t name_bytes_max = 1'024;  // of one element or attribute name with its prefix
};

enum class SplitKind : std::uint8_t {
  kNeedMore,      // everything that was fed is consumed; nothing complete is left
  kStreamHeader,  // <stream:stream …>, without what came before it (XML declaration, white space)
  kStanza,        // one complete element of depth one, from '<' to '>'
  kStreamEnd,     // </stream:stream>; anything after it is ignored
  kWhitespace,    // a white space keep-alive between stanzas (RFC 6120 §4.6.1)
};

struct SplitEvent {
  SplitKind kind = SplitKind::kNeedMore;
  // The bytes of a header or stanza. Valid until the next call of next(), feed() or reset(); points
  // into what was fed when the stanza lay in it whole, else into the splitter's own buffer.
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

  // The next thing in the bytes. Errors, after which only reset() helps:
  //   kXmlNotWellFormed       no XML, a wrong end tag, a code point that XML 1.0 forbids, an
  //   attribute twice kXmlRestricted          comment, processing instruction, DTD, CDATA is
  //   allowed; other entity (RFC 6120 §11.1) kXmlBadEncoding         no UTF-8, a byte order mark of
  //   another encoding, or another one declared (§11.6) kXmlBadNamespacePrefix  is not found here
  //   but by the parser kXmlTooBig, kXmlTooDeep a limit is passed; told as soon as the byte that
  //   passes it is seen
  Result<SplitEvent> next();

  // Begins a new stream on the same connection: after STARTTLS and SASL (RFC 6120 §4.3.3). What was
  // fed and not consumed is dropped; rest() tells it before.
  void reset();
  // What was fed and has not been consumed by next().
  std::string_view rest() const;
  // Forgets rest(), after an event of next(): the caller keeps those bytes and feeds them later.
  void drop_rest();

  // Larger limits after authentication.
  void set_limits(const Limits& limits);

  // Bytes of an incomplete stanza that are carried between reads.
  std::size_t carried_bytes() const;

 private:
  struct Partial;
  // (members: the implementation's; keep sizeof(Splitter) under 96 bytes)
  std::unique_ptr<Partial> partial_;
};

}  // namespace balcony::xml
