// The iqs that wait for their answers (RFC 6120 §8.2.3). One thread.
#pragma once

#include "base/loop.h"

#include <balcony/element.h>
#include <balcony/jid.h>
#include <balcony/result.h>
#include <balcony/task.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace balcony::client {

// Whether an answer that says it is from `from` may answer a request to `to` of the client `self`
// (a full JID): anybody can guess an id, nobody but a server can forge a 'from'.
// RFC 6120 §8.1.2.1, §10.3.3: without 'to' the server answers for the account.
bool may_answer(const std::optional<Jid>& to, const std::optional<Jid>& from, const Jid& self);

class RequestTable {
 public:
  // One request, in the frame of the coroutine that waits for it: when that is destroyed, nobody
  // waits any more.
  class Pending {
   public:
    // `id` must not be in the table. After `timeout` the answer is kTimeout.
    Pending(RequestTable& table, Loop& loop, std::string id, std::optional<Jid> to,
            std::chrono::milliseconds timeout);
    Pending(const Pending&) = delete;
    Pending& operator=(const Pending&) = delete;
    ~Pending();

    // The result's payload, or what went wrong.
    OneShot<Result<xml::Element>> answer;

   private:
    friend class RequestTable;
    RequestTable* table_;
    Loop& loop_;
    std::string id_;
    std::optional<Jid> to_;
    TimerId timer_ = 0;
  };

  bool contains(std::string_view id) const { return pending_.contains(id); }
  std::size_t size() const noexcept { return pending_.size(); }

  // Gives an iq of type result or error to who waits for it. False: nobody does, or it comes from
  // somebody who was not asked.
  bool answered(xml::ElementView iq, const Jid& self);
  // Nothing will come any more: all get `error`.
  void fail_all(const Error& error);

 private:
  void finish(Pending& pending, Result<xml::Element> answer);
  std::map<std::string, Pending*, std::less<>> pending_;
};

}  // namespace balcony::client
