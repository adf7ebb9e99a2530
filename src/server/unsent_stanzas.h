// What was written to a stream without acknowledgements and may not be out yet: messages and
// requests, of which somebody has to hear when the stream breaks before the system took them.
//
// Keeps of each its addresses, id and receipt, until the connection has passed on its last byte.
// Used by ComponentSession, and between servers. One shard.
#pragma once

#include "base/loop.h"
#include "stanza/stanza.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace balcony::server {

class UnsentStanzas {
 public:
  // `unsent`: how many bytes the connection has and the system has not; nullopt when it broke and
  // nobody knows. `loop` must outlive this, and what `unsent` looks at too.
  UnsentStanzas(Loop& loop, std::function<std::optional<std::size_t>()> unsent)
      : loop_(loop), unsent_(std::move(unsent)) {}
  ~UnsentStanzas() { loop_.cancel(timer_); }
  UnsentStanzas(const UnsentStanzas&) = delete;
  UnsentStanzas& operator=(const UnsentStanzas&) = delete;

  // So many bytes were given to the transport.
  void wrote(std::size_t bytes) { written_ += bytes; }
  // This stanza was the last of them.
  void wrote(const Stanza& stanza);

  // What is not out, as far as one can tell, in order: without payloads.
  std::deque<Stanza> take();

 private:
  struct Entry {
    std::uint64_t end;  // of its bytes among all that were written
    Stanza stanza;
  };
  void settle();
  void look_soon();
  void look_again();

  Loop& loop_;
  const std::function<std::optional<std::size_t>()> unsent_;
  std::uint64_t written_ = 0;
  std::deque<Entry> entries_;
  TimerId timer_ = 0;
  // Set for as long as this lives: for what was posted.
  std::shared_ptr<UnsentStanzas*> self_ = std::make_shared<UnsentStanzas*>(this);
  bool looking_ = false;
};

}  // namespace balcony::server
