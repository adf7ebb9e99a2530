// Nanoseconds for each stanza in the splitter, the parser and the writer. Not a test:
//   ninja xml_bench && src/xml/xml_bench
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

}  // namespace

int main() {
  run("message", kMessage);
  run("Russian message", kRussian);
}
