#include "modules/xep_0163_pep/caps.h"

#include "modules/disco.h"
#include "stanza/ns.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <utility>

namespace balcony::modules::pep {
namespace {

constexpr std::string_view kNotify = "+notify";
constexpr std::size_t kNodesMax = 200;
constexpr std::chrono::seconds kPatience{30};
constexpr std::size_t kHashBytesMax = 256;

}  // namespace

bool wants(const Interest& interest, std::string_view node) {
  return interest && std::ranges::binary_search(*interest, node, std::less<>());
}

Interest added_interest(const Interest& before, const Interest& now) {
  if (!before || !now) return now;
  std::vector<std::string> added;
  std::ranges::set_difference(*now, *before, std::back_inserter(added));
  if (added.empty()) return nullptr;
  return std::make_shared<const std::vector<std::string>>(std::move(added));
}

std::optional<CapsHash> caps_of(const Stanza& presence) {
  const xml::ElementView c = presence.xml().child(ns::kCaps, "c");
  if (c.attr("hash") != "sha-1") return std::nullopt;
  CapsHash hash{std::string(c.attr("node")), std::string(c.attr("ver"))};
  if (hash.ver.empty() || hash.ver.size() + hash.node.size() > kHashBytesMax) return std::nullopt;
  return hash;
}

std::optional<Interest> verified_interest(xml::ElementView query, std::string_view ver) {
  if (!query.is(ns::kDiscoInfo, "query") || caps_hash(query) != ver) return std::nullopt;
  std::vector<std::string_view> features;
  for (const xml::ElementView feature : query.children(ns::kDiscoInfo, "feature")) {
    features.push_back(feature.attr("var"));
  }
  std::ranges::sort(features);
  // XEP-0115 §5.4 step 3.4: nothing twice.
  if (std::ranges::adjacent_find(features) != features.end()) return std::nullopt;
  std::vector<std::string> nodes;
  for (std::string_view feature : features) {
    if (!feature.ends_with(kNotify) || nodes.size() >= kNodesMax) continue;
    feature.remove_suffix(kNotify.size());
    if (!feature.empty()) nodes.emplace_back(feature);
  }
  if (nodes.empty()) return Interest();
  std::ranges::sort(nodes);  // without the suffix the order is another
  return std::make_shared<const std::vector<std::string>>(std::move(nodes));
}

std::optional<Interest> CapsTable::known(std::string_view ver) {
  const auto found = entries_.find(std::string(ver));
  if (found == entries_.end() || !found->second.is_known) return std::nullopt;
  used_.splice(used_.begin(), used_, found->second.used);
  return found->second.interest;
}

CapsTable::Entry& CapsTable::get_or_add(const std::string& ver) {
  const auto [at, added] = entries_.try_emplace(ver);
  if (!added) {
    used_.splice(used_.begin(), used_, at->second.used);
    return at->second;
  }
  used_.push_front(ver);
  at->second.used = used_.begin();
  if (entries_.size() > kHashesMax) forget(std::string(used_.back()));
  return at->second;
}

void CapsTable::forget(const std::string& ver) {
  const auto found = entries_.find(ver);
  if (found == entries_.end()) return;
  questions_.erase(found->second.question);
  used_.erase(found->second.used);
  entries_.erase(found);
}

// XEP-0115 §6.2: the first of those who wait.
void CapsTable::ask(router::Server& server, const std::string& ver, Entry& entry) {
  questions_.erase(entry.question);
  entry.question = "caps-" + server.random().token(9);
  entry.asked = server.clock().now();
  questions_[entry.question] = ver;
  const Waiting& whom = entry.waiting.front();
  Stanza question(StanzaKind::kIq, StanzaType::kGet);
  question.set_id(entry.question);
  question.set_from(whom.account);
  question.set_to(whom.client);
  question.edit().append(ns::kDiscoInfo, "query").set("node", entry.node + "#" + ver);
  server.route(std::move(question));
}

void CapsTable::look_up(router::Server& server, const Jid& account, const Jid& client,
                        const CapsHash& hash, std::function<void(const Interest&)> then) {
  Entry& entry = get_or_add(hash.ver);
  if (entry.is_known) {
    const Interest interest = entry.interest;
    return then(interest);
  }
  if (entry.waiting.size() >= kWaitingMax) return;
  entry.waiting.push_back({account, client, std::move(then)});
  const bool asked = !entry.question.empty();
  if (asked && server.clock().now() - entry.asked < kPatience) return;
  // Who has not answered so far goes to the end.
  if (asked) std::rotate(entry.waiting.begin(), entry.waiting.begin() + 1, entry.waiting.end());
  entry.node = hash.node;
  ask(server, hash.ver, entry);
}

bool CapsTable::take_answer(router::Server& server, const Stanza& answer) {
  const auto question = questions_.find(std::string(answer.id()));
  if (question == questions_.end()) return false;
  const auto found = entries_.find(question->second);
  if (found == entries_.end()) return false;
  Entry& entry = found->second;
  if (entry.waiting.empty() || entry.waiting.front().client != *answer.from()) return false;
  const std::string ver = found->first;
  questions_.erase(question);
  entry.question.clear();
  std::optional<Interest> interest;
  if (answer.type() == StanzaType::kResult) interest = verified_interest(answer.payload(), ver);
  if (!interest) {
    // XEP-0115 §5.4: who answers wrongly says nothing of the others.
    entry.waiting.pop_front();
    if (entry.waiting.empty()) {
      forget(ver);
    } else {
      ask(server, ver, entry);
    }
    return true;
  }
  entry.is_known = true;
  entry.interest = *interest;
  const auto waiting = std::exchange(entry.waiting, {});
  for (const Waiting& one : waiting) one.then(*interest);
  return true;
}

}  // namespace balcony::modules::pep
