// Which of the stanzas that a stream received are settled (docs/decisions/0012): the h of XEP-0198
// is how many are, up to the first that is not.
//
//   ledger->pass()              one that was settled when its handler returned
//   receipt = ledger->enter(n)  one of n bytes; settled when the last copy of the receipt is gone
//
// A client that resumes its session sends everything above h again (XEP-0198 §5), also what is here
// and only not settled yet: that is known again and must not be handled twice.
//
// Lives on the loop of its stream's home; receipts may be dropped on any thread. Two handles keep a
// ledger: its stream, and the receipts that are out.
#pragma once

#include "base/loop.h"
#include "stanza/receipt.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace balcony::server {

class Ledger : public std::enable_shared_from_this<Ledger> {
 public:
  explicit Ledger(Loop& home) : home_(home) {}

  void pass();
  ReceiptPtr enter(std::size_t bytes);

  // A stanza comes, as the client wrote it: to be called before it is entered or passed, where it
  // may come again. True: it is here already, and is not to be handled.
  bool arrives(std::string_view text);
  // The session was resumed: the client was told settled() and sends again what it sent after that.
  void rewind();

  // How many stanzas the client has sent, and how many of them are settled in a row; modulo 2^32.
  // What it is yet to send again counts in neither.
  std::uint32_t entered() const noexcept {
    return settled_ + static_cast<std::uint32_t>(open() - again_.size());
  }
  std::uint32_t settled() const noexcept { return again_.size() > open() ? entered() : settled_; }
  // Goes on with the count of an earlier stream; nothing may be open.
  void continue_from(std::uint32_t settled) noexcept { settled_ = settled; }

  // What is not settled: stanzas, with those that wait behind them, and their bytes.
  std::size_t open() const noexcept { return entries_.size() - first_; }
  std::size_t open_bytes() const noexcept { return open_bytes_; }

  // Called whenever settled() has grown, but by pass(). May be replaced; empty: nobody.
  void on_progress(std::function<void()> listener) { listener_ = std::move(listener); }

  // The stream is over: receipts that are still out tell nobody. Before the loop ends.
  void close();

 private:
  class Slip;
  struct Entry {
    std::size_t bytes = 0;
    bool settled = false;
    std::size_t digest = 0;  // of its text
    std::uint64_t serial = 0;
  };
  void settle(std::uint32_t number, std::uint64_t serial);
  void advance();
  void drop_again();

  Loop& home_;
  std::atomic<bool> closed_ = false;
  std::uint32_t settled_ = 0;  // the number of entries_[first_]
  std::size_t first_ = 0;
  std::vector<Entry> entries_;
  std::size_t open_bytes_ = 0;
  std::uint64_t serial_ = 0;       // of the last entry
  std::size_t arriving_ = 0;       // the digest of what is to be entered next
  std::deque<std::size_t> again_;  // digests of what the client is to send again, in order
  std::function<void()> listener_;
};

}  // namespace balcony::server
