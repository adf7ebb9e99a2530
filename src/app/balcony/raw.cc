#include "app/balcony/commands.h"
#include "app/balcony/exit_code.h"
#include "app/balcony/output.h"
#include "xml/writer.h"

#include <nlohmann/json.hpp>

#include <array>
#include <poll.h>
#include <unistd.h>

namespace balcony::cli {
namespace {

// What lies in standard input now; empty when there is nothing yet. False at its end.
bool read_input(std::string& text) {
  text.clear();
  pollfd input = {STDIN_FILENO, POLLIN, 0};
  if (::poll(&input, 1, 0) <= 0) return true;
  std::array<char, 16384> buffer;
  const auto count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
  if (count <= 0) return false;
  text.assign(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

}  // namespace

Task<int> raw(Client& client, Globals globals, RawArguments arguments) {
  std::size_t seen = 0;
  client.on_element([&](xml::ElementView element) {
    ++seen;
    const std::string text = xml::to_string(element);
    globals.json ? say_json(nlohmann::json{{"xml", text}}) : say(printable(text));
  });
  std::optional<Error> lost;
  client.on_disconnect([&](const Error& why, bool) { lost = why; });

  bool more = !arguments.xml;
  if (arguments.xml) (void)client.send_raw(*arguments.xml);
  const auto is_done = [&] { return lost || (arguments.count > 0 && seen >= arguments.count); };
  Runtime& runtime = *Runtime::current();
  auto wait = std::chrono::milliseconds(static_cast<std::int64_t>(arguments.wait_seconds * 1000));
  if (arguments.count > 0) wait = globals.timeout_or(std::chrono::seconds(30));
  auto until = runtime.now() + wait;
  std::string input;
  while (!is_done() && !was_interrupted() && (more || runtime.now() < until)) {
    if (more) {
      more = read_input(input);
      until = runtime.now() + wait;
      if (!input.empty()) {
        (void)client.send_raw(input);
        continue;
      }
    }
    co_await runtime.sleep(std::chrono::milliseconds(50));
  }
  client.on_disconnect({});
  client.on_element({});
  if (arguments.count > 0 && seen < arguments.count && !lost) {
    co_return report(Error(Errc::kTimeout, "fewer elements came than were waited for"));
  }
  if (lost && (arguments.count == 0 || seen < arguments.count)) co_return report(*lost);
  co_return kOk;
}

}  // namespace balcony::cli
