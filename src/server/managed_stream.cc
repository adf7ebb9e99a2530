#include "server/managed_stream.h"

#include "stanza/ns.h"

#include <algorithm>
#include <utility>

namespace balcony::server {
namespace {

using std::chrono_literals::operator""ms;

// When we ask: after so many stanzas, or this long after one.
constexpr std::size_t kAskAfterStanzas = 10;
constexpr std::size_t kAskAfterBytes = 64u << 10;
constexpr auto kAskAfter = 1'000ms;

// The same where a sender waits for the acknowledgement, and how often is looked for what has
// waited since the last look: a client has the time between to answer, and its sender no second to
// wait (docs/decisions/0014).
constexpr auto kAskSoonAfter = 200ms;
constexpr auto kKeepEvery = 400ms;

// How long an answer waits for what is not settled yet (docs/decisions/0012).
constexpr auto kAnswerWithin = 250ms;

// Counts wrap: `a` is at or past `b`.
bool reached(stream::StanzaCount a, stream::StanzaCount b) {
  return static_cast<std::int32_t>(a - b) >= 0;
}

}  // namespace

ManagedStream::ManagedStream(Loop& loop, std::shared_ptr<Ledger> ledger, std::string id,
                             ManagedOptions options)
    : loop_(loop),
      ledger_(std::move(ledger)),
      id_(std::move(id)),
      options_(options),
      machine_(options.limits) {
  machine_.start_receiving();
  machine_.start_sending();
  ledger_->on_progress([this] { pay(); });
}

ManagedStream::~ManagedStream() {
  stop_timers();
  loop_.cancel(keep_timer_);
  ledger_->close();
}

void ManagedStream::attach(Session* session) {
  session_ = session;
  stop_timers();
  asked_ = false;
  debt_.reset();
  if (session_ && machine_.unacknowledged() > 0) ask_in_time();
}

bool ManagedStream::has_room() const noexcept {
  return machine_.unacknowledged() < options_.limits.stanzas_max / 2 &&
         machine_.unacknowledged_bytes() < options_.limits.bytes_max / 2;
}

void ManagedStream::stop_timers() {
  loop_.cancel(std::exchange(ask_timer_, 0));
  loop_.cancel(std::exchange(answer_timer_, 0));
}

// ---- what we send ----

Result<> ManagedStream::sent(std::string_view text, ReceiptPtr receipt) {
  const bool is_promised = receipt && receipt->row().empty();
  auto kept = machine_.sent({std::string(text), std::move(receipt), loop_.clock().wall()});
  if (is_promised && keep_timer_ == 0 && keeper_) keep_later();
  if (session_ && !asked_) {
    if (machine_.unacknowledged() >= kAskAfterStanzas ||
        machine_.unacknowledged_bytes() >= kAskAfterBytes) {
      ask();
    } else {
      ask_in_time();
    }
  }
  return kept;
}

// While somebody waits, sooner.
void ManagedStream::ask_in_time() {
  const bool soon = keep_timer_ != 0 || options_.ask_soon;
  if (ask_timer_ != 0 && (asks_soon_ || !soon)) return;
  loop_.cancel(std::exchange(ask_timer_, 0));
  asks_soon_ = soon;
  ask_in(soon ? kAskSoonAfter : kAskAfter);
}

void ManagedStream::ask_in(std::chrono::milliseconds delay) {
  ask_timer_ = loop_.after(delay, [this] {
    ask_timer_ = 0;
    if (session_ && !asked_ && machine_.unacknowledged() > 0) ask();
  });
}

void ManagedStream::ask() {
  loop_.cancel(std::exchange(ask_timer_, 0));
  asked_ = true;
  session_->write_management(stream::StreamManagement::ask());
  ask_timer_ = loop_.after(options_.silence_max, [this] {
    ask_timer_ = 0;
    if (session_) session_->peer_is_silent();
  });
}

stream::StreamManagement::Effect ManagedStream::on_element(xml::ElementView element) {
  if (element.is(ns::kStreamManagement, "r")) {
    owe();
    return {};
  }
  auto effect = machine_.on_element(element);
  if (asked_ && element.name() == "a" && !effect.error) {
    asked_ = false;
    loop_.cancel(std::exchange(ask_timer_, 0));
    if (machine_.unacknowledged() > 0) ask_in_time();
  }
  return effect;
}

Result<std::string> ManagedStream::resume(stream::StanzaCount h) {
  auto missed = machine_.resume(h);
  if (missed) ledger_->rewind();
  return missed;
}

void ManagedStream::restore(stream::StanzaCount h, stream::StanzaCount acknowledged) {
  machine_.continue_from(h, acknowledged);
  kept_before_ = acknowledged;
  ledger_->continue_from(h);
}

// ---- what the client does not acknowledge ----

void ManagedStream::keep_later() {
  const auto waiting = static_cast<stream::StanzaCount>(machine_.unacknowledged());
  old_before_ = machine_.acknowledged_so_far() + waiting;
  keep_timer_ = loop_.after(kKeepEvery, [this] {
    keep_timer_ = 0;
    keep_old_ones();
  });
}

void ManagedStream::keep_old_ones() {
  const stream::StanzaCount first = machine_.acknowledged_so_far();
  if (!reached(kept_before_, first)) kept_before_ = first;
  for (std::size_t at = kept_before_ - first; at < machine_.unacknowledged(); ++at) {
    const stream::Kept& stanza = machine_.waiting()[at];
    if (stanza.receipt && stanza.receipt->row().empty()) {
      if (reached(first + static_cast<stream::StanzaCount>(at), old_before_)) return keep_later();
      auto receipt = keeper_(stanza);
      if (!receipt) return keep_later();
      machine_.set_receipt(at, *std::move(receipt));
    }
    ++kept_before_;
  }
}

void ManagedStream::keep_all() {
  if (!keeper_) return;
  loop_.cancel(std::exchange(keep_timer_, 0));
  const auto waiting = static_cast<stream::StanzaCount>(machine_.unacknowledged());
  old_before_ = machine_.acknowledged_so_far() + waiting;
  keep_old_ones();
}

bool ManagedStream::is_settled() const {
  if (ledger_->open() > 0) return false;
  return std::ranges::none_of(machine_.waiting(), [](const stream::Kept& stanza) {
    return stanza.receipt && stanza.receipt->row().empty();
  });
}

// ---- what we receive ----

// The client asks. At once when everything before is settled; else when it is, and in between,
// after a while, what holds then.
void ManagedStream::owe() {
  if (ledger_->settled() == ledger_->entered()) return answer();
  const stream::StanzaCount now = ledger_->entered();
  if (debt_) {
    debt_->last = now;
  } else {
    debt_ = {now, now};
  }
  if (answer_timer_ != 0) return;
  answer_timer_ = loop_.after(kAnswerWithin, [this] {
    answer_timer_ = 0;
    if (session_) answer();
  });
}

// Something was settled.
void ManagedStream::pay() {
  if (!session_) return;
  session_->settled();
  if (!debt_ || !reached(h(), debt_->first)) return;
  if (reached(h(), debt_->last)) {
    debt_.reset();
    loop_.cancel(std::exchange(answer_timer_, 0));
  } else {
    debt_->first = debt_->last;
  }
  answer();
}

void ManagedStream::answer() {
  machine_.received_so_far(h());
  session_->told(h());
  session_->write_management(machine_.answer());
}

}  // namespace balcony::server
