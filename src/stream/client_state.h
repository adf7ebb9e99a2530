// What a client that nobody looks at need not have at once (XEP-0352): held back, merged where the
// newest says it all, and given out in order before anything that is urgent.
//
// A stream makes one when its client says <inactive/> and drops it at <active/>, after flush(): an
// active client costs nothing. Knows no socket and no time. One thread at a time.
//
//   for (const std::string& text : state.on_stanza(stanza, to)) write(text);
#pragma once

#include <balcony/element.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace balcony::stream {

// What is done with a stanza to a client that is inactive.
enum class Urgency : std::uint8_t {
  kNow,    // it is sent, after everything that is held
  kHold,   // it waits
  kMerge,  // it waits, in place of an older one that says the same of the same sender
};

// Presence notifications and chat states are merged; receipts, markers and news of nodes wait;
// everything else, and all that is unknown, is sent. `stanza` is as the client would get it.
Urgency urgency_of(xml::ElementView stanza);

struct ClientStateLimits {
  std::size_t stanzas_max = 1'000;
  std::size_t bytes_max = 256 * 1024;
};

class ClientState {
 public:
  explicit ClientState(ClientStateLimits limits) : limits_(limits) {}

  // A stanza for the client. Returns what is to be written now, in this order: nothing, or what was
  // held and the stanza itself. More than the limits allow is not held: all of it is returned.
  // `to`, if not empty, stands in place of the stanza's own.
  std::vector<std::string> on_stanza(xml::ElementView stanza, std::string_view to = {});

  // Everything that is held, oldest first.
  std::vector<std::string> flush();

  std::size_t held() const noexcept { return held_.size(); }

 private:
  struct Held {
    std::string key;  // of what may be merged; else empty
    std::string text;
  };
  void drop_older(const std::string& key);

  ClientStateLimits limits_;
  std::list<Held> held_;
  std::unordered_map<std::string_view, std::list<Held>::iterator> by_key_;  // into held_
  std::size_t bytes_ = 0;
};

}  // namespace balcony::stream
