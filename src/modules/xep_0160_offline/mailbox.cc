#include "modules/xep_0160_offline/mailbox.h"

#include "base/log.h"

#include <algorithm>
#include <utility>

namespace balcony::modules {
namespace {

// Erasing holds up everybody's commits: not more than this at once.
constexpr std::size_t kErasedAtOnce = 200;

}  // namespace

const router::SlotKey<std::shared_ptr<Mailbox>> kMailbox;

// What a stream holds for a row that it was handed.
class Mailbox::Copy final : public Receipt {
 public:
  Copy(std::shared_ptr<Mailbox> mailbox, std::string_view id, ReceiptPtr promise)
      : mailbox_(std::move(mailbox)), id_(id), promise_(std::move(promise)), promised_(promise_) {}

  ~Copy() override {
    if (promise_key_) mailbox_->promised_.erase(promise_key_);
    if (!failed_) mailbox_->give_back(id_);
  }

  std::string_view row() const override { return failed_ ? std::string_view() : id_; }
  void delivered() const override {
    *delivered_ = true;
    if (!failed_) mailbox_->erase(id_);
  }

  void remember_promise() { promise_key_ = promise_.get(); }
  bool is_for(const ReceiptPtr& promise) const { return promised_.lock() == promise; }
  std::shared_ptr<const bool> has_been_delivered() const { return delivered_; }

  void committed(const Result<>& outcome) {
    if (outcome) {
      promise_.reset();
      return;
    }
    failed_ = true;
    mailbox_->rows_.erase(id_);
  }

 private:
  const std::shared_ptr<Mailbox> mailbox_;
  const std::string id_;
  ReceiptPtr promise_;                           // null: none, or kept
  const std::weak_ptr<const Receipt> promised_;  // while it is there, its address names no other
  const Receipt* promise_key_ = nullptr;
  const std::shared_ptr<bool> delivered_ = std::make_shared<bool>(false);
  bool failed_ = false;
};

void Mailbox::Counts::take_out(std::uint64_t size) {
  messages = std::max<std::int64_t>(0, messages - 1);
  bytes -= std::min(bytes, size);
}

bool Mailbox::has_waiting() const {
  return std::cmp_greater(counts_->messages, rows_.size());
}

ReceiptPtr Mailbox::hand_out(std::string_view id, std::uint64_t bytes) {
  rows_.insert_or_assign(std::string(id), Row{bytes});
  return std::make_shared<Copy>(shared_from_this(), id, nullptr);
}

ReceiptPtr Mailbox::hand_out(std::string_view id, std::uint64_t bytes, ReceiptPtr promise,
                             storage::Ticket ticket, std::function<void(const Error&)> lost) {
  rows_.insert_or_assign(std::string(id), Row{bytes});
  const auto copy = std::make_shared<Copy>(shared_from_this(), id, promise);
  copy->remember_promise();
  promised_[promise.get()] = copy;
  store_.when(ticket, [weak = std::weak_ptr(copy), had = copy->has_been_delivered(),
                       lost = std::move(lost)](const Result<>& outcome) {
    if (const auto held = weak.lock()) {
      held->committed(outcome);
    } else if (!outcome && !*had) {
      lost(outcome.error());
    }
  });
  return copy;
}

ReceiptPtr Mailbox::copy_of(const ReceiptPtr& promise) const {
  const auto found = promised_.find(promise.get());
  auto copy = found == promised_.end() ? nullptr : found->second.lock();
  return copy && copy->is_for(promise) ? copy : nullptr;
}

void Mailbox::drop(const std::string& id, std::uint64_t bytes) {
  rows_.insert_or_assign(id, Row{bytes});
  erase(id);
}

void Mailbox::give_back(const std::string& id) {
  const auto found = rows_.find(id);
  if (found != rows_.end() && !found->second.to_erase) rows_.erase(found);
}

void Mailbox::erase(const std::string& id) {
  const auto found = rows_.find(id);
  if (found == rows_.end() || std::exchange(found->second.to_erase, true)) return;
  to_erase_.push_back(id);
  erase_soon();
}

void Mailbox::erase_soon() {
  if (to_erase_.empty() || std::exchange(erases_soon_, true)) return;
  loop_.post([self = shared_from_this()] { self->erase_now(); });
}

void Mailbox::erase_now() {
  erases_soon_ = false;
  while (!to_erase_.empty()) {
    const std::size_t count = std::min(to_erase_.size(), kErasedAtOnce);
    const auto end = to_erase_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<std::string> ids(std::make_move_iterator(to_erase_.begin()),
                                 std::make_move_iterator(end));
    to_erase_.erase(to_erase_.begin(), end);
    storage::Batch batch;
    for (const std::string& id : ids) {
      batch.add(owner_, storage::op::EraseRow{std::string(kOfflineStore), id});
    }
    const storage::Ticket ticket = store_.commit(std::move(batch));
    store_.when(ticket, [self = shared_from_this(), counts = counts_,
                         ids = std::move(ids)](const Result<>& outcome) mutable {
      self->erased(std::move(ids), *counts, outcome);
    });
  }
}

void Mailbox::erased(std::vector<std::string> ids, Counts& counts, const Result<>& outcome) {
  if (!outcome) {
    // They are handed to nobody meanwhile: whoever had them has them.
    log_error("offline messages that were delivered stay on disk",
              {{"jid", owner_}, {"error", outcome.error().to_string()}});
    std::ranges::move(ids, std::back_inserter(to_erase_));
    return;
  }
  for (const std::string& id : ids) {
    const auto found = rows_.find(id);
    if (found == rows_.end()) continue;
    counts.take_out(found->second.bytes);
    rows_.erase(found);
  }
}

}  // namespace balcony::modules
