// A client's session under stream management (XEP-0198): what the server has not acknowledged, what
// it takes to resume, and which of our messages have arrived. Outlives the streams of its session.
//
// Used by Core, which writes what it says and asks when it says so. Knows no socket and no time.
// One thread.
#pragma once

#include "base/clock.h"
#include "stream/initiating_stream.h"
#include "stream/stream_management.h"

#include <balcony/element.h>
#include <balcony/jid.h>
#include <balcony/result.h>

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace balcony::client {

class Management {
 public:
  // After so many stanzas the server is asked what it has; after fewer, when the client pauses.
  static constexpr std::size_t kAskAfter = 10;

  // The server's words on one element.
  struct Heard {
    std::string reply;                      // to be written; may be empty
    std::vector<std::string> acknowledged;  // ids of our messages that the server has now
    std::optional<Error> error;             // the stream is to end; the reply says so
  };

  // A new session; both ends count from here.
  void start(stream::Enabled enabled);
  // Nothing is counted any more, and nothing can be resumed.
  void stop();
  // Something was written that nobody counted: the server's acknowledgements say nothing any more.
  // Its questions are still answered.
  void distrust();
  bool is_on() const noexcept { return on_; }

  // The session was lost and may be resumed: as which.
  std::optional<stream::LostSession> lost(const Jid& jid) const;
  // Where the server would have us come back to; empty: anywhere.
  const std::string& location() const noexcept { return enabled_.location; }
  // It was resumed; the server has `h` of our stanzas. The reply is what to write again (§5).
  // Errors: kPolicyViolation: it says that it has more than there were.
  Result<Heard> resume(stream::StanzaCount h);
  // It is gone. `h`: what the server says that it had (§5). Returns what it has not got, or may not
  // have got, in order, messages with the time when they were sent; management is off then.
  std::vector<xml::Element> give_up(std::optional<stream::StanzaCount> h);

  // A stanza was written, as `text`. Errors: kOverloaded: the server acknowledges nothing.
  Result<> sent(xml::ElementView stanza, std::string text, WallTime when);
  // Whether kAskAfter stanzas were written since the server was asked.
  bool is_time_to_ask() const noexcept { return since_asked_ >= kAskAfter; }
  // Whether anything is not acknowledged that was written after the server was asked.
  bool has_unasked() const noexcept { return on_ && since_asked_ > 0; }
  // <r/>, to be written.
  std::string ask();
  // Our <a/>, to be written: at the end of a session nothing shall come again.
  std::string answer() const { return machine_.answer(); }
  // A stanza came and was dealt with.
  void received() noexcept { machine_.received(); }
  // An element of urn:xmpp:sm:3.
  Heard on_element(xml::ElementView element);

 private:
  std::vector<std::string> forget_ids(std::size_t count);

  bool on_ = false;
  bool trusted_ = true;
  stream::Enabled enabled_;
  stream::StreamManagement machine_;
  std::deque<std::string> ids_;  // beside the machine's queue: ids of messages, else empty
  std::size_t since_asked_ = 0;
};

}  // namespace balcony::client
