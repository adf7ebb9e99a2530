#include "router/remote.h"

#include "base/log.h"
#include "router/router.h"
#include "xml/writer.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace balcony::router {
namespace {

using std::chrono_literals::operator""s;

// A stream that ends sooner is counted: a server that accepts and hangs up each time is no better
// than one that does not answer.
constexpr auto kShort = 10s;
constexpr unsigned kShortOnesMax = 3;

std::chrono::milliseconds back_off(const RemoteOptions& options, unsigned failures) {
  const unsigned doublings = std::min(failures == 0 ? 0U : failures - 1, 20U);
  return std::min(options.retry_first * (1 << doublings), options.retry_max);
}

std::size_t bytes_of(const Stanza& stanza) {
  std::string text;
  xml::write(text, stanza.xml());
  return text.size();
}

// Nobody waits for an answer to these; somebody who enters a room or asks for a subscription does.
bool is_news(const Stanza& stanza) {
  return stanza.type() == StanzaType::kUnavailable || stanza.type() == StanzaType::kProbe;
}

Error stopping() {
  return Error(Errc::kRemoteServerTimeout, "this server stops");
}

Error as_answer(const Error& error) {
  // RFC 6120 §8.3.3.16 and §8.3.3.17: that there is no such server, or that it cannot be reached.
  if (error.code == Errc::kNotFound) return Error(Errc::kRemoteServerNotFound, error.detail);
  const bool is_ours = error.code == Errc::kNotAllowed || error.code == Errc::kResourceConstraint ||
                       error.code == Errc::kServiceUnavailable ||
                       error.code == Errc::kPolicyViolation ||
                       error.code == Errc::kRemoteServerNotFound;
  return is_ours ? error : Error(Errc::kRemoteServerTimeout, error.detail);
}

}  // namespace

RemoteTable::~RemoteTable() {
  for (auto& [pair, route] : routes_) router_.deps().loop.cancel(route.timer);
}

// ---- stanzas

void RemoteTable::send(Stanza stanza) {
  if (dialer_ == nullptr) {
    return give_back(stanza, Error(Errc::kRemoteServerNotFound,
                                   "this server does not exchange stanzas with other servers"));
  }
  const PairView pair{stanza.from()->domain(), stanza.to()->domain()};
  if (const auto found = routes_.find(pair); found != routes_.end() && found->second.stream) {
    ++found->second.sent;
    return found->second.stream->deliver(stanza);
  }
  if (const auto refused = dialer_->refuses({std::string(pair.local), std::string(pair.remote)})) {
    return give_back(stanza, *refused);
  }
  const auto entry = find_or_make(pair);
  if (entry == routes_.end()) {
    return give_back(stanza, Error(Errc::kResourceConstraint, "too many other servers are in use"));
  }
  const Route& route = entry->second;
  if (!route.dialing && route.failure && router_.deps().loop.clock().now() < route.retry_at) {
    return give_back(stanza, *route.failure);
  }
  keep(*entry, std::move(stanza));
}

void RemoteTable::keep(Routes::value_type& entry, Stanza stanza) {
  Route& route = entry.second;
  const std::size_t bytes = bytes_of(stanza);
  if (!has_room(route, bytes)) {
    rest(entry);
    return give_back(stanza,
                     Error(Errc::kResourceConstraint, "too much already waits for this server"));
  }
  wake(route);
  route.waiting.push_back({std::move(stanza), bytes, router_.deps().loop.clock().now()});
  route.waiting_bytes += bytes;
  waiting_bytes_ += bytes;
  ++waiting_;
  watch(entry);
  if (std::exchange(route.dialing, true)) return;
  dialer_->dial(entry.first);
}

bool RemoteTable::has_room(const Route& route, std::size_t bytes) const {
  const RemoteOptions& options = router_.options().remote;
  return route.waiting.size() < options.stanzas_max &&
         route.waiting_bytes + bytes <= options.bytes_max &&
         waiting_bytes_ + bytes <= options.bytes_all_max;
}

RemoteTable::Waiting RemoteTable::take_first(Route& route) {
  Waiting first = std::move(route.waiting.front());
  route.waiting.pop_front();
  route.waiting_bytes -= first.bytes;
  waiting_bytes_ -= first.bytes;
  --waiting_;
  return first;
}

// The timer is set for the first that waits; those behind it came later.
void RemoteTable::watch(Routes::value_type& entry) {
  Route& route = entry.second;
  if (route.timer != 0 || route.waiting.empty()) return;
  Loop& loop = router_.deps().loop;
  const Instant due = route.waiting.front().since + router_.options().remote.wait_max;
  const auto delay = std::chrono::ceil<std::chrono::milliseconds>(due - loop.clock().now());
  route.timer = loop.after(std::max(delay, std::chrono::milliseconds(0)),
                           [this, pair = entry.first] { expire(pair); });
}

void RemoteTable::expire(const DomainPair& pair) {
  const auto entry = routes_.find(pair);
  if (entry == routes_.end()) return;
  Route& route = entry->second;
  route.timer = 0;
  const Instant before = router_.deps().loop.clock().now() - router_.options().remote.wait_max;
  std::deque<Waiting> late;
  while (!route.waiting.empty() && route.waiting.front().since <= before) {
    late.push_back(take_first(route));
  }
  watch(*entry);
  // The answers may bring new stanzas for this route: it is not looked at after them.
  for (const Waiting& one : late) {
    give_back(one.stanza, Error(Errc::kRemoteServerTimeout, "that server did not answer in time"));
  }
}

void RemoteTable::give_back(const Stanza& stanza, const Error& error) {
  if (is_news(stanza)) return;
  router_.bounce(stanza, as_answer(error));
}

void RemoteTable::give_back_all(Route& route, const Error& error) {
  std::deque<Waiting> all;
  while (!route.waiting.empty()) all.push_back(take_first(route));
  router_.deps().loop.cancel(std::exchange(route.timer, 0));
  for (const Waiting& one : all) give_back(one.stanza, error);
}

// ---- streams

void RemoteTable::ready(const DomainPair& pair, Endpoint& stream) {
  auto entry = find_or_make({pair.local, pair.remote});
  // A stream that is here is worth a route, whatever the limit: streams have limits of their own.
  if (entry == routes_.end()) entry = routes_.try_emplace(pair).first;
  Route& route = entry->second;
  // One that has a stream keeps it: what went there must not be overtaken (RFC 6120 §10.1).
  if (route.stream || route.returning) return;
  wake(route);
  route.stream = &stream;
  route.dialing = false;
  route.failure.reset();
  route.failures = 0;
  route.began = router_.deps().loop.clock().now();
  router_.deps().loop.cancel(std::exchange(route.timer, 0));
  // A stream that takes no more ends itself, and the route is without one again.
  while (route.stream == &stream && !route.waiting.empty()) {
    const Waiting first = take_first(route);
    ++route.sent;
    stream.deliver(first.stanza);
  }
}

void RemoteTable::failed(const DomainPair& pair, const Error& error) {
  const auto entry = routes_.find(pair);
  if (entry == routes_.end()) return;
  Route& route = entry->second;
  route.dialing = route.returning = false;
  if (route.stream) return;  // another one was made meanwhile
  note_failure(route, error);
  rest(*entry);
  give_back_all(route, error);
}

void RemoteTable::note_failure(Route& route, const Error& error) {
  ++route.failures;
  route.failure = error;
  route.retry_at =
      router_.deps().loop.clock().now() + back_off(router_.options().remote, route.failures);
}

// The route without its stream; end() where it has another one, or none.
RemoteTable::Routes::iterator RemoteTable::take_stream(const DomainPair& pair,
                                                       const Endpoint& stream) {
  const auto entry = routes_.find(pair);
  if (entry == routes_.end() || entry->second.stream != &stream) return routes_.end();
  Route& route = entry->second;
  route.stream = nullptr;
  const Instant now = router_.deps().loop.clock().now();
  if (now - route.began >= kShort) {
    route.short_ones = 0;
  } else if (++route.short_ones >= kShortOnesMax) {
    note_failure(route, Error(Errc::kRemoteServerTimeout, "that server ends its streams"));
    route.failures = std::max(route.failures, route.short_ones - kShortOnesMax + 1);
  }
  return entry;
}

// What waits gets another stream.
void RemoteTable::go_on(Routes::value_type& entry) {
  Route& route = entry.second;
  if (route.waiting.empty()) return rest(entry);
  if (dialer_ == nullptr) return give_back_all(route, stopping());
  watch(entry);
  route.dialing = true;
  dialer_->dial(entry.first);
}

void RemoteTable::gone(const DomainPair& pair, const Endpoint& stream) {
  const auto entry = take_stream(pair, stream);
  if (entry != routes_.end()) go_on(*entry);
}

void RemoteTable::withdrawn(const DomainPair& pair, const Endpoint& stream) {
  const auto entry = take_stream(pair, stream);
  if (entry == routes_.end()) return;
  entry->second.dialing = entry->second.returning = true;
}

void RemoteTable::came_back(const DomainPair& pair, std::deque<Stanza> stanzas) {
  const auto entry = routes_.find(pair);
  if (entry == routes_.end() || !entry->second.returning) {
    for (const Stanza& stanza : stanzas) give_back(stanza, stopping());
    return;
  }
  Route& route = entry->second;
  route.dialing = route.returning = false;
  router_.deps().loop.cancel(std::exchange(route.timer, 0));
  const Instant now = router_.deps().loop.clock().now();
  for (; !stanzas.empty(); stanzas.pop_back()) {
    const std::size_t bytes = bytes_of(stanzas.back());
    route.waiting.push_front({std::move(stanzas.back()), bytes, now});
    route.waiting_bytes += bytes;
    waiting_bytes_ += bytes;
    ++waiting_;
  }
  if (!route.failure || now >= route.retry_at) return go_on(*entry);
  const Error error = *route.failure;
  rest(*entry);
  give_back_all(route, error);
}

bool RemoteTable::suspended(const DomainPair& pair, const Endpoint& stream) {
  const auto entry = routes_.find(pair);
  if (entry == routes_.end() || entry->second.stream != &stream) return false;
  entry->second.stream = nullptr;
  entry->second.dialing = entry->second.returning = true;
  return true;
}

void RemoteTable::release(const DomainPair& pair) {
  const auto entry = routes_.find(pair);
  if (entry != routes_.end()) entry->second.returning = false;
}

void RemoteTable::stop() {
  dialer_ = nullptr;
  std::vector<DomainPair> all;
  for (const auto& [pair, route] : routes_) all.push_back(pair);
  for (const DomainPair& pair : all) {
    const auto entry = routes_.find(pair);
    if (entry == routes_.end()) continue;
    give_back_all(entry->second, stopping());
  }
}

// ---- the table

RemoteTable::Routes::iterator RemoteTable::find_or_make(const PairView& pair) {
  const auto found = routes_.find(pair);
  if (found != routes_.end()) return found;
  if (routes_.size() >= router_.options().remote.routes_max) {
    if (idle_.empty()) return routes_.end();
    routes_.erase(idle_.back());
    idle_.pop_back();
  }
  return routes_.try_emplace({std::string(pair.local), std::string(pair.remote)}).first;
}

// Nothing goes through it now: it is remembered for its failure, and forgotten in time.
void RemoteTable::rest(Routes::value_type& entry) {
  Route& route = entry.second;
  if (route.stream || route.dialing || route.idle) return;
  const auto age_max = 2 * router_.options().remote.retry_max;
  const Instant now = router_.deps().loop.clock().now();
  while (!idle_.empty()) {
    const auto oldest = routes_.find(idle_.back());
    if (oldest != routes_.end() && now < oldest->second.retry_at + age_max) break;
    if (oldest != routes_.end()) routes_.erase(oldest);
    idle_.pop_back();
  }
  idle_.push_front(entry.first);
  route.idle = idle_.begin();
}

void RemoteTable::wake(Route& route) {
  if (route.idle) idle_.erase(*std::exchange(route.idle, std::nullopt));
}

void RemoteTable::for_each(const std::function<void(const DomainPair&, const Route&)>& f) const {
  for (const auto& [pair, route] : routes_) f(pair, route);
}

}  // namespace balcony::router
