#include "router/presence_feed.h"

#include "base/log.h"
#include "xml/parser.h"
#include "xml/writer.h"

#include <utility>

namespace balcony::router {
namespace {

constexpr std::size_t kEntryBytes = 128;  // about what an entry costs beside its texts

std::size_t cost(const std::string& name, const std::string& text) {
  return name.size() + text.size() + kEntryBytes;
}

}  // namespace

void PresenceFeed::forget(std::unordered_map<std::string, std::string>::iterator at) {
  bytes_ -= cost(at->first, at->second);
  last_.erase(at);
}

bool PresenceFeed::take(const Stanza& presence) {
  const std::string& name = presence.from()->str();
  const auto known = last_.find(name);
  if (presence.type() == StanzaType::kUnavailable) {
    if (known == last_.end()) return overflowed_;
    forget(known);
    return true;
  }
  std::string text = xml::to_string(presence.xml());
  if (known != last_.end()) {
    if (known->second == text) return false;
    forget(known);
  }
  const std::size_t bytes = cost(name, text);
  if (bytes_ + bytes <= bytes_max_) {
    bytes_ += bytes;
    last_.emplace(name, std::move(text));
  } else if (!std::exchange(overflowed_, true)) {
    log_warning("more presence for a component than is remembered",
                {{"component", presence.to()->str()}});
  }
  return true;
}

std::vector<std::string> PresenceFeed::available() const {
  std::vector<std::string> all;
  all.reserve(last_.size());
  for (const auto& [name, text] : last_) all.push_back(name);
  return all;
}

std::optional<Stanza> PresenceFeed::presence_of(const std::string& full) const {
  const auto found = last_.find(full);
  if (found == last_.end()) return std::nullopt;
  auto element = xml::parse(found->second);
  if (!element) return std::nullopt;
  auto stanza = Stanza::make(*element);
  if (!stanza) return std::nullopt;
  return *std::move(stanza);
}

}  // namespace balcony::router
