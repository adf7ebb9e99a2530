#include "app/balcony/commands.h"
#include "app/balcony/exit_code.h"
#include "app/balcony/output.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"
#include "stream/server_says.h"

#include <nlohmann/json.hpp>

#include <iostream>
#include <iterator>

namespace balcony::cli {

Task<int> send(Client& client, Globals globals, SendArguments arguments) {
  auto to = Jid::parse(arguments.to);
  if (!to) co_return report(to.error());
  std::string body;
  if (arguments.body) {
    body = *std::move(arguments.body);
  } else {
    body.assign(std::istreambuf_iterator<char>(std::cin), {});
    if (body.ends_with('\n')) body.pop_back();
  }
  xml::Element message(ns::kClient, "message");
  const std::string id = "send-1";
  message.set("to", to->str()).set("type", arguments.type).set("id", id);
  if (!arguments.subject.empty()) message.append_text_element("subject", arguments.subject);
  message.append_text_element("body", body);

  std::optional<Error> refused;
  client.on_message([&](const Message& m) {
    if (m.type != "error" || m.id != id) return;
    const auto error = read_stanza_error(m.xml);
    refused = error ? stream::to_error(*error) : Error(Errc::kUndefinedCondition);
  });
  if (auto sent = client.send(std::move(message)); !sent) co_return report(sent.error());
  // RFC 6120 §10.1: in order, so once the server answers this it has seen the message; its own
  // objections have come by then.
  const auto answer = co_await client.ping();
  if (refused) co_return report(*refused);
  if (!answer && exit_code(answer.error().code) != kFailed) co_return report(answer.error());
  if (globals.json) say_json(nlohmann::json{{"sent", true}, {"to", to->str()}, {"id", id}});
  co_return kOk;
}

}  // namespace balcony::cli
