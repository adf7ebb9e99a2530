// Watcher: what the shard's loop calls when a descriptor is ready. Base of connections, acceptors
// and other things with a descriptor; nothing outside of net/ needs it.
//
// A watcher belongs to one shard's thread. It may be destroyed at any moment on that thread, also
// from inside a call of the loop.
#pragma once

#include <cstdint>

namespace balcony {

class Reactor;

// A link of a list that passes through its members: entering and leaving cost no allocation.
struct ListLink {
  ListLink* previous = nullptr;
  ListLink* next = nullptr;

  bool is_linked() const noexcept { return next != nullptr; }
  void unlink() noexcept;
  void insert_before(ListLink& place) noexcept;
};

class Watcher {
 public:
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

 protected:
  Watcher() noexcept : registered_(*this), turn_(*this) {}
  virtual ~Watcher();

  // `events`: EPOLLIN, EPOLLOUT, … as epoll_wait(2) gives them.
  virtual void on_events(std::uint32_t events) = 0;
  // The end of a turn in which Reactor::at_end_of_turn(*this) was called.
  virtual void on_turn_end() {}
  // The loop ends: whoever waits must be told now.
  virtual void on_shutdown() {}

 private:
  friend class Reactor;
  struct Link : ListLink {
    explicit Link(Watcher& owner) noexcept : watcher(&owner) {}
    Watcher* watcher;
  };
  Reactor* reactor_ = nullptr;
  Link registered_;
  Link turn_;
};

}  // namespace balcony
