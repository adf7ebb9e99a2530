#include "app/balcony/commands.h"
#include "app/balcony/exit_code.h"
#include "app/balcony/output.h"
#include "app/balcony/shell_command.h"

#include <nlohmann/json.hpp>

#include <deque>

namespace balcony::cli {
namespace {

// Messages that wait for the command; more are dropped, and that is said.
constexpr std::size_t kWaitingMax = 1000;

struct Waiting {
  std::string body;
  std::map<std::string, std::string> variables;
};

Waiting to_variables(const Message& message) {
  Waiting waiting{message.body, {}};
  waiting.variables = {{"BALCONY_FROM", message.from.str()},
                       {"BALCONY_FROM_BARE", std::string(message.from.bare_str())},
                       {"BALCONY_TYPE", std::string(message.type)},
                       {"BALCONY_ID", std::string(message.id)},
                       {"BALCONY_SUBJECT", message.subject}};
  // A NUL would cut a variable short; XML has none. The rest is the command's to quote.
  return waiting;
}

void tell_of_connection(Client& client, std::optional<Error>& lost) {
  client.on_disconnect([&](const Error& why, bool will_reconnect) {
    if (will_reconnect) {
      complain("the connection was lost (" + printable(why.detail) + "); trying again");
    } else {
      lost = why;
    }
  });
  client.on_resume([] { complain("connected again; nothing was lost"); });
  client.on_reconnect([] { complain("connected again, in a new session"); });
}

}  // namespace

Task<int> listen(Client& client, Globals globals, ListenArguments arguments) {
  std::size_t seen = 0;
  std::deque<Waiting> waiting;
  const auto is_done = [&] { return arguments.count > 0 && seen >= arguments.count; };
  client.on_message([&](const Message& message) {
    // What has nothing to read (chat states, receipts) is for programs.
    if (is_done() || (message.body.empty() && message.type != "error")) return;
    ++seen;
    if (arguments.exec.empty()) {
      globals.json ? say_json(to_json(message)) : say(to_line(message));
    } else if (waiting.size() < kWaitingMax) {
      waiting.push_back(to_variables(message));
    } else {
      complain("too many messages wait for the command; one was dropped");
    }
  });
  if (arguments.presence) {
    client.on_presence([&](const Presence& presence) {
      if (is_done()) return;
      globals.json ? say_json(to_json(presence)) : say(to_line(presence));
    });
  }
  std::optional<Error> lost;
  tell_of_connection(client, lost);
  if (auto sent = client.send_presence(); !sent) co_return report(sent.error());
  if (globals.json) {
    say_json(nlohmann::json{{"kind", "ready"}, {"jid", client.jid().str()}});
  } else {
    complain("listening as " + client.jid().str());
  }

  Runtime& runtime = *Runtime::current();
  const auto limit = globals.timeout_or(std::chrono::milliseconds(0));
  const auto until = runtime.now() + limit;
  bool timed_out = false;
  while (!timed_out && !lost && !was_interrupted()) {
    if (!waiting.empty()) {
      Waiting next = std::move(waiting.front());
      waiting.pop_front();
      const int code =
          co_await run_shell(arguments.exec, std::move(next.body), std::move(next.variables));
      if (code != 0) complain("the command ended with " + std::to_string(code));
      continue;
    }
    if (is_done()) break;
    timed_out = limit.count() > 0 && runtime.now() > until;
    if (!timed_out) co_await runtime.sleep(std::chrono::milliseconds(50));
  }
  client.on_disconnect({});
  client.on_message({});
  if (timed_out && arguments.count > 0) {
    co_return report(Error(Errc::kTimeout, "fewer messages came than were waited for"));
  }
  if (lost && !is_done()) co_return report(*lost);
  co_return kOk;
}

}  // namespace balcony::cli
