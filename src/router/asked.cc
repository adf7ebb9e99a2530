#include "router/asked.h"

#include <utility>
#include <vector>

namespace balcony::router {
namespace {

constexpr std::size_t kIdBytes = 12;
constexpr std::size_t kAskedMax = 5'000;  // of one domain

}  // namespace

AskedTable::~AskedTable() {
  for (const auto& [id, entry] : entries_) loop_.cancel(entry.timer);
}

Result<> AskedTable::expect(Stanza& request, std::string_view domain,
                            std::chrono::milliseconds within, Then then) {
  std::size_t& count = counts_[std::string(domain)];
  if (count >= kAskedMax) {
    return fail(Errc::kResourceConstraint, "too many requests of this service are under way");
  }
  ++count;
  std::string id = random_.token(kIdBytes);
  request.set_id(id);
  const TimerId timer = loop_.after(within, [this, id] { timed_out(id); });
  entries_.emplace(std::move(id), Entry{*request.from(), *request.to(), std::string(domain), timer,
                                        std::move(then)});
  return {};
}

AskedTable::Entry AskedTable::take(std::unordered_map<std::string, Entry>::iterator at) {
  Entry entry = std::move(at->second);
  entries_.erase(at);
  loop_.cancel(entry.timer);
  const auto count = counts_.find(entry.domain);
  if (--count->second == 0) counts_.erase(count);
  return entry;
}

bool AskedTable::answered(Stanza& stanza) {
  if (entries_.empty() || !stanza.is_iq() || stanza.is_request()) return false;
  if (!stanza.from() || !stanza.to()) return false;
  const auto found = entries_.find(std::string(stanza.id()));
  if (found == entries_.end()) return false;
  // RFC 6120 §8.1.2.1: only who was asked answers.
  if (found->second.to != *stanza.from() || found->second.from != *stanza.to()) return false;
  Entry entry = take(found);
  entry.then(std::move(stanza));
  return true;
}

std::string_view AskedTable::on_behalf_of(std::string_view id) const {
  if (entries_.empty()) return {};
  const auto found = entries_.find(std::string(id));
  return found == entries_.end() ? std::string_view{} : std::string_view(found->second.domain);
}

void AskedTable::timed_out(const std::string& id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  Entry entry = take(found);
  entry.then(fail(Errc::kRemoteServerTimeout, "there was no answer in time"));
}

void AskedTable::fail_all(std::string_view peer, const Error& why) {
  std::vector<std::string> ids;
  for (const auto& [id, entry] : entries_) {
    if (entry.to.domain() == peer) ids.push_back(id);
  }
  for (const std::string& id : ids) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) continue;
    Entry entry = take(found);
    entry.then(fail(why));
  }
}

}  // namespace balcony::router
