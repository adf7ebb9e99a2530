#include "app/balcony/commands.h"
#include "app/balcony/exit_code.h"
#include "app/balcony/output.h"

#include <nlohmann/json.hpp>

namespace balcony::cli {
namespace {

void print(const DiscoInfo& info) {
  for (const auto& identity : info.identities) {
    say(printable("identity " + identity.category + "/" + identity.type + "  " + identity.name));
  }
  for (const std::string& feature : info.features) say(printable("feature  " + feature));
}

}  // namespace

Task<int> disco(Client& client, Globals globals, DiscoArguments arguments) {
  Jid to = client.jid().domain_jid();
  if (!arguments.to.empty()) {
    auto jid = Jid::parse(arguments.to);
    if (!jid) co_return report(jid.error());
    to = *std::move(jid);
  }
  if (!arguments.items) {
    const auto info = co_await client.disco_info(to, arguments.node);
    if (!info) co_return report(info.error());
    if (globals.json) {
      say_json(to_json(*info));
    } else {
      print(*info);
    }
    co_return kOk;
  }
  const auto items = co_await client.disco_items(to, arguments.node);
  if (!items) co_return report(items.error());
  for (const DiscoItem& item : *items) {
    if (globals.json) {
      say_json(to_json(item));
    } else {
      say(printable(item.jid.str() + "  " + item.node + "  " + item.name));
    }
  }
  co_return kOk;
}

}  // namespace balcony::cli
