// Both machines of negotiation against a peer who sends what he likes.
//
// Input: a byte that picks the end and what it is offered, a byte that picks the answers of policy
// and account database, then reads, each up to a 0xFF byte (which no XML has). What must hold
// whatever comes: what is written are well-formed streams, nobody gets in without an answer that
// lets him, no password and no account goes out before TLS, what ended stays ended.
#include "base/assert.h"
#include "sasl/ht.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"
#include "stream/initiating_stream.h"
#include "stream/receiving_stream.h"
#include "xml/splitter.h"
#include "xml/writer.h"

#include <cstdint>
#include <optional>

namespace {

using namespace balcony;
using namespace balcony::stream;

constexpr std::string_view kHost = "capulet.example";
constexpr std::string_view kPassword = "r0m30";
const sasl::ChannelBinding kBinding{std::string(sasl::kTlsExporter), "keying material"};

// An end's reading side. What stands behind a restart in one read is dropped.
class Reader {
 public:
  template <class Machine, class Perform>
  void feed(Machine& machine, std::string_view bytes, Perform perform) {
    splitter_.feed(bytes);
    restarted_ = false;
    while (!restarted_) {
      const auto event = splitter_.next();
      if (!event) return perform(machine.on_error(event.error()));
      switch (event->kind) {
        case xml::SplitKind::kNeedMore: return;
        case xml::SplitKind::kWhitespace: break;
        case xml::SplitKind::kStreamEnd: perform(machine.on_stream_end()); break;
        case xml::SplitKind::kStreamHeader: {
          auto header = xml::parse_stream_header(event->bytes, {});
          if (!header) return perform(machine.on_error(header.error()));
          header_ = *std::move(header);
          perform(machine.on_header(header_));
          break;
        }
        case xml::SplitKind::kStanza: {
          auto element = xml::parse(event->bytes, xml::scope_of(header_), {});
          if (!element) return perform(machine.on_error(element.error()));
          perform(machine.on_element(*std::move(element)));
          break;
        }
      }
    }
  }
  void restart() {
    splitter_.reset();
    restarted_ = true;
  }

 private:
  xml::Splitter splitter_{xml::Limits{}};
  xml::StreamHeader header_;
  bool restarted_ = false;
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
      }
    }
  }
  void restart() { splitter_.reset(); }

  bool ended = false;

 private:
  xml::Splitter splitter_{xml::Limits{}};
  xml::StreamHeader header_;
};

struct Policy final : ReceivingPolicy {
  explicit Policy(unsigned flags) : flags_(flags) {}
  bool serves(std::string_view domain) const override { return domain == kHost; }
  std::vector<std::string> mechanisms(std::string_view) const override {
    if (flags_ & 8) return {"ANONYMOUS"};
    return {"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"};
  }
  std::string fake_secret(std::string_view) const override { return "0123456789abcdef"; }
  std::uint32_t iterations(std::string_view) const override { return 1; }
  bool registration(std::string_view) const override { return (flags_ & 16) != 0; }
  void add_features(std::string_view, xml::Element& features) const override {
    features.append(ns::kSession, "session");
  }
  Sasl2Offer sasl2(std::string_view) const override {
    Sasl2Offer offer;
    offer.offered = offer.tokens = offer.resumption = (flags_ & 64) != 0;
    if (offer.offered) offer.upgrades = {sasl::ScramHash::kSha512};
    return offer;
  }

 private:
  unsigned flags_;
};

// The server's driver: answers each question at once, as `answers` has it.
class Server {
 public:
  Server(unsigned flags, unsigned answers)
      : policy_(flags),
        answers_(answers),
        required_((flags & 2) != 0),
        machine_(policy_, random_, options(flags)) {
    if (flags & 4) on_tls();
  }

  void feed(std::string_view bytes) {
    if (machine_.state() == ReceivingStream::State::kBound) return;
    if (written_.ended) return still_ended();
    reader_.feed(machine_, bytes, [this](Actions actions) { perform(std::move(actions)); });
    BALCONY_ASSERT(machine_.state() != ReceivingStream::State::kWaiting, "an answer was not taken");
    // XEP-0388 §2.6.3: tasks may stand between the two.
    BALCONY_ASSERT(welcome_ || !machine_.authenticated(), "in without being let in");
  }

 private:
  // perform() checks that nothing comes of it.
  void still_ended() {
    perform(machine_.on_element(xml::Element(ns::kSasl, "abort")));
    perform(machine_.on_stream_end());
    perform(machine_.on_error(Error(Errc::kXmlTooBig)));
    perform(machine_.close());
  }
  static ReceivingOptions options(unsigned flags) {
    ReceivingOptions options;
    options.tls_required = (flags & 2) != 0;
    options.direct_tls = (flags & 4) != 0;
    options.tls_available = (flags & 32) == 0;
    return options;
  }
  bool yes() {
    answers_ = (answers_ >> 1) | (answers_ << 7 & 0x80);
    return (answers_ & 1) != 0;
  }
  void on_tls() {
    tls_ = true;
    ShownCertificate shown;
    shown.addresses = {*Jid::make("juliet", kHost), *Jid::make("juliet", "elsewhere.example")};
    shown.host = kHost;
    perform(machine_.on_tls({kBinding}, std::move(shown)));
  }
  void perform(Actions actions) {
    BALCONY_ASSERT(!written_.ended || actions.empty(), "a machine that ended goes on");
    for (Action& action : actions) std::visit([this](auto& what) { on(what); }, action);
  }

  void on(Send& send) { written_.add(send.bytes); }
  void on(UpgradeTls&) { on_tls(); }
  void on(RestartStream&) {
    reader_.restart();
    written_.restart();
  }
  void on(LookUp& what) {
    asked(what.username);
    std::optional<sasl::ScramKeys> keys;
    if (what.username == "juliet" && what.hash != sasl::ScramHash::kSha512)
      keys = sasl::fake_keys(what.hash, "juliet", "the keys of one who exists", 1);
    if (!yes()) return perform(machine_.on_credentials(fail(Errc::kIo)));
    perform(machine_.on_credentials(std::move(keys)));
  }
  void on(VerifyPassword& what) {
    asked(what.username);
    if (!yes()) return perform(machine_.on_verified(fail(Errc::kIo)));
    perform(machine_.on_verified(what.username == "juliet" && what.password == kPassword));
  }
  void on(CheckAccount& what) {
    BALCONY_ASSERT(tls_ && what.username == "juliet", "somebody whom no certificate names");
    if (!yes()) return perform(machine_.on_account_checked(fail(Errc::kIo)));
    perform(machine_.on_account_checked(yes()));
  }
  void on(ComeHome& what) {
    BALCONY_ASSERT(!welcome_, "two come home on one stream");
    BALCONY_ASSERT(what.anonymous || what.username == "juliet", "a stranger comes home");
    if (!yes()) return perform(machine_.on_home(fail(Errc::kResourceConstraint)));
    welcome_ = true;
    perform(machine_.on_home(Jid::make(what.anonymous ? "guest" : "juliet", kHost)));
  }
  void on(AttemptFailed&) {
    welcome_ = false;  // a task of XEP-0480 that went wrong
    BALCONY_ASSERT(++failures_ <= ReceivingOptions{}.attempts_max, "one attempt too many");
  }
  void on(BindResource& what) {
    BALCONY_ASSERT(welcome_, "a resource before authentication");
    if (!yes()) return perform(machine_.on_bound(fail(Errc::kConflict)));
    auto jid = Jid::make("juliet", kHost, what.wanted.empty() ? "here" : what.wanted);
    perform(machine_.on_bound(std::move(jid)));
  }
  // Nobody here has a token, and so nobody knows one.
  void on(VerifyToken& what) {
    asked(what.what.username);
    BALCONY_ASSERT(tls_ && !what.user_agent.empty(), "a token of nobody");
    BALCONY_ASSERT(!sasl::fits(what.what, "a token that nobody was given"), "it is guessed");
    if (!yes()) return perform(machine_.on_token_verified(fail(Errc::kSaslCredentialsExpired)));
    perform(machine_.on_token_verified(std::optional<UsedToken>{}));
  }
  void on(AddKeys& what) {
    BALCONY_ASSERT(welcome_ && what.keys.hash == sasl::ScramHash::kSha512, "keys for nobody");
    if (!yes()) return perform(machine_.on_keys_added(fail(Errc::kIo)));
    perform(machine_.on_keys_added({}));
  }
  void on(IssueToken& what) {
    BALCONY_ASSERT(welcome_ && !what.user_agent.id.empty(), "a token for nobody");
    if (!yes()) return perform(machine_.on_token_issued(fail(Errc::kIo)));
    perform(machine_.on_token_issued(FastToken{"new", {}}));
  }
  void on(ResumeSession& what) {
    BALCONY_ASSERT(welcome_, "a session before authentication");
    if (!yes()) return perform(machine_.on_resumed({}, write_failed(Errc::kItemNotFound)));
    auto jid = Jid::make("juliet", kHost, "lost").value();
    perform(machine_.on_resumed(std::move(jid), write_resumed(what.previd, 0)));
  }
  void on(RegisterRequest& request) {
    asked("a new one");
    std::string text;
    xml::write(text, error_reply(request.iq, Error(Errc::kNotAcceptable)));
    written_.add(text);
  }
  void on(EndStream&) { written_.ended = true; }
  // RFC 7590 §3.3.
  void asked(std::string_view username) {
    BALCONY_ASSERT(tls_ || !required_, "credentials before TLS");
    BALCONY_ASSERT(!username.empty(), "a question about nobody");
  }

  SeededRandom random_{1};
  Policy policy_;
  unsigned answers_;
  bool required_;
  bool tls_ = false;
  bool welcome_ = false;
  int failures_ = 0;
  Reader reader_;
  Written written_;
  ReceivingStream machine_;
};

class Client {
 public:
  Client(unsigned flags, unsigned answers)
      : verified_((answers & 1) != 0),
        plaintext_((flags & 6) == 0),
        machine_(random_, options(flags)) {
    if (flags & 4) {
      on_tls();
    } else {
      perform(machine_.on_start());
    }
  }

  void feed(std::string_view bytes) {
    if (bound_) return;  // the stream is the driver's now
    if (written_.ended) return still_ended();
    reader_.feed(machine_, bytes,
                 [this](InitiatingActions actions) { perform(std::move(actions)); });
  }

 private:
  void still_ended() {
    perform(machine_.on_element(xml::Element(ns::kStream, "features")));
    perform(machine_.on_stream_end());
    perform(machine_.on_error(Error(Errc::kXmlTooBig)));
  }
  static InitiatingOptions options(unsigned flags) {
    InitiatingOptions options(Jid::make("juliet", kHost, flags & 8 ? "balcony" : "").value());
    options.password = kPassword;
    options.tls = flags & 4   ? TlsPolicy::kDirect
                  : flags & 2 ? TlsPolicy::kRequired
                              : TlsPolicy::kPlaintext;
    options.register_first = (flags & 16) != 0;
    options.anonymous = (flags & 32) != 0;
    options.sasl2.use = (flags & 64) != 0;
    options.sasl2.user_agent.id = "d4565fa7-4d72-4749-b3d3-740edbf87770";
    options.sasl2.want_token = true;
    if (flags & 128) {
      options.sasl2.token = LoginToken{"HT-SHA-256-EXPR", "a token that nobody knows", {}};
    }
    return options;
  }
  void on_tls() {
    tls_ = true;
    perform(machine_.on_tls({kBinding}, verified_));
  }
  void perform(InitiatingActions actions) {
    BALCONY_ASSERT(!written_.ended || actions.empty(), "a machine that ended goes on");
    for (InitiatingAction& action : actions) std::visit([this](auto& what) { on(what); }, action);
  }

  void on(Send& send) {
    const bool secret = send.bytes.find("<auth") != std::string::npos ||
                        send.bytes.find(kPassword) != std::string::npos ||
                        send.bytes.find("juliet") != std::string::npos;
    const bool in_clear = machine_.state() != InitiatingStream::State::kEnded && !tls_;
    BALCONY_ASSERT(!secret || !in_clear || plaintext_, "a secret before TLS");
    written_.add(send.bytes);
  }
  void on(UpgradeTls&) { on_tls(); }
  void on(RestartStream&) {
    reader_.restart();
    written_.restart();
  }
  void on(Registered&) {}
  void on(Bound& what) {
    BALCONY_ASSERT(what.jid.is_full() && !what.mechanism.empty(), "bound to nothing");
    BALCONY_ASSERT(!what.mechanism.starts_with("SCRAM") && !what.mechanism.starts_with("HT-"),
                   "the client believes a stranger");
    bound_ = true;
    reader_.restart();
  }
  void on(Failed&) { BALCONY_ASSERT(!std::exchange(failed_, true), "it fails twice"); }
  void on(EndStream&) { written_.ended = true; }

  SeededRandom random_{2};
  bool verified_;
  bool plaintext_;
  bool tls_ = false;
  bool bound_ = false;
  bool failed_ = false;
  Reader reader_;
  Written written_;
  InitiatingStream machine_;
};

template <class End>
void talk(End& end, std::string_view rest) {
  while (!rest.empty()) {
    const std::size_t at = rest.find('\xff');
    end.feed(rest.substr(0, at));
    rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  const unsigned flags = data[0];
  if (flags & 1) {
    Client client(flags, data[1]);
    talk(client, rest);
  } else {
    Server server(flags, data[1]);
    talk(server, rest);
  }
  return 0;
}
