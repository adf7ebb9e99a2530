#include "server/unsent_stanzas.h"

#include <utility>

namespace balcony::server {
namespace {

// While the peer reads nothing: how often one looks what is out.
constexpr std::chrono::milliseconds kLookEvery{100};

Stanza without_payload(const Stanza& whole) {
  Stanza stanza(whole.kind(), whole.type());
  if (whole.from()) stanza.set_from(*whole.from());
  if (whole.to()) stanza.set_to(*whole.to());
  if (!whole.id().empty()) stanza.set_id(whole.id());
  stanza.set_receipt(whole.is_kept() ? nullptr : whole.receipt());
  return stanza;
}

}  // namespace

void UnsentStanzas::wrote(const Stanza& stanza) {
  // An error is answered by nobody (RFC 6120 §8.3.1), and of presence nobody waits to hear.
  const bool matters = (stanza.is_message() && !stanza.is_error()) || stanza.is_request();
  if (!matters) return;
  entries_.push_back({written_, without_payload(stanza)});
  if (!std::exchange(looking_, true)) look_soon();
}

// What was written is sent at the end of the turn.
void UnsentStanzas::look_soon() {
  loop_.post([self = std::weak_ptr(self_)] {
    if (const auto here = self.lock()) (*here)->look_again();
  });
}

void UnsentStanzas::settle() {
  const auto unsent = unsent_();
  if (!unsent) return;
  const std::uint64_t out = written_ - *unsent;
  while (!entries_.empty() && entries_.front().end <= out) entries_.pop_front();
}

void UnsentStanzas::look_again() {
  timer_ = 0;
  const std::size_t before = entries_.size();
  settle();
  looking_ = !entries_.empty();
  if (!looking_) return;
  // Senders wait for this (docs/decisions/0012): while the peer reads, each turn.
  if (entries_.size() < before) return look_soon();
  timer_ = loop_.after(kLookEvery, [this] { look_again(); });
}

std::deque<Stanza> UnsentStanzas::take() {
  settle();
  std::deque<Stanza> left;
  for (Entry& entry : std::exchange(entries_, {})) left.push_back(std::move(entry.stanza));
  return left;
}

}  // namespace balcony::server
