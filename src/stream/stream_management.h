// Stream management (XEP-0198 1.6) as a machine: what is counted, what is kept until the peer has
// it, and what its elements mean. For both ends of a stream; it knows no socket and no time.
//
// Whoever owns a stream hands in each stanza that it sends and receives, and each element of
// urn:xmpp:sm:3, and writes what comes back. When to ask for an acknowledgement (<r/>) is the
// owner's to decide; unacknowledged() and unacknowledged_bytes() tell how much waits.
//
//   sm.sent(text)             after writing a stanza
//   sm.received()             for each stanza that came
//   sm.on_element(element)    -> Effect
//
// One thread at a time. Copies of stanzas are kept as they were written.
#pragma once

#include "base/clock.h"
#include "stanza/receipt.h"
#include "stanza/stream_error.h"

#include <balcony/element.h>
#include <balcony/result.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace balcony::stream {

// XEP-0198 §4: counters are xs:unsignedInt and wrap from 2^32 - 1 to 0.
using StanzaCount = std::uint32_t;

// A stanza that was sent, until the peer has it.
struct Kept {
  std::string text;      // as on the wire
  ReceiptPtr receipt{};  // null, or of a stanza that is not settled before the peer has it
  WallTime when{};       // when it was sent first
};

struct StreamManagementLimits {
  // What may wait for the peer's acknowledgement; more and the stream is to be ended, for a peer
  // that acknowledges nothing would fill our memory.
  std::size_t stanzas_max = 10'000;
  std::size_t bytes_max = 16u << 20;
};

class StreamManagement {
 public:
  explicit StreamManagement(StreamManagementLimits limits = {}) : limits_(limits) {}

  // ---- what is sent and received

  // Counts from now on, from zero in both directions: <enabled/> was sent or came, or <enable/> was
  // sent (XEP-0198 §3: a client counts what it sends from there on).
  void start_sending() noexcept;
  void start_receiving() noexcept;
  // Goes on with counts of an earlier stream (kept over a restart of the process, for instance);
  // nothing is queued.
  void continue_from(StanzaCount received, StanzaCount acknowledged) noexcept;
  bool is_sending() const noexcept { return sending_; }
  bool is_receiving() const noexcept { return receiving_; }

  // A stanza was written; `text` as on the wire. Nothing before start_sending().
  // Errors: kOverloaded: more waits than the limits allow. The stanza is kept all the same, so that
  // what happens to unacknowledged stanzas happens to it too.
  Result<> sent(Kept stanza);
  // A stanza came and is dealt with, so far that it may be acknowledged.
  void received() noexcept {
    if (receiving_) ++received_;
  }
  // The same for whoever counts himself, because stanzas are dealt with later than they come.
  void received_so_far(StanzaCount count) noexcept { received_ = count; }

  // What we acknowledge: the count of stanzas that were received.
  StanzaCount h() const noexcept { return received_; }
  // What waits for the peer's acknowledgement.
  StanzaCount acknowledged_so_far() const noexcept { return acknowledged_; }
  std::size_t unacknowledged() const noexcept { return queue_.size(); }
  std::size_t unacknowledged_bytes() const noexcept { return queue_bytes_; }

  // ---- the peer's words

  // The peer has `h` stanzas: those are forgotten. Also for the `h` of <resume/>, <resumed/> and
  // <failed/>. Returns how many were forgotten.
  // Errors: kPolicyViolation: more than was sent; see handled_count_too_high().
  Result<std::size_t> acknowledged(StanzaCount h);

  // The h attribute of <a/>, <resume/>, <resumed/>, <failed/>. Errors: kBadRequest: missing where
  // it must be, or no xs:unsignedInt.
  static Result<StanzaCount> read_h(xml::ElementView element);

  struct Effect {
    std::string reply;                 // to be written; may be empty
    std::size_t forgotten = 0;         // stanzas that the peer has acknowledged now
    std::optional<StreamError> error;  // the stream ends with it; the reply holds it, written
  };
  // <r/> and <a/> of an enabled stream. Any before start_receiving() or start_sending(), and
  // <enable/> and <resume/>, which belong elsewhere, are answered with <failed/> (§3, §6:
  // unexpected-request); what is an answer itself is ignored.
  Effect on_element(xml::ElementView element);

  // ---- resumption

  // Takes up where the lost stream was: the peer has `h` of ours. Returns what is to be written
  // again, in order (§5); it stays unacknowledged.
  // Errors: kPolicyViolation: as acknowledged().
  Result<std::string> resume(StanzaCount h);
  // The stream will not be resumed: takes out what was not acknowledged, in order.
  std::deque<Kept> take_unacknowledged();
  const std::deque<Kept>& waiting() const noexcept { return queue_; }
  // Another receipt for waiting()[at].
  void set_receipt(std::size_t at, ReceiptPtr receipt) { queue_[at].receipt = std::move(receipt); }

  // ---- elements

  static std::string ask();    // <r/>
  std::string answer() const;  // <a h='…'/>

 private:
  StreamManagementLimits limits_;
  bool sending_ = false;
  bool receiving_ = false;
  StanzaCount received_ = 0;
  StanzaCount acknowledged_ = 0;  // by the peer; sent is this plus what is queued
  std::deque<Kept> queue_;
  std::size_t queue_bytes_ = 0;
};

// Asks for stream management (§3). `resume`: with resumption.
xml::Element write_enable(bool resume);
// Agrees. `id`: of resumption, empty where there is none; `max_seconds` as long as we keep it.
xml::Element write_enabled(std::string_view id, std::uint32_t max_seconds,
                           std::string_view location = {});
xml::Element write_resume(std::string_view previd, StanzaCount h);
xml::Element write_resumed(std::string_view previd, StanzaCount h);
// Refuses (§3, §5). `h`: of the session that is known and cannot be resumed.
xml::Element write_failed(Errc condition, std::optional<StanzaCount> h = {});

struct Enabled {
  std::string id;  // empty: no resumption
  std::optional<std::uint32_t> max_seconds;
  std::string location;  // where to reconnect to; may be empty
};
// Errors: kBadRequest: none, or resumption without an id.
Result<Enabled> read_enabled(xml::ElementView element);

struct Resume {
  std::string previd;
  StanzaCount h = 0;
};
// <resume/> and <resumed/>. Errors: kBadRequest.
Result<Resume> read_resume(xml::ElementView element);

// What became of stream management (XEP-0198).
struct ManagementOutcome {
  enum class Kind : std::uint8_t {
    kNone,     // it is not used: not wanted, not offered, or refused
    kEnabled,  // both ends count from here; `enabled` says whether the session can be resumed
    kResumed,  // the lost session goes on; the server has `peer_h` of our stanzas
  };
  Kind kind = Kind::kNone;
  Enabled enabled;
  StanzaCount peer_h = 0;
  // Resumption was asked for and refused, and the server still knew how many of the lost session's
  // stanzas it has handled (§5).
  std::optional<StanzaCount> lost_h;
};

// The stream error of a peer that acknowledges what was never sent (§4), with
// <handled-count-too-high/>; as it is written before </stream:stream>.
xml::Element write_handled_count_too_high(StanzaCount h, StanzaCount sent);

}  // namespace balcony::stream
