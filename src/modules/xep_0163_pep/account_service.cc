#include "modules/xep_0163_pep/account_service.h"

#include "base/log.h"
#include "modules/xep_0163_pep/notify.h"
#include "modules/xep_0163_pep/state.h"

#include <string>
#include <utility>

namespace balcony::modules::pep {
namespace {

using router::RosterItem;
using router::Server;
using router::SlotKey;
using router::User;

const SlotKey<pubsub::Nodes> kNodes;                   // of an account that has some, or had
const SlotKey<std::shared_ptr<pubsub::Turns>> kTurns;  // of one whose nodes were changed
constexpr std::uint32_t kNodesAtOnce = 1'000;

// XEP-0163 §4.3.3: contacts elsewhere who are online already have never told what they want.
void probe_remote_contacts(Server& server, const User& user) {
  if (!user.has_available()) return;
  std::vector<Jid> contacts;
  for (const RosterItem& item : user.roster.items()) {
    if (item.state.to && item.state.from && !server.is_local(item.jid.domain())) {
      contacts.push_back(item.jid);
    }
  }
  for (const Jid& contact : contacts) {
    Stanza probe(StanzaKind::kPresence, StanzaType::kProbe);
    probe.set_from(user.bare);
    probe.set_to(contact);
    server.route(std::move(probe));
  }
}

class AccountService final : public pubsub::Service {
 public:
  AccountService(Server& server, std::shared_ptr<User> user, const pubsub::ServiceLimits& limits)
      : server_(server), user_(std::move(user)), limits_(limits) {}

  const Jid& jid() const override { return user_->bare; }
  Server& server() override { return server_; }
  const pubsub::ServiceLimits& limits() const override { return limits_; }
  pubsub::Nodes* nodes() override {
    // Turns that were begun before the user was read again are over.
    if (user_->state != User::State::kReady) return nullptr;
    if (turns_ && user_->slots.get(kTurns) != turns_) return nullptr;
    return &user_->slots.get(kNodes);
  }
  std::shared_ptr<pubsub::Turns> turns() override {
    std::shared_ptr<pubsub::Turns>& kept = user_->slots.get(kTurns);
    if (!kept) kept = std::make_shared<pubsub::Turns>();
    turns_ = kept;
    return kept;
  }
  pubsub::Relation relation(const Jid& who) override { return relation_of(*user_, who); }

  storage::Ticket commit(storage::Batch batch) override {
    const bool first = user_->slots.get(kNodes).size() == 1;
    if (shard_state(server_).owners.add(user_->bare) && first) {
      probe_remote_contacts(server_, *user_);
    }
    return server_.commit(*user_, std::move(batch));
  }
  void notify(storage::Ticket after, pubsub::Notice notice) override {
    const auto kept = std::make_shared<const pubsub::Notice>(std::move(notice));
    server_.after_commit(after, [&server = server_, account = user_->bare, kept] {
      if (const auto user = server.loaded_user(account)) tell(server, *user, *kept);
    });
  }
  void greet(storage::Ticket after, std::string node, Jid subscriber) override {
    const auto wanted = std::make_shared<const std::vector<std::string>>(1, std::move(node));
    server_.after_commit(after, [&server = server_, account = user_->bare, wanted, subscriber] {
      const auto user = server.loaded_user(account);
      if (user) send_last_items(server, user, subscriber, wanted, Occasion::kSubscription);
    });
  }

 private:
  Server& server_;
  std::shared_ptr<User> user_;
  const pubsub::ServiceLimits& limits_;
  std::shared_ptr<pubsub::Turns> turns_;
};

}  // namespace

pubsub::Nodes* nodes_of(User& user) {
  return user.slots.find(kNodes);
}

const pubsub::Nodes* nodes_of(const User& user) {
  return user.slots.find(kNodes);
}

pubsub::Relation relation_of(const User& user, const Jid& who) {
  using Kind = pubsub::Relation::Kind;
  if (who.same_bare(user.bare)) return {Kind::kOwner};
  const RosterItem* item = user.roster.find(who);
  if (!item) return {Kind::kStranger};
  if (item->state.from) return {Kind::kSubscribed, item->groups()};
  // Whose presence he gets, or has asked for, knows of him.
  if (item->state.to || item->state.pending_out) return {Kind::kKnown};
  return {Kind::kStranger};
}

Task<Result<>> load_nodes(Server& server, std::shared_ptr<User> user) {
  const std::string owner = user->bare.str();
  std::string after;
  for (bool more = true; more;) {
    BALCONY_CO_ASSIGN(const auto page,
                      co_await server.store().scan(owner, std::string(pubsub::kNodeStore), "",
                                                   after, kNodesAtOnce));
    for (const storage::MapEntry& entry : page) {
      if (auto node = pubsub::load_node(entry.value.value)) {
        user->slots.get(kNodes).emplace(entry.key, *std::move(node));
      } else {
        log_error("node cannot be read",
                  {{"jid", owner}, {"node", entry.key}, {"error", node.error().to_string()}});
      }
    }
    more = page.size() == kNodesAtOnce;
    if (more) after = page.back().key;
  }
  co_return Result<>{};
}

pubsub::ServicePtr account_service(Server& server, std::shared_ptr<User> user,
                                   const pubsub::ServiceLimits& limits) {
  return std::make_shared<AccountService>(server, std::move(user), limits);
}

}  // namespace balcony::modules::pep
