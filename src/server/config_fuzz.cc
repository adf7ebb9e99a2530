// A configuration as somebody may write it: it is read, or every problem in it is named with its
// line; what was read once is read again.
#include "base/assert.h"
#include "server/config_reader.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace {

using namespace balcony;
using namespace balcony::server;
using namespace std::chrono_literals;

struct GuardOptions {
  bool open = false;
  int most = 10;
  std::chrono::seconds wait{60};
  Bytes room{4096};
  std::string word = "mellon";
  std::vector<std::string> friends;
};

void attach(router::Registrar&, router::Server&, const GuardOptions&) {}

// One module with an option of every kind.
const ModuleList& modules() {
  static const router::ModuleSpec kGuard = router::module<GuardOptions>(
      "guard", {{"XEP-0001", "1.0"}}, "Guards.",
      {option("open", &GuardOptions::open, "Open."),
       option("most", &GuardOptions::most, 1, 100, "Most."),
       option("wait", &GuardOptions::wait, 5s, 1h, "Wait."),
       option("room", &GuardOptions::room, Bytes{1}, Bytes{1 << 20}, "Room."),
       option("word", &GuardOptions::word, "Word."),
       option("friends", &GuardOptions::friends, "Friends.")},
      attach);
  static const ModuleList kAll{&kGuard};
  return kAll;
}

void check_problems(std::string_view problems) {
  BALCONY_ASSERT(!problems.empty(), "refused without a reason");
  while (!problems.empty()) {
    const std::string_view line = problems.substr(0, problems.find('\n'));
    BALCONY_ASSERT(line.starts_with("balcony.toml:"), line);
    problems.remove_prefix(std::min(problems.size(), line.size() + 1));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = read_config(text, "balcony.toml", {}, modules());
  if (!config) {
    BALCONY_ASSERT(config.error().code == Errc::kConfig, config.error().to_string());
    check_problems(config.error().detail);
    return 0;
  }
  BALCONY_ASSERT(!(*config)->hosts.empty() && !(*config)->listen.empty(), "nothing to serve");
  BALCONY_ASSERT(read_config(text, "balcony.toml", {}, modules()), "read once and not again");
  return 0;
}
