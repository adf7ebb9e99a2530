// Requests that the server itself has sent, in its own name or in an account's, and whose answers
// it waits for.
//
// One table a shard; an answer comes to the home of the address that asked. Bounded: each entry has
// a deadline, and each domain on whose behalf was asked a number of entries. This shard's thread.
#pragma once

#include "base/loop.h"
#include "base/random.h"
#include "stanza/stanza.h"

#include <balcony/jid.h>
#include <balcony/result.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace balcony::router {

class AskedTable {
 public:
  // The answer, of type result or error. Errors: kRemoteServerTimeout: there was none in time; what
  // fail_all() says.
  using Then = std::move_only_function<void(Result<Stanza>)>;

  AskedTable(Loop& loop, Random& random) : loop_(loop), random_(random) {}
  ~AskedTable();
  AskedTable(const AskedTable&) = delete;
  AskedTable& operator=(const AskedTable&) = delete;

  // Gives `request` (with `to` and `from`) an id that nobody can guess, and calls `then` with its
  // answer, once. The caller sends it. `domain`: on whose behalf. Errors: kResourceConstraint: too
  // much is under way for the domain; `then` is not called.
  Result<> expect(Stanza& request, std::string_view domain, std::chrono::milliseconds within,
                  Then then);
  // Whether `stanza` is an answer that was waited for; it is taken then.
  bool answered(Stanza& stanza);
  // On whose behalf a request with this id was sent; empty: it is none of them.
  std::string_view on_behalf_of(std::string_view id) const;
  // Whoever waits for an answer of this domain gets `why`.
  void fail_all(std::string_view peer, const Error& why);

 private:
  struct Entry {
    Jid from;
    Jid to;
    std::string domain;
    TimerId timer;
    Then then;
  };
  Entry take(std::unordered_map<std::string, Entry>::iterator at);
  void timed_out(const std::string& id);

  Loop& loop_;
  Random& random_;
  std::unordered_map<std::string, Entry> entries_;
  std::unordered_map<std::string, std::size_t> counts_;  // by domain
};

}  // namespace balcony::router
