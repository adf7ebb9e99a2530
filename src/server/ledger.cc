#include "server/ledger.h"

#include <utility>

namespace balcony::server {

class Ledger::Slip final : public Receipt {
 public:
  Slip(std::shared_ptr<Ledger> ledger, std::uint32_t number)
      : ledger_(std::move(ledger)), number_(number) {}

  ~Slip() override {
    // Nothing may be posted to a loop that has ended, and it ends after close().
    if (ledger_->closed_) return;
    if (ledger_->home_.is_current()) {
      ledger_->settle(number_);
      return;
    }
    Loop& home = ledger_->home_;
    home.post([ledger = std::move(ledger_), number = number_] { ledger->settle(number); });
  }

 private:
  std::shared_ptr<Ledger> ledger_;
  std::uint32_t number_;
};

void Ledger::pass() {
  if (open() == 0) {
    ++settled_;
  } else {
    entries_.push_back({0, true});
  }
}

ReceiptPtr Ledger::enter(std::size_t bytes) {
  const std::uint32_t number = entered();
  entries_.push_back({bytes, false});
  open_bytes_ += bytes;
  return std::make_shared<Slip>(shared_from_this(), number);
}

void Ledger::settle(std::uint32_t number) {
  if (closed_) return;
  entries_[first_ + (number - settled_)].settled = true;
  if (number != settled_) return;
  advance();
  if (listener_) listener_();
}

void Ledger::advance() {
  while (first_ < entries_.size() && entries_[first_].settled) {
    open_bytes_ -= entries_[first_].bytes;
    ++first_;
    ++settled_;
  }
  // Nothing open is what an idle stream is: it keeps no memory for it.
  constexpr std::size_t kKept = 64;
  if (first_ == entries_.size()) {
    entries_.clear();
    if (entries_.capacity() > kKept) entries_.shrink_to_fit();
    first_ = 0;
  } else if (first_ > entries_.size() / 2 && first_ > kKept) {
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void Ledger::close() {
  closed_ = true;
  listener_ = nullptr;
  entries_ = {};
  first_ = 0;
  open_bytes_ = 0;
}

}  // namespace balcony::server
