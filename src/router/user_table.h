// The users whose home is this shard and of whom something is in memory: those with sessions, and
// the most recently used of the others, up to a limit.
#pragma once

#include "router/user.h"

#include <balcony/jid.h>
#include <balcony/task.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace balcony::router {

class Router;

class UserTable {
 public:
  explicit UserTable(Router& router) : router_(router) {}

  using Then = std::move_only_function<void(std::shared_ptr<User>)>;

  // Calls `then` with the user loaded: at once when he is, else after loading, in the order of the
  // calls. With null when there is no such account, storage fails, or too many already wait.
  void with(const Jid& bare, Then then);
  // The same for a coroutine.
  Task<std::shared_ptr<User>> get(Jid bare);

  // The user if he is loaded, else null.
  std::shared_ptr<User> loaded(std::string_view bare) const;

  // Drops what is cached of a user and loads it again (a commit failed); stanzas for him wait
  // meanwhile.
  void reload(User& user);
  // Forgets a user whose account is gone.
  void forget(std::string_view bare);

  std::size_t size() const { return users_.size(); }
  std::size_t sessions() const { return sessions_; }
  // Calls `f` for each loaded user.
  void for_each(const std::function<void(User&)>& f) const;

 private:
  friend class Router;
  Task<> load(std::shared_ptr<User> user);
  void finish_loading(const std::shared_ptr<User>& user, bool known);
  void touch(User& user);
  void evict();

  Router& router_;
  std::unordered_map<std::string_view, std::shared_ptr<User>> users_;  // keys point into User::bare
  std::size_t sessions_ = 0;
  std::uint64_t use_ = 0;
};

}  // namespace balcony::router
