#include "app/balcony/commands.h"
#include "app/balcony/exit_code.h"
#include "app/balcony/output.h"

#include <nlohmann/json.hpp>

namespace balcony::cli {

Task<int> listen(Client& client, Globals globals, ListenArguments arguments) {
  std::size_t seen = 0;
  const auto is_done = [&] { return arguments.count > 0 && seen >= arguments.count; };
  client.on_message([&](const Message& message) {
    // What has nothing to read (chat states, receipts) is for programs.
    if (is_done() || (message.body.empty() && message.type != "error")) return;
    ++seen;
    globals.json ? say_json(to_json(message)) : say(to_line(message));
  });
  if (arguments.presence) {
    client.on_presence([&](const Presence& presence) {
      if (is_done()) return;
      globals.json ? say_json(to_json(presence)) : say(to_line(presence));
    });
  }
  std::optional<Error> lost;
  client.on_disconnect([&](const Error& why, bool) { lost = why; });
  if (auto sent = client.send_presence(); !sent) co_return report(sent.error());
  if (globals.json) {
    say_json(nlohmann::json{{"kind", "ready"}, {"jid", client.jid().str()}});
  } else {
    complain("listening as " + client.jid().str());
  }

  Runtime& runtime = *Runtime::current();
  const auto limit = globals.timeout_or(std::chrono::milliseconds(0));
  const auto until = runtime.now() + limit;
  while (!is_done() && !lost && !was_interrupted()) {
    if (limit.count() > 0 && runtime.now() > until) {
      if (arguments.count == 0) break;
      co_return report(Error(Errc::kTimeout, "fewer messages came than were waited for"));
    }
    co_await runtime.sleep(std::chrono::milliseconds(50));
  }
  client.on_disconnect({});
  client.on_message({});
  if (lost && !is_done()) co_return report(*lost);
  co_return kOk;
}

}  // namespace balcony::cli
