// The users whose home is this shard and of whom something is in memory: those with sessions, and
// the most recently used of the others, up to a limit.
#pragma once

#include "base/siphash.h"
#include "router/user.h"

#include <balcony/jid.h>
#include <balcony/task.h>

#include <boost/unordered/unordered_flat_map.hpp>

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

namespace balcony::router {

class Router;

class UserTable {
 public:
  explicit UserTable(Router& router) : router_(router) {}

  using Loaded = Result<std::shared_ptr<User>>;
  using Then = std::move_only_function<void(Loaded)>;

  // Calls `then` with the user loaded: at once when he is, else after loading, in the order of the
  // calls. Errors: kServiceUnavailable when there is no such account (also when its host is none of
  // ours), kResourceConstraint when too many already wait, storage errors.
  void with(const Jid& bare, Then then);
  // The same for a coroutine.
  Task<Loaded> get(Jid bare);

  // The user if he is loaded, else null.
  std::shared_ptr<User> loaded(std::string_view bare) const;
  // Whether a user whose home is here has no session. False while he is being loaded.
  bool is_offline(std::string_view bare) const;

  // Drops what is cached of a user and loads it again (a commit failed, or he was held); stanzas
  // for him wait meanwhile.
  void reload(User& user);
  // What comes for the user waits until reload() or drop(). He keeps his sessions.
  void hold(User& user);
  // The end of one who is held and has no sessions left: his account is gone, and who waited is
  // told so.
  void drop(User& user);
  // Forgets a user whose account is gone.
  void forget(std::string_view bare);

  std::size_t size() const { return users_.size(); }
  std::size_t sessions() const { return sessions_; }
  // Calls `f` for each loaded user.
  void for_each(const std::function<void(User&)>& f) const;

 private:
  friend class Router;
  Task<> load(std::shared_ptr<User> user);
  void finish_loading(const std::shared_ptr<User>& user, Result<> outcome);
  // A user without sessions counts as used now; the least recently used beyond the limit are
  // dropped.
  void touch(const std::shared_ptr<User>& user);
  void session_began(User& user);
  void session_ended(User& user);

  Router& router_;
  // Keys point into User::bare. Flat: each stanza looks somebody up whose place in it is cold.
  // Hashed with a key: peers choose the addresses.
  boost::unordered_flat_map<std::string_view, std::shared_ptr<User>, SipHash> users_;
  std::size_t sessions_ = 0;
  std::list<std::shared_ptr<User>> idle_;  // without sessions, most recently used first
};

}  // namespace balcony::router
