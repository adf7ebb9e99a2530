// Which of a component's stanzas its server has (XEP-0198 without resumption), and who waits to
// hear it.
//
// Member of ComponentCore, which writes what this says. Knows no socket. On the runtime's loop.
#pragma once

#include "base/loop.h"
#include "stream/stream_management.h"

#include <balcony/element.h>
#include <balcony/result.h>
#include <balcony/task.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>

namespace balcony::client {

class Acknowledgements {
 public:
  // After so many stanzas that nobody waits for, the server is asked all the same: each costs a
  // little memory until it is acknowledged.
  static constexpr std::size_t kAskAfter = 100;

  // Who waits for one stanza, in the frame of the coroutine that does.
  class Waiting {
   public:
    // After `timeout` the outcome is kTimeout.
    Waiting(Acknowledgements& all, Loop& loop, std::chrono::milliseconds timeout);
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting();

    OneShot<Result<>> outcome;

   private:
    friend class Acknowledgements;
    Acknowledgements* all_;
    Loop& loop_;
    TimerId timer_ = 0;
  };

  // The server's words on one element.
  struct Heard {
    std::string reply;           // to be written; may be empty
    std::optional<Error> error;  // the stream is to end; the reply says so
  };

  // Both ends count from here.
  void start();
  // Nothing is counted any more; whoever waits gets `why`.
  void stop(const Error& why);
  bool is_on() const noexcept { return on_; }

  // A stanza was written that `who` waits for; null: nobody. Errors: kOverloaded: the server
  // acknowledges nothing.
  Result<> sent(Waiting* who);
  // Whether the server is to be asked at the end of this turn of the loop.
  bool is_time_to_ask() const noexcept { return wanted_ || unasked_ >= kAskAfter; }
  // <r/>, to be written.
  std::string ask();
  // Our <a/>, to be written.
  std::string answer() const { return machine_.answer(); }
  // A stanza came and was dealt with.
  void received() noexcept { machine_.received(); }
  // An element of urn:xmpp:sm:3.
  Heard on_element(xml::ElementView element);

 private:
  void finish(Waiting* who, Result<> outcome);
  void forget(Waiting* who);

  bool on_ = false;
  bool wanted_ = false;  // somebody waits for what the server was not asked about
  std::size_t unasked_ = 0;
  stream::StreamManagement machine_;
  std::deque<Waiting*> queue_;  // beside the machine's; null: nobody waits
};

}  // namespace balcony::client
