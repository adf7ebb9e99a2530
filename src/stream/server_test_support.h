// What the tests of streams between servers share: an end of each kind with a driver of a few
// lines, through the real splitter and parser, and both joined in memory.
#pragma once

#include "stanza/stanza.h"
#include "stream/initiating_server.h"
#include "stream/receiving_server.h"
#include "stream/test_support.h"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace balcony::stream::testing {

inline const std::string kCapulet = "capulet.example";    // initiates
inline const std::string kMontague = "montague.example";  // receives

struct FakeServers final : ServerPolicy {
  explicit FakeServers(std::set<std::string> ours_) : ours(std::move(ours_)) {}

  std::set<std::string> ours;
  ServerTrust trusted;
  std::set<std::string> denied;
  std::string secret = "s3cr3t";

  bool serves(std::string_view domain) const override { return ours.contains(std::string(domain)); }
  ServerTrust trust(std::string_view remote, std::string_view) const override {
    ServerTrust result = trusted;
    result.allowed = !denied.contains(std::string(remote));
    return result;
  }
  std::string dialback_secret() const override { return secret; }
};

// The driver's side of both ends: keeps what the machine did.
template <class Machine>
class DrivenServer {
 public:
  template <class... Args>
  explicit DrivenServer(Args&&... args) : machine(std::forward<Args>(args)...) {}

  void feed(std::string_view bytes) {
    reader_.feed(*this, bytes, [this](ServerActions actions) { perform(std::move(actions)); });
  }
  void perform(ServerActions actions) {
    for (ServerAction& action : actions) std::visit([this](auto& a) { this->on(a); }, action);
  }
  std::string take() { return std::exchange(out, {}); }
  void begin_tls() {
    wants_tls = false;
    perform(machine.on_tls(shows_certificate));
  }

  // What the reader finds.
  ServerActions on_header(const xml::StreamHeader& header) { return machine.on_header(header); }
  ServerActions on_stream_end() { return machine.on_stream_end(); }
  ServerActions on_error(const Error& why) { return machine.on_error(why); }
  ServerActions on_element(xml::Element element) {
    if (!is_open() || !stanza_kind(element)) return machine.on_element(std::move(element));
    const auto stanza = Stanza::make(element);
    if (!stanza) return machine.end({StreamCondition::kBadFormat, ""});
    if (auto why = machine.check(*stanza)) return machine.end(*why);
    stanzas.push_back(std::string(stanza->id()));
    return {};
  }

  Machine machine;
  std::string out;
  bool shows_certificate = true;                        // the peer does
  std::set<std::string> certified;                      // domains that its certificate is good for
  std::function<Result<>(const VerifyKey&)> authority;  // null: VerifyKey is kept for later
  bool wants_tls = false;
  bool ended = false;
  bool is_ready = false;
  std::optional<StreamError> error;
  std::optional<Failed> failed;
  std::vector<std::string> news;  // "accepted capulet.example montague.example external", …
  std::vector<VerifyKey> keys;
  std::vector<std::string> stanzas;  // ids of those that came in
  std::optional<ManagementOutcome> management;
  std::optional<bool> enable;
  std::optional<Resume> resume;

 private:
  bool is_open() const {
    if constexpr (requires { Machine::State::kOpen; }) {
      return machine.state() == Machine::State::kOpen;
    } else {
      return machine.state() == Machine::State::kReady;
    }
  }
  static std::string text(const DomainPair& pair) { return pair.from + " " + pair.to; }

  void on(Send& send) { out += send.bytes; }
  void on(UpgradeTls&) { wants_tls = true; }
  void on(RestartStream&) { reader_.restart(); }
  void on(CheckCertificate& what) {
    Result<> verdict;
    if (!certified.contains(what.domain)) verdict = fail(Errc::kTls, "it is for other names");
    perform(machine.on_certificate(what.domain, verdict));
  }
  void on(VerifyKey& what) {
    if (!authority) return keys.push_back(std::move(what));
    const auto verdict = authority(what);
    perform(machine.on_key(what.pair, verdict));
  }
  void on(PairAccepted& a) {
    news.push_back("accepted " + text(a.pair) + " " + std::string(to_string(a.proof)));
  }
  void on(PairRejected& a) {
    news.push_back("rejected " + text(a.pair) + " " +
                   std::string(balcony::to_string(a.error.code)));
  }
  void on(PairOpened& a) {
    news.push_back("opened " + text(a.pair) + " " + std::string(to_string(a.proof)));
  }
  void on(PairRefused& a) {
    news.push_back("refused " + text(a.pair) + " " + std::string(balcony::to_string(a.error.code)));
  }
  void on(KeyAnswered& a) {
    const std::string what = a.error ? std::string(balcony::to_string(a.error->code)) : "valid";
    news.push_back("key " + text(a.pair) + " " + a.id + " " + what);
  }
  void on(EnableManagement& what) { enable = what.resume; }
  void on(ResumeManagement& what) { resume = std::move(what.what); }
  void on(StreamReady&) { is_ready = true; }
  void on(ManagementOutcome& what) { management = std::move(what); }
  void on(Failed& what) { failed = std::move(what); }
  void on(EndStream& end) {
    ended = true;
    error = std::move(end.error);
  }

  Reader<DrivenServer> reader_;
};

class ReceivingEnd : public DrivenServer<ReceivingServer> {
 public:
  explicit ReceivingEnd(const ServerPolicy& policy, ReceivingServerOptions options = {})
      : ReceivingEnd(policy, std::make_unique<SeededRandom>(1), std::move(options)) {}

 private:
  ReceivingEnd(const ServerPolicy& policy, std::unique_ptr<SeededRandom> random,
               ReceivingServerOptions options)
      : DrivenServer(policy, *random, std::move(options)), random_(std::move(random)) {}
  std::unique_ptr<SeededRandom> random_;
};

using InitiatingEnd = DrivenServer<InitiatingServer>;

// Both, until nothing moves any more.
struct ServerPair {
  ServerPair(InitiatingServerOptions initiating, ReceivingServerOptions receiving = {})
      : client(capulet, std::move(initiating)), server(montague, std::move(receiving)) {
    client.certified = {kMontague};
    // Keys are asked of the domain's server, at once.
    server.authority = [this](const VerifyKey& what) -> Result<> {
      Dialback verify;
      verify.addresses = reversed(what.pair);
      verify.id = what.id;
      verify.key = what.key;
      if (!is_our_key(capulet.secret, verify)) return fail(Errc::kForbidden);
      return {};
    };
  }

  void run() {
    if (is_direct) {
      server.begin_tls();
      client.begin_tls();
    } else {
      client.perform(client.machine.on_start());
    }
    go_on();
  }
  void go_on() {
    bool moved = true;
    while (moved) {
      moved = false;
      if (!client.out.empty()) moved = true, transcript += client.out, server.feed(client.take());
      if (!server.out.empty()) moved = true, transcript += server.out, client.feed(server.take());
      if (client.wants_tls && server.wants_tls) {
        moved = true;
        server.begin_tls();
        client.begin_tls();
      }
    }
  }

  FakeServers capulet{{kCapulet, "rooms.capulet.example"}};
  FakeServers montague{{kMontague, "chat.montague.example"}};
  bool is_direct = false;
  std::string transcript;
  InitiatingEnd client;
  ReceivingEnd server;
};

// Without stream management, whose answers are the driver's.
inline InitiatingServerOptions to_montague() {
  InitiatingServerOptions options(kCapulet, kMontague);
  options.management = false;
  return options;
}

inline std::string stanza(std::string_view from, std::string_view to, std::string_view id) {
  return "<message from='" + std::string(from) + "' to='" + std::string(to) + "' id='" +
         std::string(id) + "'/>";
}

}  // namespace balcony::stream::testing
