#include "server/ledger.h"

#include <algorithm>
#include <utility>

namespace balcony::server {

class Ledger::Slip final : public Receipt {
 public:
  Slip(std::shared_ptr<Ledger> ledger, std::uint32_t number, std::uint64_t serial)
      : ledger_(std::move(ledger)), number_(number), serial_(serial) {}

  ~Slip() override {
    // Nothing may be posted to a loop that has ended, and it ends after close().
    if (ledger_->closed_) return;
    if (ledger_->home_.is_current()) {
      ledger_->settle(number_, serial_);
      return;
    }
    Loop& home = ledger_->home_;
    home.post([ledger = std::move(ledger_), number = number_, serial = serial_] {
      ledger->settle(number, serial);
    });
  }

 private:
  std::shared_ptr<Ledger> ledger_;
  std::uint32_t number_;
  std::uint64_t serial_;
};

void Ledger::pass() {
  if (open() == 0) {
    ++settled_;
  } else {
    entries_.push_back({0, true, arriving_, ++serial_});
  }
}

ReceiptPtr Ledger::enter(std::size_t bytes) {
  const std::uint32_t number = entered();
  entries_.push_back({bytes, false, arriving_, ++serial_});
  open_bytes_ += bytes;
  return std::make_shared<Slip>(shared_from_this(), number, serial_);
}

bool Ledger::arrives(std::string_view text) {
  arriving_ = std::hash<std::string_view>{}(text);
  if (again_.empty()) return false;
  if (again_.front() != arriving_) {
    // It goes on with something else: what it does not send again has no number any more.
    drop_again();
    return false;
  }
  const std::uint32_t before = settled();
  again_.pop_front();
  if (settled() != before && listener_) listener_();
  return true;
}

void Ledger::rewind() {
  // Some that were told to be sent again may not have been, when the line was lost once more.
  if (again_.size() > open()) return;
  again_.clear();
  for (std::size_t i = first_; i < entries_.size(); ++i) again_.push_back(entries_[i].digest);
}

void Ledger::drop_again() {
  const std::size_t gone = std::exchange(again_, {}).size();
  const std::size_t open_gone = std::min(gone, open());
  for (std::size_t i = 0; i < open_gone; ++i) {
    open_bytes_ -= entries_.back().bytes;
    entries_.pop_back();
  }
  settled_ -= static_cast<std::uint32_t>(gone - open_gone);
  advance();
}

void Ledger::settle(std::uint32_t number, std::uint64_t serial) {
  if (closed_) return;
  const std::size_t at = first_ + (number - settled_);
  // One that the client has not sent again is counted no more.
  if (at >= entries_.size() || entries_[at].serial != serial) return;
  entries_[at].settled = true;
  if (number != settled_) return;
  const std::uint32_t before = settled();
  advance();
  if (settled() != before && listener_) listener_();
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
  again_ = {};
  first_ = 0;
  open_bytes_ = 0;
}

}  // namespace balcony::server
