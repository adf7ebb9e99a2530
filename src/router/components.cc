#include "router/components.h"

#include <algorithm>
#include <utility>

namespace balcony::router {

void ComponentTable::set(const std::vector<ComponentSetup>& setups) {
  auto old = std::exchange(entries_, {});
  for (const ComponentSetup& setup : setups) {
    const auto before = old.find(setup.domain);
    Entry entry = before == old.end() ? Entry() : std::move(before->second);
    entry.listed = setup.listed;
    entries_.emplace(setup.domain, std::move(entry));
  }
}

void ComponentTable::set_connected(std::string_view domain, bool connected) {
  const auto found = entries_.find(domain);
  if (found != entries_.end()) found->second.connected = connected;
}

bool ComponentTable::is_connected(std::string_view domain) const {
  const auto found = entries_.find(domain);
  return found != entries_.end() && found->second.connected;
}

std::vector<Endpoint*> ComponentTable::streams_of(std::string_view domain) const {
  std::vector<Endpoint*> all;
  const auto found = entries_.find(domain);
  if (found == entries_.end()) return all;
  for (const Stream& stream : found->second.streams) all.push_back(stream.endpoint);
  return all;
}

bool ComponentTable::has_stream(std::string_view domain, const Endpoint& stream) const {
  const std::vector<Endpoint*> all = streams_of(domain);
  return std::ranges::find(all, &stream) != all.end();
}

std::vector<std::string> ComponentTable::listed() const {
  std::vector<std::string> all;
  for (const auto& [domain, entry] : entries_) {
    if (entry.listed && entry.connected) all.push_back(domain);
  }
  return all;
}

bool ComponentTable::add(std::string_view domain, Endpoint& stream) {
  const auto found = entries_.find(domain);
  if (found == entries_.end()) return false;
  found->second.streams.push_back({&stream, ++last_number_});
  return true;
}

std::size_t ComponentTable::remove(std::string_view domain, const Endpoint& stream) {
  const auto found = entries_.find(domain);
  if (found == entries_.end()) return 0;
  auto& streams = found->second.streams;
  std::erase_if(streams, [&stream](const Stream& s) { return s.endpoint == &stream; });
  return streams.size();
}

std::size_t ComponentTable::streams(std::string_view domain) const {
  const auto found = entries_.find(domain);
  return found == entries_.end() ? 0 : found->second.streams.size();
}

std::size_t ComponentTable::streams() const {
  std::size_t count = 0;
  for (const auto& [domain, entry] : entries_) count += entry.streams.size();
  return count;
}

Endpoint* ComponentTable::choose(std::string_view domain, const Jid& user) const {
  const auto found = entries_.find(domain);
  if (found == entries_.end() || found->second.streams.empty()) return nullptr;
  const auto& streams = found->second.streams;
  if (streams.size() == 1) return streams.front().endpoint;
  // Each stream draws a lot for the user, the highest wins: the lots of the others do not change
  // when one comes or goes.
  const auto lot = [&user](const Stream& stream) {
    std::string text(user.bare_str());
    text.append(1, '\0').append(std::to_string(stream.number));
    return std::hash<std::string>{}(text);
  };
  return std::ranges::max_element(streams, {}, lot)->endpoint;
}

}  // namespace balcony::router
