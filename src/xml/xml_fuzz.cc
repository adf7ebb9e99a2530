// Fuzz target: splitter, parser and writer against each other and against Expat.
//
// The first 4 bytes of the input choose how the others are cut into reads. What must hold:
//   - a stream gives the same events, and the same error at the same byte, however it is cut, and
//     also when stanzas are built at once;
//   - what is parsed and written and parsed again is the same tree, and Expat reads it so too;
//   - Expat takes the same documents, with the same trees, but for what RFC 6120 §11 forbids and
//     for names (Expat: XML 1.0 fourth edition; we: fifth).
#include "base/assert.h"
#include "xml/expat_tree.h"
#include "xml/parser.h"
#include "xml/splitter.h"
#include "xml/whole_stanza.h"
#include "xml/writer.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace {

using namespace balcony;
using namespace balcony::xml;

constexpr Limits kLimits{.stanza_bytes_max = 4096,
                         .depth_max = 16,
                         .attributes_max = 16,
                         .nodes_max = 128,
                         .name_bytes_max = 64};

struct Outcome {
  std::vector<std::string> events;
  std::optional<Errc> error;
  std::size_t error_at = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

bool feed(Splitter& splitter, std::string_view read, std::size_t end, Outcome& outcome) {
  const std::vector<char> copy(read.begin(), read.end());
  splitter.feed({copy.data(), copy.size()});
  while (true) {
    const auto event = splitter.next();
    if (!event) {
      outcome.error = event.error().code;
      outcome.error_at = end - splitter.rest().size();
      return false;
    }
    if (event->kind == SplitKind::kNeedMore) return true;
    std::string name = std::to_string(static_cast<int>(event->kind)) + std::string(event->bytes);
    const bool space = event->kind == SplitKind::kWhitespace;
    if (space && !outcome.events.empty() && outcome.events.back() == name) continue;
    outcome.events.push_back(std::move(name));
  }
}

// `seed` chooses reads of 1 to `longest` bytes.
Outcome split(std::string_view bytes, std::uint32_t seed, std::size_t longest) {
  Splitter splitter(kLimits);
  Outcome outcome;
  std::size_t at = 0;
  while (at < bytes.size()) {
    seed = seed * 1664525U + 1013904223U;
    const std::size_t size = std::min(bytes.size() - at, 1 + (seed >> 16) % longest);
    at += size;
    if (!feed(splitter, bytes.substr(at - size, size), at, outcome)) break;
  }
  return outcome;
}

// The same in one read, with stanzas taken at once where that is possible.
Outcome split_taking(std::string_view bytes) {
  Splitter splitter(kLimits);
  Outcome outcome;
  StreamHeader header;
  splitter.feed(bytes);
  while (true) {
    if (const auto whole = take_whole_stanza(splitter, scope_of(header), kLimits)) {
      outcome.events.push_back(std::to_string(static_cast<int>(SplitKind::kStanza)) +
                               std::string(whole->bytes));
      continue;
    }
    const auto event = splitter.next();
    if (!event) {
      outcome.error = event.error().code;
      outcome.error_at = bytes.size() - splitter.rest().size();
      return outcome;
    }
    if (event->kind == SplitKind::kNeedMore) return outcome;
    outcome.events.push_back(std::to_string(static_cast<int>(event->kind)) +
                             std::string(event->bytes));
    if (event->kind != SplitKind::kStreamHeader) continue;
    auto read = parse_stream_header(event->bytes, kLimits);
    if (read) header = *std::move(read);
  }
}

void check_written(const Element& tree) {
  const std::string written = to_string(tree);
  const auto again = parse(written);
  BALCONY_ASSERT(again.has_value(), written);
  BALCONY_ASSERT(same_tree(tree, *again), written);
  BALCONY_ASSERT(to_string(*again) == written, written);
}

// What of a stream the parser takes must survive being written into the same stream.
void check_stream(const Outcome& outcome) {
  Result<StreamHeader> header = fail(Errc::kMalformed);
  for (const std::string& event : outcome.events) {
    const std::string_view bytes = std::string_view(event).substr(1);
    if (event[0] == '0' + static_cast<int>(SplitKind::kStreamHeader)) {
      header = parse_stream_header(bytes, kLimits);
    } else if (header && event[0] == '0' + static_cast<int>(SplitKind::kStanza)) {
      const Scope scope = scope_of(*header);
      const auto tree = parse(bytes, scope, kLimits);
      if (!tree) {
        // The splitter saw all but namespaces; what prefixes hide is told as too big.
        const Errc error = tree.error().code;
        BALCONY_ASSERT(error == Errc::kXmlBadNamespacePrefix || error == Errc::kXmlNotWellFormed ||
                           error == Errc::kXmlTooBig,
                       bytes);
        continue;
      }
      check_written(*tree);
      std::string wire;
      write(wire, *tree,
            {.scope_ns = scope.default_ns, .content_ns = scope.content_ns, .stream_prefix = false});
      const auto again = parse(wire, scope, Limits{.stanza_bytes_max = 1 << 24});
      BALCONY_ASSERT(again.has_value() && same_tree(*tree, *again), wire);
    }
  }
}

bool has_high_bytes(std::string_view bytes) {
  return std::ranges::any_of(bytes, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

void check_document(std::string_view bytes) {
  const ExpatTree expat(bytes);
  Splitter splitter(kLimits, Framing::kElement);
  splitter.feed(bytes);
  const auto event = splitter.next();
  const auto tree = event ? parse(event->bytes, Scope{.default_ns = {}}, kLimits)
                          : Result<Element>(fail(event.error()));
  if (tree) {
    if (!expat.well_formed() && has_high_bytes(bytes)) return;  // names of another edition
    BALCONY_ASSERT(expat.well_formed() && !expat.restricted(), expat.error());
    // Expat keeps in its own namespace what we call by no other name.
    const Element& other = expat.tree();
    BALCONY_ASSERT(same_tree(*tree, other), to_string(*tree));
    check_written(*tree);
    const std::string written = to_string(*tree);
    const ExpatTree again(written);
    BALCONY_ASSERT(same_tree(*tree, again.tree()), written);
  } else if (expat.well_formed() && !expat.restricted()) {
    const Errc error = tree.error().code;
    const bool limited = error == Errc::kXmlTooBig || error == Errc::kXmlTooDeep;
    // Expat was told the encoding, and does not mind versions.
    const bool declaration = bytes.find("<?xml") != std::string_view::npos;
    // It takes UTF-16 all the same, in which every '<' has a zero byte.
    const bool utf16 = bytes.find('\0') != std::string_view::npos;
    BALCONY_ASSERT(limited || declaration || utf16, tree.error().to_string());
  }
  // The parser alone refuses what the splitter refuses, but for what may stand around an element.
  if (!event && event.error().code != Errc::kXmlTooBig) {
    BALCONY_ASSERT(!parse(bytes, Scope{.default_ns = {}}, kLimits), bytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  std::uint32_t seed = 0;
  std::memcpy(&seed, data, 4);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 4, size - 4);
  const Outcome whole = split(bytes, 0, std::max<std::size_t>(1, bytes.size()) * 65536);
  BALCONY_ASSERT(whole == split(bytes, seed, 16), "cut in small reads it is another stream");
  BALCONY_ASSERT(whole == split(bytes, seed, 200), "cut in large reads it is another stream");
  BALCONY_ASSERT(whole == split(bytes, seed, 1), "byte by byte it is another stream");
  BALCONY_ASSERT(whole == split_taking(bytes), "taken at once it is another stream");
  check_stream(whole);
  check_document(bytes);
  return 0;
}
