// The presence that a component is told of by privilege (XEP-0356 §7): of each available resource
// the last one, so that what comes by several ways is told once (§8, second rule), and a component
// that connects later is told all of it (§8, first rule).
//
// On the home shard of the component. Bounded: beyond the limit presence is passed on and not
// remembered; it may then come twice, and a component that connects again has to wait for news.
#pragma once

#include "stanza/stanza.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace balcony::router {

class PresenceFeed {
 public:
  static constexpr std::size_t kBytesMax = 64 * 1024 * 1024;

  explicit PresenceFeed(std::size_t bytes_max = kBytesMax) : bytes_max_(bytes_max) {}

  // Whether `presence`, available or unavailable, from a full JID (or, unavailable, from a bare
  // one), is news. Its `to` is the component.
  bool take(const Stanza& presence);
  // Who is available, as far as it is remembered.
  std::vector<std::string> available() const;
  // The last presence of this full JID; nullopt when it is not available.
  std::optional<Stanza> presence_of(const std::string& full) const;
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  void forget(std::unordered_map<std::string, std::string>::iterator at);

  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  bool overflowed_ = false;
  std::unordered_map<std::string, std::string> last_;  // by full JID, as XML
};

}  // namespace balcony::router
