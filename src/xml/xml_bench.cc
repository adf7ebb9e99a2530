// Nanoseconds for each stanza in the splitter, the parser and the writer. Not a test:
//   ninja xml_bench && src/xml/xml_bench
// and how the time grows with the size of a stanza:
//   src/xml/xml_bench growth
#include "xml/parser.h"
#include "xml/splitter.h"
#include "xml/writer.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

namespace {

using namespace balcony;

const std::string kMessage =
    "<message from='juliet@example.com/balcony' to='romeo@example.net' type='chat' "
    "id='ktx72v49'><body>Art thou not Romeo, and a Montague? Neither, fair saint, if either thee "
    "dislike. How camest thou here</body>"
    "<active xmlns='http://jabber.org/protocol/chatstates'/></message>";
const std::string kRussian =
    "<message to='a@example.net' type='chat'><body>Не ты ль Ромео? Не ты ль Монтекки? Ни тот и ни "
    "другой, о ангел мой, коль одно из этих имён тебе не нравится</body></message>";
constexpr std::string_view kHeader =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";

// The best of many short rounds: what the code costs when nobody else uses the core.
template <class F>
void measure(const char* what, F stanza) {
  constexpr int kRounds = 1000;
  constexpr int kTimes = 1000;
  double best = 1e18;
  for (int round = 0; round < kRounds; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kTimes; ++i) stanza();
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - begin;
    best = std::min(best, spent.count() / kTimes);
  }
  std::printf("%-36s %7.0f ns\n", what, best);
}

std::size_t split(xml::Splitter& splitter, std::string_view bytes) {
  splitter.feed(bytes);
  std::size_t stanzas = 0;
  while (true) {
    const auto event = splitter.next();
    if (!event) std::abort();
    if (event->kind == xml::SplitKind::kNeedMore) return stanzas;
    ++stanzas;
  }
}

void run(const char* name, const std::string& stanza) {
  std::printf("%s: %zu bytes\n", name, stanza.size());
  std::size_t check = 0;
  xml::Splitter splitter{xml::Limits{}};
  check += split(splitter, kHeader);
  measure("  splitter, whole", [&] { check += split(splitter, stanza); });
  const std::string_view half = std::string_view(stanza).substr(0, stanza.size() / 2);
  const std::string_view rest = std::string_view(stanza).substr(stanza.size() / 2);
  measure("  splitter, in two reads", [&] {
    check += split(splitter, half);
    check += split(splitter, rest);
  });
  const xml::Scope scope;
  const xml::Limits limits;
  measure("  parser", [&] {
    const auto element = xml::parse(stanza, scope, limits);
    if (!element) std::abort();
    check += element->name().size();
  });
  const auto element = xml::parse(stanza, scope, limits);
  std::string out;
  measure("  writer", [&] {
    out.clear();
    xml::write(out, *element);
    check += out.size();
  });
  std::printf("  (%zu)\n", check);
}

// ---- linear time

std::string repeated(std::string_view piece, std::size_t bytes) {
  std::string text;
  while (text.size() + piece.size() <= bytes) text += piece;
  return text;
}

std::string elements_with_attributes(std::size_t bytes) {
  std::string element = "<x";
  for (int i = 0; i < 60; ++i) element += " a" + std::to_string(i) + "='v'";
  return "<a>" + repeated(element + "/>", bytes) + "</a>";
}

std::string elements_with_prefixes(std::size_t bytes) {
  std::string element = "<p59:x";
  for (int i = 0; i < 60; ++i) element += " xmlns:p" + std::to_string(i) + "='u'";
  return "<a>" + repeated(element + "/>", bytes) + "</a>";
}

std::string nested(std::size_t bytes) {
  const std::string branch = repeated("<x>", 180) + repeated("</x>", 240);
  return "<a>" + repeated(branch, bytes) + "</a>";
}

// Nanoseconds a byte for stanzas that double in size, fed in reads of `piece` bytes: they stay the
// same where the time is linear.
void measure_growth(const char* what, std::string (*make)(std::size_t), std::size_t piece) {
  std::printf("| %s, reads of %zu |", what, piece);
  xml::Limits limits;
  limits.stanza_bytes_max = limits.nodes_max = 64 << 20;
  for (std::size_t bytes = 16 << 10; bytes <= (4 << 20); bytes *= 4) {
    const std::string stanza = make(bytes);
    double best = 1e18;
    for (int round = 0; round < 5; ++round) {
      xml::Splitter splitter{limits};
      split(splitter, kHeader);
      const auto begin = std::chrono::steady_clock::now();
      std::size_t stanzas = 0;
      for (std::size_t at = 0; at < stanza.size(); at += piece) {
        splitter.feed(std::string_view(stanza).substr(at, piece));
        for (auto event = splitter.next();; event = splitter.next()) {
          if (!event) std::abort();
          if (event->kind == xml::SplitKind::kNeedMore) break;
          if (!xml::parse(event->bytes, xml::Scope{}, limits)) std::abort();
          ++stanzas;
        }
      }
      if (stanzas != 1) std::abort();
      const std::chrono::duration<double, std::nano> spent =
          std::chrono::steady_clock::now() - begin;
      best = std::min(best, spent.count() / static_cast<double>(stanza.size()));
    }
    std::printf(" %.1f |", best);
    std::fflush(stdout);
  }
  std::printf("\n");
}

void run_growth() {
  std::printf("| ns a byte for stanzas of | 16 KiB | 64 KiB | 256 KiB | 1 MiB | 4 MiB |\n");
  std::printf("| --- | ---: | ---: | ---: | ---: | ---: |\n");
  for (const std::size_t piece : {std::size_t{1}, std::size_t{16 << 10}}) {
    measure_growth("text", [](std::size_t n) { return "<a>" + repeated("x", n) + "</a>"; }, piece);
    measure_growth(
        "references", [](std::size_t n) { return "<a>" + repeated("&#x41;", n) + "</a>"; }, piece);
    measure_growth(
        "one attribute", [](std::size_t n) { return "<a b='" + repeated("&amp;", n) + "'/>"; },
        piece);
    measure_growth(
        "empty elements", [](std::size_t n) { return "<a>" + repeated("<x/>", n) + "</a>"; },
        piece);
    measure_growth("60 attributes each", elements_with_attributes, piece);
    measure_growth("60 prefixes each", elements_with_prefixes, piece);
    measure_growth("60 deep", nested, piece);
  }
}

}  // namespace

// Without an argument the first, with any the second.
int main(int count, char**) {
  if (count > 1) {
    run_growth();
  } else {
    run("message", kMessage);
    run("Russian message", kRussian);
  }
}
