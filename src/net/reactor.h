// Reactor: epoll(7) for one shard. Used by Shard and by watchers; one thread.
//
// Why not Asio: with it an idle connection took 1.0 to 1.3 KB and one epoll_ctl(2) for each wait.
// Here a socket is registered once, waiting is a bit in the connection, nothing is allocated or
// locked, and an idle connection with its coroutine and its deadline takes 560 bytes. The end of a
// turn, the batches of posts and moving a socket to another shard are exact instead of worked
// around, and what a shard needs of a reactor is this file.
#pragma once

#include "net/file_descriptor.h"
#include "net/watcher.h"

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace balcony {

class Reactor {
 public:
  // A system without descriptors or epoll ends the process: a shard cannot live without.
  Reactor();
  ~Reactor();

  // Watches `fd` for `events` (EPOLLIN, …, EPOLLET). False: the system refuses (limits).
  [[nodiscard]] bool add(Watcher& watcher, int fd, std::uint32_t events);
  // Stops watching; events at hand for it are dropped. Before `fd` is closed.
  void remove(Watcher& watcher, int fd) noexcept;

  // Calls watcher.on_turn_end() once, at the end of the turn at hand.
  void at_end_of_turn(Watcher& watcher) noexcept;
  bool has_turn_ends() const noexcept;
  // Those registered while it runs come in the next turn.
  void run_turn_ends();

  // Waits for events at most `timeout_ms` (-1: for ever) and calls their watchers.
  void wait(int timeout_ms);
  // Makes wait() return, now or next time. From any thread.
  void wake() noexcept;

  // Tells every watcher that the loop ends.
  void shut_down();

 private:
  friend class Watcher;
  void forget(const Watcher& watcher) noexcept;

  FileDescriptor epoll_;
  FileDescriptor wake_;
  ListLink registered_;
  ListLink turn_ends_;
  std::array<epoll_event, 128> events_;
  int event_at_ = 0;
  int event_count_ = 0;
};

}  // namespace balcony
