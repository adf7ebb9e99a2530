// Both ends of a stream between servers against a peer who sends what he likes.
//
// Input: a byte that picks the end and its options, a byte of answers to what it asks, then reads,
// each up to a 0xFF byte (which no XML has). What must hold whatever comes: what is written are
// well-formed streams; no pair of domains is accepted that no answer of the driver's proves, none
// is opened that was not asked for; each question is answered once; what ended stays ended;
// elements of dialback survive writing and reading.
#include "base/assert.h"
#include "stanza/ns.h"
#include "stanza/stanza.h"
#include "stream/initiating_server.h"
#include "stream/receiving_server.h"
#include "xml/splitter.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>

namespace {

using namespace balcony;
using namespace balcony::stream;

const std::string kOurs = "montague.example";
const std::string kPeer = "capulet.example";

struct Policy final : ServerPolicy {
  explicit Policy(unsigned flags_) : flags(flags_) {}
  bool serves(std::string_view domain) const override {
    return domain == kOurs || domain == "chat.montague.example";
  }
  ServerTrust trust(std::string_view remote, std::string_view) const override {
    return {remote != "denied.example", (flags & 4) != 0, (flags & 8) != 0};
  }
  std::string dialback_secret() const override { return "s3cr3tf0rd14lb4ck"; }
  unsigned flags;
};

// What a machine wrote: streams one after the other, each well-formed as far as it goes.
class Written {
 public:
  void add(std::string_view bytes) {
    BALCONY_ASSERT(!ended, "something is written behind the end");
    splitter_.feed(bytes);
    while (true) {
      const auto event = splitter_.next();
      BALCONY_ASSERT(event, "what is written is no XML: " + event.error().to_string());
      if (event->kind == xml::SplitKind::kNeedMore) return;
      if (event->kind == xml::SplitKind::kStreamHeader) {
        header_ = xml::parse_stream_header(event->bytes, {}).value();
      } else if (event->kind == xml::SplitKind::kStanza) {
        const auto element = xml::parse(event->bytes, xml::scope_of(header_), {});
        BALCONY_ASSERT(element, "what is written is no element");
        if (is_dialback(*element)) {
          BALCONY_ASSERT(read_dialback(*element), "what is written is no dialback");
        }
      }
    }
  }
  void restart() { splitter_.reset(); }

  bool ended = false;

 private:
  xml::Splitter splitter_{xml::Limits{}};
  xml::StreamHeader header_;
};

// Reading an element of dialback, writing it and reading it again comes to the same.
void check_round_trip(xml::ElementView element) {
  const auto read = read_dialback(element);
  if (!read) return;
  const std::string text = write_dialback(*read);
  const std::vector<xml::StreamHeader::Declaration> declarations = {
      {"db", std::string(ns::kDialback)}};
  xml::Scope scope;
  scope.default_ns = scope.content_ns = ns::kServer;
  scope.declarations = &declarations;
  const auto parsed = xml::parse(text, scope, {});
  BALCONY_ASSERT(parsed, "dialback is written as something else");
  const auto again = read_dialback(*parsed);
  BALCONY_ASSERT(again && write_dialback(*again) == text, "dialback does not survive");
}

template <class Machine>
class End {
 public:
  template <class Make>
  End(unsigned flags, unsigned answers, Make make)
      : policy_(flags), answers_(answers), machine_(make(policy_, random_)) {}

  void perform(ServerActions actions) {
    // What is asked for then is refused, and that is all.
    const bool is_answer = std::ranges::all_of(actions, [](const ServerAction& action) {
      return std::holds_alternative<PairRefused>(action) ||
             std::holds_alternative<KeyAnswered>(action);
    });
    BALCONY_ASSERT(!written_.ended || is_answer, "a machine that ended goes on");
    for (ServerAction& action : actions) std::visit([this](auto& what) { this->on(what); }, action);
  }

  void feed(std::string_view bytes) {
    if (written_.ended) return;
    splitter_.feed(bytes);
    restarted_ = false;
    while (!restarted_) {
      const auto event = splitter_.next();
      if (!event) return perform(machine_.on_error(event.error()));
      if (event->kind == xml::SplitKind::kNeedMore) return;
      if (event->kind == xml::SplitKind::kStreamEnd) perform(machine_.on_stream_end());
      if (event->kind == xml::SplitKind::kStreamHeader) {
        auto header = xml::parse_stream_header(event->bytes, {});
        if (!header) return perform(machine_.on_error(header.error()));
        header_ = *std::move(header);
        perform(machine_.on_header(header_));
      }
      if (event->kind != xml::SplitKind::kStanza) continue;
      auto element = xml::parse(event->bytes, xml::scope_of(header_), {});
      if (!element) return perform(machine_.on_error(element.error()));
      on_element(*std::move(element));
    }
  }

  // What a driver may do besides, in any state.
  void meddle(unsigned what) {
    if (what & 1) perform(machine_.open_pair({"chat.montague.example", kPeer}));
    if (what & 2) perform(machine_.on_key({kPeer, kOurs}, {}));
    if constexpr (requires(VerifyKey key) { machine_.verify(key); }) {
      if (what & 4) {
        ++questions_;
        perform(machine_.verify({{kPeer, kOurs}, "7", "k"}));
      }
    }
    if (what & 8) perform(machine_.close());
    if (what & 16) perform(machine_.end({StreamCondition::kReset, "again"}));
    if (what & 32) perform(machine_.on_certificate(kPeer, {}));
  }

  Machine& machine() { return machine_; }

 private:
  bool is_open() const {
    if constexpr (requires { Machine::State::kOpen; }) {
      return machine_.state() == Machine::State::kOpen;
    } else {
      return machine_.state() == Machine::State::kReady;
    }
  }
  void on_element(xml::Element element) {
    check_round_trip(element);
    if (!is_open() || !stanza_kind(element))
      return perform(machine_.on_element(std::move(element)));
    const auto stanza = Stanza::make(element);
    if (!stanza) return;
    if (auto error = machine_.check(*stanza)) return perform(machine_.end(*error));
    BALCONY_ASSERT(accepted_.contains({std::string(stanza->from()->domain()),
                                       std::string(stanza->to()->domain())}),
                   "a stanza of a pair that nobody accepted");
  }
  bool yes() {
    answers_ = (answers_ >> 1) | (answers_ << 7 & 0x80);
    return (answers_ & 1) != 0;
  }

  void on(Send& send) { written_.add(send.bytes); }
  void on(UpgradeTls&) { perform(machine_.on_tls(yes())); }
  void on(RestartStream&) {
    splitter_.reset();
    restarted_ = true;
    written_.restart();
  }
  void on(CheckCertificate& what) {
    Result<> verdict;
    if (yes()) {
      proved_.insert(what.domain);
    } else {
      verdict = fail(Errc::kTls, "no");
    }
    perform(machine_.on_certificate(what.domain, verdict));
  }
  void on(VerifyKey& what) {
    BALCONY_ASSERT(!what.key.empty() && what.id == machine_.id(), "a question about nothing");
    if (!yes()) return perform(machine_.on_key(what.pair, fail(Errc::kForbidden)));
    proved_.insert(what.pair.from);
    perform(machine_.on_key(what.pair, {}));
  }
  void on(PairAccepted& what) {
    BALCONY_ASSERT(proved_.contains(what.pair.from), "a pair that nothing proves");
    BALCONY_ASSERT(policy_.serves(what.pair.to) && !policy_.serves(what.pair.from),
                   "a pair of domains that are none of ours, or ours alone");
    accepted_.insert(what.pair);
  }
  void on(PairRejected&) {}
  void on(PairOpened& what) {
    BALCONY_ASSERT(policy_.serves(what.pair.from), "we send from a domain of others");
    // Whom we reached, or who has proved it, may send back (XEP-0288).
    proved_.insert(what.pair.to);
  }
  void on(PairRefused&) {}
  void on(KeyAnswered&) { BALCONY_ASSERT(questions_-- > 0, "an answer to nothing"); }
  void on(EnableManagement&) { BALCONY_ASSERT(!accepted_.empty(), "management of nobody's"); }
  void on(ResumeManagement&) { BALCONY_ASSERT(!accepted_.empty(), "management of nobody's"); }
  void on(StreamReady&) {}
  void on(ManagementOutcome&) {}
  void on(Failed&) {}
  void on(EndStream&) {
    written_.ended = true;
    BALCONY_ASSERT(questions_ == 0, "a question without answer");
  }

  SeededRandom random_{1};
  Policy policy_;
  unsigned answers_;
  int questions_ = 0;
  bool restarted_ = false;
  std::set<std::string> proved_;
  std::set<DomainPair> accepted_;
  Written written_;
  xml::Splitter splitter_{xml::Limits{}};
  xml::StreamHeader header_;
  Machine machine_;
};

template <class E>
void run(E& end, std::string_view bytes, unsigned answers) {
  while (!bytes.empty()) {
    const std::size_t size = std::min(bytes.find('\xFF'), bytes.size());
    end.feed(bytes.substr(0, size));
    bytes.remove_prefix(std::min(size + 1, bytes.size()));
  }
  end.meddle(answers);
  end.perform(end.machine().on_error(Error(Errc::kClosed)));
  end.meddle(7);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const unsigned flags = data[0];
  const unsigned answers = data[1];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  if ((flags & 1) != 0) {
    End<ReceivingServer> end(flags, answers, [flags](const Policy& policy, Random& random) {
      ReceivingServerOptions options;
      options.bidi = (flags & 16) != 0;
      options.tls_available = (flags & 32) == 0;
      return ReceivingServer(policy, random, options);
    });
    if ((flags & 2) != 0) end.perform(end.machine().on_tls((flags & 64) != 0));
    run(end, bytes, answers);
  } else {
    End<InitiatingServer> end(flags, answers, [flags](const Policy& policy, Random&) {
      InitiatingServerOptions options(kOurs, kPeer);
      options.bidi = (flags & 16) != 0;
      options.verify_only = (flags & 32) != 0;
      if (flags & 128) options.lost = Resume{"lost", 3};
      if (flags & 64) options.also.push_back({options.pair.from, "chat.montague.example"});
      return InitiatingServer(policy, options);
    });
    if ((flags & 2) != 0) {
      end.perform(end.machine().on_tls((flags & 64) != 0));
    } else {
      end.perform(end.machine().on_start());
    }
    run(end, bytes, answers);
  }
  return 0;
}
