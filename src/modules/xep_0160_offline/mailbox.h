// What is in memory of a user's offline store: how full it is, and which of its rows are with
// streams whose clients have not acknowledged them (docs/decisions/0014).
//
// A row is erased when a client has its message, never because it was handed out. Until then nobody
// else is handed it; a stream that ends gives it back by dropping the receipt. What is to be erased
// goes in one batch for each turn of the loop, row by row: rows of other streams may lie between.
//
// In a slot of the user; home shard only. Receipts and commits under way keep it alive.
#pragma once

#include "base/loop.h"
#include "router/slots.h"
#include "stanza/receipt.h"
#include "storage/storage.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace balcony::modules {

inline constexpr std::string_view kOfflineStore = "offline";

class Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  // When the user is loaded anew there are other counts, and an erasure that is under way changes
  // the old ones: `messages` and `bytes` may be too high afterwards, never too low.
  struct Counts {
    std::int64_t messages = 0;
    std::uint64_t bytes = 0;  // of their XML
    std::uint64_t kept = 0;   // how many came since it was loaded

    void take_out(std::uint64_t size);
  };

  // `loop` and `store` are the shard's. `owner`: the bare JID.
  Mailbox(Loop& loop, storage::Store& store, std::string owner)
      : loop_(loop), store_(store), owner_(std::move(owner)) {}

  const std::shared_ptr<Counts>& counts() const noexcept { return counts_; }
  void set_counts(const Counts& counts) { counts_ = std::make_shared<Counts>(counts); }

  // Whether there may be rows that nobody was handed.
  bool has_waiting() const;
  // Whether anybody has a row.
  bool has_out() const { return !rows_.empty(); }
  // With a stream, or waiting to be erased.
  bool is_out(const std::string& id) const { return rows_.contains(id); }

  // Hands the row to a stream: the receipt for its copy. `bytes`: of its XML.
  ReceiptPtr hand_out(std::string_view id, std::uint64_t bytes);
  // The row is of use to nobody.
  void drop(const std::string& id, std::uint64_t bytes);

  // The same for a row that is being written for a message which streams have already: its copy
  // stands for `promise`, the receipt of the message, and lets go of it when `ticket` is committed.
  // Where that fails there is no such row, and the promise is kept until the client has the
  // message; `lost` is called when it has not and will not.
  ReceiptPtr hand_out(std::string_view id, std::uint64_t bytes, ReceiptPtr promise,
                      storage::Ticket ticket, std::function<void(const Error&)> lost);
  // The copy that was made for this promise and that some stream still has; else null.
  ReceiptPtr copy_of(const ReceiptPtr& promise) const;

  // What could not be erased when it was to be is tried again.
  void retry() { erase_soon(); }

 private:
  class Copy;
  friend class Copy;
  struct Row {
    std::uint64_t bytes = 0;
    bool to_erase = false;
  };

  void erase(const std::string& id);
  void give_back(const std::string& id);
  void erase_soon();
  void erase_now();
  void erased(std::vector<std::string> ids, Counts& counts, const Result<>& outcome);

  Loop& loop_;
  storage::Store& store_;
  const std::string owner_;
  std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
  std::map<std::string, Row> rows_;    // bounded as the store is
  std::vector<std::string> to_erase_;  // of these, not yet in a batch
  bool erases_soon_ = false;
  std::unordered_map<const Receipt*, std::weak_ptr<Copy>> promised_;
};

extern const router::SlotKey<std::shared_ptr<Mailbox>> kMailbox;

}  // namespace balcony::modules
