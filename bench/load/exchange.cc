// Question and answer: chat and ping.
#include "bench/load/pacer.h"
#include "bench/load/process.h"
#include "bench/load/scenarios.h"

#include <deque>
#include <memory>

namespace balcony::bench {
namespace {

class Exchange;

// One sender; answers or messages come back to the receiver, who may be the same, in their order.
struct Line {
  Exchange* exchange = nullptr;
  Client* sender = nullptr;
  std::string text;
  std::string_view answer;   // what an answer begins with
  std::deque<Instant> sent;  // those under way
};

class Exchange {
 public:
  Exchange(Shard& shard, const Options& options) : shard_(shard), options_(options) {}

  void add(Client& sender, Client& receiver, std::string text, std::string_view answer) {
    Line& line = lines_.emplace_back();
    line.exchange = this;
    line.sender = &sender;
    line.text = std::move(text);
    line.answer = answer;
    listen(receiver, &line);
    if (&sender != &receiver) listen(sender, nullptr);
  }

  Task<Result<Report>> run() {
    for (Line& line : lines_) {
      for (std::size_t i = 0; i < options_.in_flight && options_.rate == 0; ++i) send(line);
    }
    paced_since_ = shard_.clock().now();
    if (options_.rate > 0) pacer_ = std::make_unique<Pacer>(shard_, [this] { pace(); });
    co_await wait(shard_, options_.warm_up);
    count_ = 0;
    latencies_.clear();
    const Instant begun = shard_.clock().now();
    const double cpu = servers_cpu_seconds();
    const double own = own_cpu_seconds();
    if (options_.messages == 0) shard_.after(options_.duration, [this] { enough_.set(true); });
    measuring_ = true;
    co_await enough_;
    const std::chrono::duration<double> took = shard_.clock().now() - begun;
    const double used = servers_cpu_seconds() - cpu;
    const auto count = static_cast<double>(count_);
    stopping_ = true;
    if (failure_) co_return fail(*failure_);
    if (count_ == 0) co_return fail(Errc::kTimeout, "the server delivered nothing");
    Report report;
    report.add("messages", count);
    report.add("seconds", took.count());
    report.add("per_second", count / took.count());
    report.add("p50_us", latencies_.quantile(0.5));
    report.add("p99_us", latencies_.quantile(0.99));
    report.add("server_cpu_s", used);
    report.add("cpu_s_per_100000", used * 1e5 / count);
    report.add("client_cpu_s", own_cpu_seconds() - own);
    co_return report;
  }

 private:
  double servers_cpu_seconds() const {
    const double near = cpu_seconds(options_.pid);
    return options_.far_port == 0 ? near : near + cpu_seconds(options_.far_pid);
  }

  void listen(Client& client, Line* line) {
    spawn([](Exchange& self, Client& from, Line* to) -> Task<> {
      const Error end = co_await from.read([&self, to](std::string_view stanza) {
        if (to != nullptr && stanza.starts_with(to->answer)) self.arrived(*to, stanza);
      });
      self.ended(end);
    }(*this, client, line));
  }

  void send(Line& line) {
    line.sent.push_back(shard_.clock().now());
    line.sender->write(line.text);
  }

  // Sends what is due by now, pair after pair.
  void pace() {
    if (stopping_) return;
    const std::chrono::duration<double> since = shard_.clock().now() - paced_since_;
    const auto due = static_cast<std::size_t>(since.count() * static_cast<double>(options_.rate));
    for (; paced_ < due; ++paced_) send(lines_[paced_ % lines_.size()]);
  }

  void arrived(Line& line, std::string_view stanza) {
    if (line.sent.empty()) return;
    if (stanza.substr(0, stanza.find('>')).contains("type='error'")) {
      return ended(Error(Errc::kMalformed, "an error came back: " + std::string(stanza)));
    }
    latencies_.add(shard_.clock().now() - line.sent.front());
    line.sent.pop_front();
    ++count_;
    if (measuring_ && count_ == options_.messages) enough_.set(true);
    if (!stopping_ && options_.rate == 0) send(line);
  }

  void ended(const Error& why) {
    if (stopping_) return;
    if (!failure_) failure_ = why;
    enough_.set(false);
  }

  Shard& shard_;
  const Options& options_;
  std::deque<Line> lines_;  // their addresses stay
  Latencies latencies_;
  std::size_t count_ = 0;
  Instant paced_since_{};
  std::size_t paced_ = 0;  // messages sent by rate
  std::unique_ptr<Pacer> pacer_;
  bool measuring_ = false;
  bool stopping_ = false;
  std::optional<Error> failure_;
  OneShot<bool> enough_;
};

std::string message_to(const std::string& jid, std::size_t body) {
  return "<message type='chat' id='b1' to='" + jid + "'><body>" + std::string(body, 'x') +
         "</body></message>";
}

}  // namespace

Task<Result<Report>> exchange(Shard& shard, Crowd& crowd, const Options& options) {
  BALCONY_CO_CHECK(co_await crowd.log_in(0, options.sessions));
  const Clients& clients = crowd.clients();
  if (options.managed) {
    for (const auto& client : clients) client->manage();
  }
  // The readers outlive this function: they end with the shard.
  static std::unique_ptr<Exchange> all;
  all = std::make_unique<Exchange>(shard, options);
  if (options.scenario == "ping") {
    for (const auto& client : clients) {
      all->add(*client, *client, "<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>",
               "<iq");
    }
  } else {
    for (std::size_t i = 0; i + 1 < clients.size(); i += 2) {
      all->add(*clients[i], *clients[i + 1], message_to(clients[i + 1]->jid(), options.body),
               "<message");
    }
  }
  co_return co_await all->run();
}

}  // namespace balcony::bench
