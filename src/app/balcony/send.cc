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
namespace {

std::string body_of(SendArguments& arguments) {
  if (arguments.body) return *std::move(arguments.body);
  std::string body(std::istreambuf_iterator<char>(std::cin), {});
  if (body.ends_with('\n')) body.pop_back();
  return body;
}

Result<std::vector<Jid>> recipients(const SendArguments& arguments) {
  std::vector<std::string> all = arguments.also_to;
  all.insert(all.begin(), arguments.to);
  std::vector<Jid> jids;
  for (const std::string& text : all) {
    auto jid = Jid::parse(text);
    if (!jid) {
      return fail(Errc::kUsage, "'" + text + "' is no address: " + jid.error().to_string());
    }
    jids.push_back(*std::move(jid));
  }
  return jids;
}

}  // namespace

Task<int> send(Client& client, Globals globals, SendArguments arguments) {
  const auto to = recipients(arguments);
  if (!to) co_return report(to.error());
  const std::string body = body_of(arguments);
  std::map<std::string, Jid> sent;  // by id
  std::map<std::string, Error> refused;
  client.on_message([&](const Message& m) {
    if (m.type != "error" || !sent.contains(std::string(m.id))) return;
    const auto error = read_stanza_error(m.xml);
    refused.insert_or_assign(std::string(m.id),
                             error ? stream::to_error(*error) : Error(Errc::kUndefinedCondition));
  });
  for (const Jid& jid : *to) {
    xml::Element message(ns::kClient, "message");
    const std::string id = "send-" + std::to_string(sent.size() + 1);
    message.set("to", jid.str()).set("type", arguments.type).set("id", id);
    if (!arguments.subject.empty()) message.append_text_element("subject", arguments.subject);
    message.append_text_element("body", body);
    sent.emplace(id, jid);
    if (auto done = client.send(std::move(message)); !done) co_return report(done.error());
  }
  // RFC 6120 §10.1: in order, so once the server answers this it has seen the messages; its own
  // objections have come by then.
  const auto answer = co_await client.ping();
  if (!answer && exit_code(answer.error().code) != kFailed) co_return report(answer.error());
  int code = kOk;
  for (const auto& [id, jid] : sent) {
    const auto error = refused.find(id);
    if (error != refused.end()) {
      if (sent.size() > 1) complain("to " + jid.str() + ":");
      code = report(error->second);
    } else if (globals.json) {
      say_json(nlohmann::json{{"sent", true}, {"to", jid.str()}, {"id", id}});
    }
  }
  co_return code;
}

}  // namespace balcony::cli
