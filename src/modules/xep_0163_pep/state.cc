#include "modules/xep_0163_pep/state.h"

#include "base/log.h"
#include "modules/pubsub/node.h"

#include <functional>
#include <utility>
#include <vector>

namespace balcony::modules::pep {
namespace {

const router::SlotKey<ShardState> kShardState;
constexpr std::uint32_t kOwnersAtOnce = 1'000;

std::size_t hash_of_account(std::string_view bare) {
  return std::hash<std::string_view>{}(bare);
}

}  // namespace

ShardState& shard_state(router::Server& server) {
  return server.slots().get(kShardState);
}

bool Owners::may_have(router::Server& server, const Jid& account) {
  if (state_ == State::kUnread) {
    state_ = State::kReading;
    server.spawn(nullptr, read(server));
  }
  return state_ != State::kRead || hashes_.contains(hash_of_account(account.bare_str()));
}

bool Owners::add(const Jid& account) {
  return hashes_.insert(hash_of_account(account.bare_str())).second;
}

Task<> Owners::read(router::Server& server) {
  std::string after;
  for (bool more = true; more;) {
    auto page =
        co_await server.store().owners(std::string(pubsub::kNodeStore), after, kOwnersAtOnce);
    Owners& self = shard_state(server).owners;
    if (!page) {
      log_error("accounts with nodes cannot be read", {{"error", page.error().to_string()}});
      self.state_ = State::kUnread;
      co_return;
    }
    for (const std::string& owner : *page) {
      const auto jid = Jid::parse(owner);
      if (!jid || jid->domain() != server.host().domain() || !server.is_home(*jid)) continue;
      self.add(*jid);
    }
    more = page->size() == kOwnersAtOnce;
    if (more) after = page->back();
  }
  shard_state(server).owners.state_ = State::kRead;
}

}  // namespace balcony::modules::pep
