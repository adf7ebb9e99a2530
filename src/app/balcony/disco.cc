// disco and version: what somebody says about himself.
#include "app/balcony/commands.h"
#include "app/balcony/exit_code.h"
#include "app/balcony/output.h"

#include <nlohmann/json.hpp>

#include <set>

namespace balcony::cli {
namespace {

constexpr int kTreeDepthMax = 4;
constexpr std::size_t kTreeNodesMax = 500;

void print(const DiscoInfo& info) {
  for (const auto& identity : info.identities) {
    say(printable("identity " + identity.category + "/" + identity.type + "  " + identity.name));
  }
  for (const std::string& feature : info.features) say(printable("feature  " + feature));
}

// Walks over what belongs to somebody, each place once.
struct Tree {
  Client& client;
  bool json;
  std::set<std::pair<std::string, std::string>> seen;

  void show(const DiscoItem& item, int depth, const Result<DiscoInfo>& info) const {
    if (json) {
      nlohmann::json line = to_json(item);
      line["depth"] = depth;
      if (info) line.update(to_json(*info));
      return say_json(line);
    }
    std::string line(static_cast<std::size_t>(depth) * 2, ' ');
    line += item.jid.str();
    if (!item.node.empty()) line += " node " + item.node;
    if (info && !info->identities.empty()) {
      const auto& identity = info->identities.front();
      line += "  " + identity.category + "/" + identity.type + "  " + identity.name;
      line += "  (" + std::to_string(info->features.size()) + " features)";
    } else if (!item.name.empty()) {
      line += "  " + item.name;
    }
    if (!info) line += "  (" + std::string(to_string(info.error().code)) + ")";
    say(printable(line));
  }

  Task<> walk(DiscoItem item, int depth) {
    if (seen.size() >= kTreeNodesMax || !seen.emplace(item.jid.str(), item.node).second) co_return;
    const auto info = co_await client.disco_info(item.jid, item.node);
    show(item, depth, info);
    if (depth == kTreeDepthMax || was_interrupted()) co_return;
    const auto items = co_await client.disco_items(item.jid, item.node);
    if (!items) co_return;
    for (const DiscoItem& below : *items) {
      DiscoItem next = below;
      co_await walk(std::move(next), depth + 1);
    }
  }
};

}  // namespace

Task<int> disco(Client& client, Globals globals, DiscoArguments arguments) {
  const auto to = address_or(arguments.to, client.jid().domain_jid());
  if (!to) co_return report(to.error());
  if (arguments.tree) {
    Tree tree{client, globals.json, {}};
    DiscoItem root(*to, arguments.node);
    co_await tree.walk(std::move(root), 0);
    co_return kOk;
  }
  if (!arguments.items) {
    const auto info = co_await client.disco_info(*to, arguments.node);
    if (!info) co_return report(info.error());
    if (globals.json) {
      say_json(to_json(*info));
    } else {
      print(*info);
    }
    co_return kOk;
  }
  const auto items = co_await client.disco_items(*to, arguments.node);
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

Task<int> version(Client& client, Globals globals, std::string of) {
  const auto to = address_or(of, client.jid().domain_jid());
  if (!to) co_return report(to.error());
  const auto version = co_await client.version(*to);
  if (!version) co_return report(version.error());
  if (globals.json) {
    say_json(nlohmann::json{
        {"name", version->name}, {"version", version->version}, {"os", version->os}});
  } else {
    const std::string os = version->os.empty() ? "" : " (" + version->os + ")";
    say(printable(version->name + " " + version->version + os));
  }
  co_return kOk;
}

}  // namespace balcony::cli
