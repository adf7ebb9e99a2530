#include "app/balcony/commands.h"
#include "app/balcony/exit_code.h"
#include "app/balcony/output.h"

#include <nlohmann/json.hpp>

namespace balcony::cli {
namespace {

using Action = PresenceArguments::Action;

std::string_view subscription_type(Action action) {
  switch (action) {
    case Action::kSubscribe: return "subscribe";
    case Action::kApprove: return "subscribed";
    case Action::kDeny: return "unsubscribed";
    default: return "unsubscribe";
  }
}

// Stays there, until it is interrupted.
Task<int> stay(Client& client, Globals globals, PresenceArguments arguments) {
  std::optional<Error> lost;
  client.on_disconnect([&](const Error& why, bool again) {
    if (!again) lost = why;
  });
  if (auto sent = client.send_presence(arguments.show, arguments.status); !sent) {
    co_return report(sent.error());
  }
  complain("present as " + client.jid().str() + " until interrupted");
  Runtime& runtime = *Runtime::current();
  const auto limit = globals.timeout_or(std::chrono::milliseconds(0));
  const auto until = runtime.now() + limit;
  while (!lost && !was_interrupted() && (limit.count() == 0 || runtime.now() < until)) {
    co_await runtime.sleep(std::chrono::milliseconds(100));
  }
  client.on_disconnect({});
  if (lost) co_return report(*lost);
  co_return kOk;
}

// Who is there now: one's own presence makes the server tell (RFC 6121 §4.2.2); with a negative
// priority no message comes this way (§4.7.2.3).
Task<int> watch(Client& client, Globals globals, PresenceArguments arguments) {
  std::map<std::string, std::string> lines;
  client.on_presence([&](const Presence& presence) {
    if (!presence.type.empty() && presence.type != "unavailable") return;
    if (presence.from.same_bare(client.jid())) return;
    if (!arguments.jid.empty() && presence.from.bare_str() != arguments.jid) return;
    if (!presence.type.empty()) {
      lines.erase(presence.from.str());
    } else if (globals.json) {
      lines[presence.from.str()] =
          to_json(presence).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    } else {
      lines[presence.from.str()] = to_line(presence);
    }
  });
  if (auto sent = client.send_presence({}, {}, -1); !sent) co_return report(sent.error());
  const auto wait =
      std::chrono::milliseconds(static_cast<std::int64_t>(arguments.wait_seconds * 1000));
  co_await Runtime::current()->sleep(wait);
  client.on_presence({});
  for (const auto& [jid, line] : lines) say(line);
  if (lines.empty() && !globals.json) complain("nobody is there");
  co_return kOk;
}

}  // namespace

Task<int> presence(Client& client, Globals globals, PresenceArguments arguments) {
  if (arguments.action == Action::kSet) {
    co_return co_await stay(client, std::move(globals), std::move(arguments));
  }
  if (!arguments.jid.empty()) {
    const auto jid = address_or(arguments.jid, client.jid());
    if (!jid) co_return report(jid.error());
    arguments.jid = jid->bare_str();
  }
  if (arguments.action == Action::kWatch) {
    co_return co_await watch(client, std::move(globals), std::move(arguments));
  }
  const Jid to = *Jid::parse(arguments.jid);
  auto done = client.send_presence_to(to, subscription_type(arguments.action));
  // In order: what the server has to say about it has come before the answer.
  if (done) {
    const auto answer = co_await client.ping();
    if (!answer && exit_code(answer.error().code) != kFailed) done = fail(answer.error());
  }
  if (!done) co_return report(done.error());
  co_return kOk;
}

}  // namespace balcony::cli
