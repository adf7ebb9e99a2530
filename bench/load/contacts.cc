// Rosters: making them, and everybody coming at once.
#include "bench/load/process.h"
#include "bench/load/scenarios.h"

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace balcony::bench {
namespace {

// The value of an attribute of the stanza's start tag, whichever quotes the server writes; empty
// without it.
std::string_view attribute(std::string_view stanza, std::string_view name) {
  const std::string_view tag = stanza.substr(0, stanza.find('>'));
  for (std::size_t at = tag.find(name); at != std::string_view::npos; at = tag.find(name, at + 1)) {
    const std::size_t value = at + name.size() + 2;
    if (value > tag.size() || tag[at - 1] != ' ' || tag[value - 2] != '=') continue;
    return tag.substr(value, tag.find(tag[value - 1], value) - value);
  }
  return {};
}

std::string_view bare(std::string_view jid) {
  return jid.substr(0, jid.find('/'));
}

std::string presence(std::string_view to, std::string_view type) {
  std::string text = "<presence to='";
  text.append(to).append("' type='").append(type).append("'/>");
  return text;
}

// Whoever hears of its contacts, until all have.
class Circle {
 public:
  Circle(Shard& shard, Crowd& crowd, const Options& options)
      : shard_(shard), clients_(crowd.clients()), options_(options), seen_(clients_.size()) {}

  // What each of them should have seen in the end, of each contact.
  enum class Goal { kSubscribed, kAvailable };

  void listen(Goal goal) {
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      spawn([](Circle& self, std::size_t who, Goal until) -> Task<> {
        (void)co_await self.clients_[who]->read(
            [&self, who, until](std::string_view stanza) { self.heard(who, until, stanza); });
        self.end(false);
      }(*this, i, goal));
    }
  }

  // Each asks half of its contacts, and is asked by the others.
  void ask() {
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      for (std::size_t next = 1; next <= options_.contacts / 2; ++next) {
        const Client& other = *clients_[(i + next) % clients_.size()];
        clients_[i]->write(presence(bare(other.jid()), "subscribe"));
      }
    }
  }

  // RFC 6121 §2.2: who asks for the roster is told of subscriptions.
  void come() {
    for (const auto& client : clients_) {
      client->write("<iq type='get' id='r1'><query xmlns='jabber:iq:roster'/></iq><presence/>");
    }
  }

  // False: a stream ended, or nothing has come for a time.
  Task<bool> all() {
    if (complete()) co_return true;
    watch(pairs_);
    co_return co_await done_;
  }

  std::size_t pairs() const { return pairs_; }

 private:
  bool complete() const { return pairs_ == clients_.size() * options_.contacts; }

  void watch(std::size_t before) {
    shard_.after(std::chrono::seconds(120), [this, before] {
      if (ended_) return;
      if (pairs_ == before) return end(false);
      watch(pairs_);
    });
  }

  void heard(std::size_t who, Goal until, std::string_view stanza) {
    if (!stanza.starts_with("<presence")) return;
    const std::string_view type = attribute(stanza, "type");
    const std::string_view from = bare(attribute(stanza, "from"));
    if (type == "subscribe") {
      // The answer, and the same question; it answers itself, for the other side has approved.
      clients_[who]->write(presence(from, "subscribed"));
      if (asked_back_.emplace(who, from).second) {
        clients_[who]->write(presence(from, "subscribe"));
      }
      return;
    }
    if (type != (until == Goal::kSubscribed ? "subscribed" : "")) return;
    if (from == bare(clients_[who]->jid())) return;
    if (!seen_[who].emplace(from).second) return;
    ++pairs_;
    if (complete()) end(true);
  }

  void end(bool good) {
    if (!std::exchange(ended_, true)) done_.set(good);
  }

  Shard& shard_;
  Clients& clients_;
  const Options& options_;
  std::vector<std::set<std::string, std::less<>>> seen_;  // of each client, whom
  std::set<std::pair<std::size_t, std::string>> asked_back_;
  std::size_t pairs_ = 0;
  bool ended_ = false;
  OneShot<bool> done_;
};

// The readers outlive the scenario: they end with the shard.
Circle& make_circle(Shard& shard, Crowd& crowd, const Options& options) {
  static std::unique_ptr<Circle> circle;
  circle = std::make_unique<Circle>(shard, crowd, options);
  return *circle;
}

Task<Result<Report>> measure(Shard& shard, Circle& circle, const Options& options,
                             std::string_view what, std::function<void()> begin) {
  const Instant begun = shard.clock().now();
  const double cpu = cpu_seconds(options.pid);
  begin();
  if (!co_await circle.all()) {
    co_return fail(Errc::kTimeout, "only " + std::to_string(circle.pairs()) + " of " +
                                       std::to_string(options.sessions * options.contacts) + " " +
                                       std::string(what) + " came");
  }
  const std::chrono::duration<double> took = shard.clock().now() - begun;
  // What the server still does for them afterwards is a part of it.
  co_await wait(shard, options.warm_up);
  const double used = cpu_seconds(options.pid) - cpu;
  Report report;
  report.add(what, static_cast<double>(circle.pairs()));
  report.add("seconds", took.count());
  report.add("server_cpu_s", used);
  report.add("cpu_ms_per_user", used * 1e3 / static_cast<double>(options.sessions));
  co_return report;
}

}  // namespace

Task<Result<Report>> contacts(Shard& shard, Crowd& crowd, const Options& options) {
  BALCONY_CO_CHECK(co_await crowd.log_in(0, options.sessions));
  Circle& circle = make_circle(shard, crowd, options);
  circle.listen(Circle::Goal::kSubscribed);
  circle.come();
  co_await wait(shard, options.warm_up);
  co_return co_await measure(shard, circle, options, "subscriptions", [&] { circle.ask(); });
}

Task<Result<Report>> storm(Shard& shard, Crowd& crowd, const Options& options) {
  BALCONY_CO_CHECK(co_await crowd.log_in(0, options.sessions));
  co_await wait(shard, options.warm_up);
  Circle& circle = make_circle(shard, crowd, options);
  circle.listen(Circle::Goal::kAvailable);
  co_return co_await measure(shard, circle, options, "presences", [&] { circle.come(); });
}

}  // namespace balcony::bench
