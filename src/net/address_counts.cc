#include "net/address_counts.h"

#include <utility>

namespace balcony {

class AddressCounts::Slot final : public AddressSlot {
 public:
  Slot(std::shared_ptr<AddressCounts> counts, SocketAddress network)
      : counts_(std::move(counts)), network_(network) {}
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() override { counts_->leave(network_); }

 private:
  const std::shared_ptr<AddressCounts> counts_;
  const SocketAddress network_;
};

std::unique_ptr<AddressSlot> AddressCounts::enter(const SocketAddress& peer) {
  const SocketAddress network = peer.network();
  {
    const std::lock_guard lock(mutex_);
    std::size_t& count = counts_[network];
    if (count >= each_max_) return nullptr;
    ++count;
  }
  return std::make_unique<Slot>(shared_from_this(), network);
}

std::size_t AddressCounts::addresses() const {
  const std::lock_guard lock(mutex_);
  return counts_.size();
}

void AddressCounts::leave(const SocketAddress& network) noexcept {
  const std::lock_guard lock(mutex_);
  const auto it = counts_.find(network);
  if (it != counts_.end() && --it->second == 0) counts_.erase(it);
}

}  // namespace balcony
