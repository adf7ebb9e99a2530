// Stream management (XEP-0198) of one client's stream, while it is connected and while it waits to
// be resumed: joins the machine, the ledger of what came in, and the timers.
//
// Whoever has the session (ClientSession, then perhaps DetachedSession, then another ClientSession)
// owns it. Home shard only.
#pragma once

#include "base/loop.h"
#include "server/ledger.h"
#include "stream/stream_management.h"

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace balcony::server {

struct ManagedOptions {
  stream::StreamManagementLimits limits;
  std::chrono::seconds resume_timeout{600};
  // A client who does not acknowledge within this after he was asked is not there any more.
  std::chrono::seconds silence_max{60};
  // Somebody always waits to hear what the peer has: between servers, where all messages do.
  bool ask_soon = false;
};

class ManagedStream {
 public:
  // What a connected session does for it.
  class Session {
   public:
    virtual ~Session() = default;
    virtual void write_management(std::string_view bytes) = 0;
    // The client was told that it need not send these again: the count is kept for
    // `<failed h=…/>` after a crash (XEP-0198 §5).
    virtual void told(stream::StanzaCount h) = 0;
    // More of what came is settled.
    virtual void settled() = 0;
    // The client answers nothing: its connection is dead.
    virtual void peer_is_silent() = 0;
  };

  // `id`: of resumption; empty where the client did not ask for it.
  ManagedStream(Loop& loop, std::shared_ptr<Ledger> ledger, std::string id, ManagedOptions options);
  ~ManagedStream();
  ManagedStream(const ManagedStream&) = delete;
  ManagedStream& operator=(const ManagedStream&) = delete;

  const std::string& id() const noexcept { return id_; }
  bool is_resumable() const noexcept { return !id_.empty(); }
  const ManagedOptions& options() const noexcept { return options_; }
  const std::shared_ptr<Ledger>& ledger() const noexcept { return ledger_; }

  // What the client need not send again: everything up to the first stanza that is not settled.
  stream::StanzaCount h() const noexcept { return ledger_->settled(); }
  stream::StanzaCount acknowledged() const noexcept { return machine_.acknowledged_so_far(); }
  const std::deque<stream::Kept>& waiting() const noexcept { return machine_.waiting(); }

  // Writes a stanza down whose client does not acknowledge it soon, so that its sender need not
  // wait for the client (docs/decisions/0014). Returns the receipt to hold instead; nothing: to be
  // asked again later. Not for stanzas without a receipt, nor for those that a store has.
  using Keeper = std::function<std::optional<ReceiptPtr>(const stream::Kept&)>;
  void keep_with(Keeper keeper) { keeper_ = std::move(keeper); }

  // The server stops: everything that is not acknowledged is written down now.
  void keep_all();
  // Whether everything that came is settled, and nobody's stanzas wait for this client alone.
  bool is_settled() const;

  // Asks the client now what it has; of a connected one.
  void ask();

  // Whether what waits for the client is well below the limits.
  bool has_room() const noexcept;

  // The stream is connected: `session` writes for it from now on. Null: the connection is lost.
  void attach(Session* session);

  // A stanza was written, or would have been were there a connection.
  // Errors: kOverloaded: more waits than may (it is kept all the same); the session is to be ended.
  Result<> sent(std::string_view text, ReceiptPtr receipt);

  // <r/>, <a/> and what is out of place, of a connected client. `reply` is to be written; with an
  // `error`, the stream ends then.
  stream::StreamManagement::Effect on_element(xml::ElementView element);

  // The client has `h`: what it missed is returned, to be written again in this order.
  // Errors: kPolicyViolation: it claims what was never sent.
  Result<std::string> resume(stream::StanzaCount h);

  // Goes on with the counts of a session that was saved; what waited is then told with sent().
  void restore(stream::StanzaCount h, stream::StanzaCount acknowledged);
  void restore(stream::Kept stanza) { (void)machine_.sent(std::move(stanza)); }
  // Another receipt for waiting()[at].
  void set_receipt(std::size_t at, ReceiptPtr receipt) {
    machine_.set_receipt(at, std::move(receipt));
  }
  // The session is over: what the client may not have, in order.
  std::deque<stream::Kept> take_unacknowledged() { return machine_.take_unacknowledged(); }

 private:
  void ask_in(std::chrono::milliseconds delay);
  void ask_in_time();
  void keep_later();
  void keep_old_ones();
  void owe();
  void pay();
  void answer();
  void stop_timers();

  Loop& loop_;
  const std::shared_ptr<Ledger> ledger_;
  const std::string id_;
  const ManagedOptions options_;
  stream::StreamManagement machine_;
  Session* session_ = nullptr;

  bool asked_ = false;  // an <r/> of ours is out
  TimerId ask_timer_ = 0;
  bool asks_soon_ = false;  // the timer runs for a stanza that somebody waits for

  Keeper keeper_;
  TimerId keep_timer_ = 0;
  stream::StanzaCount old_before_ = 0;   // what was sent before the timer was set
  stream::StanzaCount kept_before_ = 0;  // what was looked at

  // The counts at which the client's first and last <r/> came that were not answered in full.
  struct Debt {
    stream::StanzaCount first, last;
  };
  std::optional<Debt> debt_;
  TimerId answer_timer_ = 0;
};

}  // namespace balcony::server
