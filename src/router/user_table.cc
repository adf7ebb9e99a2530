#include "router/user_table.h"

#include "base/log.h"
#include "router/router.h"

#include <utility>

namespace balcony::router {

std::shared_ptr<User> UserTable::loaded(std::string_view bare) const {
  const auto found = users_.find(bare);
  if (found == users_.end() || found->second->state != User::State::kReady) return nullptr;
  return found->second;
}

bool UserTable::is_offline(std::string_view bare) const {
  const auto found = users_.find(bare);
  if (found == users_.end()) return true;
  return found->second->state == User::State::kReady && found->second->resources.empty();
}

void UserTable::with(const Jid& bare, Then then) {
  const auto found = users_.find(bare.bare_str());
  if (found != users_.end()) {
    const std::shared_ptr<User> user = found->second;
    if (user->state == User::State::kReady) {
      then(user);
      if (user->resources.empty()) touch(user);
    } else if (user->waiting_.size() >= router_.options().waiting_max) {
      then(fail(Errc::kResourceConstraint, "too much already waits for this account"));
    } else {
      user->waiting_.push_back(std::move(then));
    }
    return;
  }
  Host* host = router_.host(bare.domain());
  if (!host || !bare.has_local()) {
    return then(fail(Errc::kServiceUnavailable, "there is no such account here"));
  }
  auto user = std::make_shared<User>(bare.bare(), *host);
  user->waiting_.push_back(std::move(then));
  users_.emplace(user->bare.str(), user);
  router_.spawn(load(std::move(user)));
}

Task<UserTable::Loaded> UserTable::get(Jid bare) {
  OneShot<Loaded> done;
  with(bare, [&done](Loaded user) { done.set(std::move(user)); });
  co_return co_await done;
}

Task<> UserTable::load(std::shared_ptr<User> user) {
  const std::string domain(user->bare.domain());
  const std::string local(user->bare.local());
  auto account = co_await router_.deps().store.account(domain, local);
  if (!account) co_return finish_loading(user, fail(account.error()));
  if (!*account) {
    co_return finish_loading(user,
                             fail(Errc::kServiceUnavailable, "there is no such account here"));
  }
  // The generation is kept: a reload meanwhile must not pull the loaders from under us.
  const auto generation = user->host->generation();
  for (const auto& loader : generation->loaders) {
    auto loaded = co_await loader(user);
    if (!loaded) co_return finish_loading(user, std::move(loaded));
  }
  finish_loading(user, {});
}

void UserTable::finish_loading(const std::shared_ptr<User>& user, Result<> outcome) {
  if (user->state == User::State::kGone) {
    outcome = fail(Errc::kServiceUnavailable, "there is no such account here");
  }
  if (outcome) {
    user->state = User::State::kReady;
  } else {
    if (outcome.error().code != Errc::kServiceUnavailable) {
      log_error("user cannot be loaded",
                {{"jid", user->bare.str()}, {"error", outcome.error().to_string()}});
    }
    // Sessions of a user who cannot be loaded again cannot go on: what they would see is not true.
    while (!user->resources.empty()) {
      router_.end_session(*user->resources.back(),
                          {StreamCondition::kInternalServerError, "your data cannot be read"});
    }
    forget(user->bare.str());
  }
  // One of those that waited may make the user wait again (a commit that fails): the rest then
  // stays.
  for (auto& then : std::exchange(user->waiting_, {})) {
    if (!outcome) {
      then(fail(outcome.error()));
    } else if (user->state == User::State::kReady) {
      then(user);
    } else {
      user->waiting_.push_back(std::move(then));
    }
  }
  if (outcome && user->resources.empty()) touch(user);
}

void UserTable::hold(User& user) {
  if (user.state != User::State::kReady) return;
  user.state = User::State::kHeld;
  // Not to be pushed out by others, with those who wait for him.
  if (user.idle_) idle_.erase(*std::exchange(user.idle_, std::nullopt));
}

void UserTable::drop(User& user) {
  const auto found = users_.find(user.bare.str());
  if (found == users_.end() || found->second.get() != &user) return;
  const std::shared_ptr<User> kept = found->second;
  finish_loading(kept, fail(Errc::kServiceUnavailable, "there is no such account here"));
}

void UserTable::reload(User& user) {
  if (user.state != User::State::kReady && user.state != User::State::kHeld) return;
  const auto found = users_.find(user.bare.str());
  if (found == users_.end()) return;
  user.state = User::State::kLoading;
  user.roster = {};
  user.slots.clear();
  router_.spawn(load(found->second));
}

void UserTable::forget(std::string_view bare) {
  const auto found = users_.find(bare);
  if (found == users_.end()) return;
  const std::shared_ptr<User> user = found->second;
  user->state = User::State::kGone;
  if (user->idle_) idle_.erase(*std::exchange(user->idle_, std::nullopt));
  users_.erase(found);
}

void UserTable::touch(const std::shared_ptr<User>& user) {
  if (user->state != User::State::kReady) return;
  if (user->idle_) {
    idle_.splice(idle_.begin(), idle_, *user->idle_);
  } else {
    idle_.push_front(user);
    user->idle_ = idle_.begin();
  }
  while (idle_.size() > router_.options().offline_users_max) {
    const std::shared_ptr<User> oldest = idle_.back();
    idle_.pop_back();
    oldest->idle_.reset();
    // Somebody who still holds him (a task) holds a snapshot; the next one loads him anew.
    if (oldest->resources.empty()) users_.erase(oldest->bare.str());
  }
}

void UserTable::session_began(User& user) {
  ++sessions_;
  if (user.idle_) idle_.erase(*std::exchange(user.idle_, std::nullopt));
}

void UserTable::session_ended(User& user) {
  --sessions_;
  const auto found = users_.find(user.bare.str());
  if (found != users_.end() && user.resources.empty()) touch(found->second);
}

void UserTable::for_each(const std::function<void(User&)>& f) const {
  std::vector<std::shared_ptr<User>> all;
  all.reserve(users_.size());
  for (const auto& [bare, user] : users_) all.push_back(user);
  for (const auto& user : all) {
    if (user->state == User::State::kReady) f(*user);
  }
}

}  // namespace balcony::router
