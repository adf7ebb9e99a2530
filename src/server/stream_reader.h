// How a session reads its stream: waits, splits what comes, hands negotiation and stanzas to the
// session, and waits where a stanza has to be finished before the next one (RFC 6120 §10.1).
//
// Used by ClientSession, ComponentSession and the sessions with other servers. It belongs to its
// session and moves with it from shard to shard.
#pragma once

#include "session/transport.h"
#include "stanza/receipt.h"
#include "xml/splitter.h"
#include "xml/whole_stanza.h"

#include <balcony/element.h>
#include <balcony/task.h>

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace balcony::server {

// What a step of a session's coroutine leads to.
enum class Next : std::uint8_t {
  kGoOn,
  kEnd,
  kMove,  // the session is another shard's now: it is not touched any more
};

// What a stanza leaves to be awaited before the next one.
struct Rest {
  std::optional<Task<>> task;
  ReceiptPtr receipt;  // of the stanza, until the task is done
};

class StreamReader {
 public:
  // The session.
  class Stream {
   public:
    virtual ~Stream() = default;
    // Whether stanzas are exchanged: then elements go to on_stanza(), else to negotiate().
    virtual bool is_open() const = 0;
    // Whether our end of the stream is closed: nothing more is handled.
    virtual bool has_ended() const = 0;
    // What holds around the stanzas of an open stream.
    virtual xml::Scope scope() const = 0;
    // An element of an open stream, and its bytes. No coroutine: this is the hot path.
    virtual Next on_stanza(xml::Element element, std::string_view bytes, Rest& rest) = 0;
    // A stream header, its end, an element of a stream that is not open. The bytes of `event` are
    // gone after the first wait; who waits has called keep_rest() before.
    virtual Task<Next> negotiate(xml::SplitEvent event) = 0;
    // Asks for the memory that the next stanza will need (base/prefetch.h).
    virtual void prefetch() const {}
    // What came is no XML for a stream, or a limit was passed, or a prefix is not declared.
    virtual Next on_refused(const Error& error) = 0;
    // There is no connection any more, or its time is up.
    virtual Next on_lost(const Error& error) = 0;
    // Whether too much is under way to read more; then catch_up() waits until it is not.
    virtual bool is_too_far_ahead() const { return false; }
    virtual Task<> catch_up() { co_return; }
  };

  StreamReader(Stream& stream, const xml::Limits& limits) : stream_(stream), splitter_(limits) {}

  // Reads until the stream ends or moves to another shard; there, run() goes on.
  Task<Next> run(session::Transport& transport);

  // Of what is read from now on, until they are set again.
  void set_limits(const xml::Limits& limits) { splitter_.set_limits(limits); }
  // The next bytes begin a new stream (RFC 6120 §4.3.3).
  void restart();
  // Takes what was read and not consumed out of the shard's buffer, which is everybody's.
  void keep_rest();
  // What keep_rest() kept behind an element that starts TLS; it will not be read. Whoever starts
  // TLS refuses to go on when there is any.
  std::string take_rest_before_tls();

 private:
  // Where handing in stanzas stopped: at one that must be waited for, at something that is no
  // stanza of an open stream, at bytes that are refused. Next::kGoOn: nowhere.
  using Halt = std::variant<Next, Rest, xml::SplitEvent, Error>;

  std::optional<Task<Next>> consume(std::string_view bytes);
  Task<Next> go_on_from(Halt halt);
  void hand_in_stanzas(Halt& halt);
  bool hand_in(xml::Element&& element, std::string_view bytes, Halt& halt);

  Stream& stream_;
  xml::Splitter splitter_;
  std::string pending_;      // read before a wait, to be consumed after it
  bool at_restart_ = false;  // a new stream begins with the next byte that is no white space
};

}  // namespace balcony::server
