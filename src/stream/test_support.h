// What the tests of stream/ share: the two machines joined in memory, through the real splitter and
// parser, with a policy and an account database of a few lines.
#pragma once

#include "sasl/test_support.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"
#include "stream/initiating_stream.h"
#include "stream/receiving_stream.h"
#include "xml/splitter.h"
#include "xml/writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace balcony::stream::testing {

inline constexpr std::string_view kHost = "capulet.example";

// The header of a server of a few lines.
inline constexpr std::string_view kHeader =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
    "from='capulet.example' id='x' version='1.0'>";

// Of the client that has the token of sasl/test_support.h.
inline constexpr std::string_view kUserAgent = "d4565fa7-4d72-4749-b3d3-740edbf87770";
inline constexpr WallTime kExpiry{std::chrono::milliseconds(1'583'937'375'000)};

struct FakePolicy final : ReceivingPolicy {
  std::vector<std::string> names = {"SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"};
  bool open_registration = false;
  bool legacy_session = false;
  Sasl2Offer offer;          // of XEP-0388
  std::string trusted_host;  // whose certificates let in

  bool serves(std::string_view domain) const override { return domain == kHost; }
  std::vector<std::string> mechanisms(std::string_view) const override { return names; }
  std::string fake_secret(std::string_view) const override {
    return std::string(sasl::testing::kSecret);
  }
  std::uint32_t iterations(std::string_view) const override { return rounds; }
  std::uint32_t rounds = 4096;
  bool trusts(std::string_view, const ShownCertificate& shown) const override {
    return !trusted_host.empty() && shown.host == trusted_host;
  }
  bool registration(std::string_view) const override { return open_registration; }
  void add_features(std::string_view, xml::Element& features) const override {
    if (legacy_session) features.append(ns::kSession, "session");
  }
  Sasl2Offer sasl2(std::string_view) const override { return offer; }
  void add_inline_features(std::string_view, xml::Element& features) const override {
    features.append("feature").set("var", ns::kCarbons);
  }
};

// A server that offers all of XEP-0388.
inline FakePolicy offering(std::vector<sasl::ScramHash> upgrades = {}) {
  FakePolicy policy;
  policy.offer.offered = true;
  policy.offer.tokens = true;
  policy.offer.resumption = true;
  policy.offer.upgrades = std::move(upgrades);
  return policy;
}

// An end's reading side: bytes to headers, elements and ends.
template <class Machine>
class Reader {
 public:
  // Feeds `bytes` and performs what the machine answers; a restart drops what is left.
  template <class Perform>
  void feed(Machine& machine, std::string_view bytes, Perform perform) {
    splitter_.feed(bytes);
    restarted_ = false;
    while (!restarted_) {
      auto event = splitter_.next();
      if (!event) return perform(machine.on_error(event.error()));
      if (event->kind == xml::SplitKind::kNeedMore) return;
      if (event->kind == xml::SplitKind::kStreamEnd) {
        perform(machine.on_stream_end());
      } else if (event->kind == xml::SplitKind::kStreamHeader) {
        header_ = xml::parse_stream_header(event->bytes, {}).value();
        perform(machine.on_header(header_));
      } else if (event->kind == xml::SplitKind::kStanza) {
        auto element = xml::parse(event->bytes, xml::scope_of(header_), {});
        if (!element) return perform(machine.on_error(element.error()));
        perform(machine.on_element(*std::move(element)));
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

// The server: answers the machine's questions at once.
class ServerEnd {
 public:
  ServerEnd(const FakePolicy& policy, ReceivingOptions options = {})
      : machine(policy, random_, options) {}

  void feed(std::string_view bytes) {
    if (machine.state() == ReceivingStream::State::kBound) return after_binding(bytes);
    reader_.feed(machine, bytes, [this](Actions actions) { perform(std::move(actions)); });
  }
  void begin_tls(std::vector<sasl::ChannelBinding> bindings) {
    wants_tls = false;
    perform(machine.on_tls(std::move(bindings), shown));
  }
  void perform(Actions actions) {
    for (Action& action : actions) std::visit([this](auto& a) { on(a); }, action);
  }
  std::string take() { return std::exchange(out, {}); }

 private:
  SeededRandom random_{1};
  Reader<ReceivingStream> reader_;

  void on(Send& send) { out += send.bytes; }
  void on(UpgradeTls&) { wants_tls = true; }
  void on(RestartStream&) { reader_.restart(); }
  void on(LookUp& what) {
    if (what.hash == lacks) return perform(machine.on_credentials(std::nullopt));
    perform(machine.on_credentials(sasl::testing::keys_of(what.username, what.hash)));
  }
  void on(CheckAccount& what) {
    perform(machine.on_account_checked(what.username == sasl::testing::kUser));
  }
  // The token of sasl/test_support.h, for the client of kUserAgent.
  void on(VerifyToken& what) {
    token_uses.push_back(what.use);
    if (token_expired)
      return perform(machine.on_token_verified(fail(Errc::kSaslCredentialsExpired)));
    const bool has = what.what.username == sasl::testing::kUser && what.user_agent == kUserAgent &&
                     sasl::fits(what.what, sasl::testing::kToken);
    std::optional<UsedToken> used;
    if (has) used = UsedToken{std::string(sasl::testing::kToken), token_is_old};
    perform(machine.on_token_verified(std::move(used)));
  }
  void on(AddKeys& what) {
    added = std::move(what.keys);
    perform(machine.on_keys_added({}));
  }
  void on(IssueToken& what) {
    issued_for = what.mechanism;
    if (what.user_agent.id != kUserAgent) return perform(machine.on_token_issued(fail(Errc::kIo)));
    perform(machine.on_token_issued(FastToken{"a-new-token", kExpiry}));
  }
  void on(VerifyPassword& what) {
    const bool known = what.username == sasl::testing::kUser;
    perform(machine.on_verified(known && what.password == sasl::testing::kPassword));
  }
  void on(ComeHome& what) {
    account_ = what.anonymous ? "guest" : what.username;
    perform(machine.on_home(Jid::make(account_, kHost)));
  }
  void on(AttemptFailed& what) { failures.push_back(what.error.code); }
  void on(BindResource& what) {
    if (what.wanted == "taken") {
      return perform(machine.on_bound(fail(Errc::kConflict, "the resource is taken")));
    }
    std::vector<xml::Element> answers;
    if (what.inline_bind.child(ns::kStreamManagement, "enable")) {
      answers.push_back(write_enabled("sm-1", 600));
    }
    perform(machine.on_bound(
        Jid::make(account_, kHost, what.wanted.empty() ? "made-here" : what.wanted),
        std::move(answers)));
  }
  // One session can be resumed: "lost", of which the peer has 3 and of whose stanzas we have 5.
  void on(ResumeSession& what) {
    if (what.previd != "lost") {
      return perform(machine.on_resumed({}, write_failed(Errc::kItemNotFound)));
    }
    resumed_h = what.h;
    perform(machine.on_resumed(*Jid::make(account_, kHost, "lost-one"), write_resumed("lost", 5)));
  }
  void on(RegisterRequest& request) {
    xml::Element reply;
    if (request.iq.attr("type") == "get") {
      xml::Element form(ns::kRegister, "query");
      form.append_text_element("instructions", "Choose.");
      form.append("username");
      form.append("password");
      if (asks_for_email) form.append("email");
      reply = result_reply(request.iq, std::move(form));
    } else if (account_exists) {
      reply = error_reply(request.iq, Error(Errc::kConflict));
    } else {
      registration = request.iq.first_child().clone();
      reply = result_reply(request.iq);
    }
    xml::write(out, reply);
  }
  void on(EndStream& end) {
    ended = true;
    error = std::move(end.error);
  }
  // RFC 3921 §3: the one thing that still belongs to the login.
  void after_binding(std::string_view bytes) {
    auto iq = xml::parse(bytes, {}, {});
    if (!iq) return;
    if (iq->first_child().is(ns::kSession, "session")) xml::write(out, result_reply(*iq));
  }

 public:
  ReceivingStream machine;
  std::string out;
  std::optional<ShownCertificate> shown;  // by the client in TLS
  bool wants_tls = false;
  bool ended = false;
  bool account_exists = false;
  std::optional<StanzaCount> resumed_h;
  bool asks_for_email = false;
  std::optional<sasl::ScramHash> lacks;  // the account has no keys for this
  std::optional<sasl::ScramKeys> added;
  std::vector<FastUse> token_uses;
  bool token_is_old = false;
  bool token_expired = false;
  std::string issued_for;  // the mechanism of the last new token
  std::optional<StreamError> error;
  std::vector<Errc> failures;
  xml::Element registration;

 private:
  std::string account_;
};

class ClientEnd {
 public:
  explicit ClientEnd(InitiatingOptions options) : machine(random_, std::move(options)) {}

  void start() { perform(machine.on_start()); }
  void feed(std::string_view bytes) {
    reader_.feed(machine, bytes,
                 [this](InitiatingActions actions) { perform(std::move(actions)); });
  }
  void begin_tls(std::vector<sasl::ChannelBinding> bindings, bool verified) {
    wants_tls = false;
    perform(machine.on_tls(std::move(bindings), verified));
  }
  void perform(InitiatingActions actions) {
    for (InitiatingAction& action : actions) std::visit([this](auto& a) { on(a); }, action);
  }
  std::string take() { return std::exchange(out, {}); }

 private:
  SeededRandom random_{2};
  Reader<InitiatingStream> reader_;

  void on(Send& send) { out += send.bytes; }
  void on(UpgradeTls&) { wants_tls = true; }
  void on(RestartStream&) { reader_.restart(); }
  void on(Registered&) { registered = true; }
  void on(Bound& what) { bound = std::move(what); }
  void on(Failed& what) { failed = std::move(what); }
  void on(EndStream&) { ended = true; }

 public:
  InitiatingStream machine;
  std::string out;
  bool wants_tls = false;
  bool registered = false;
  bool ended = false;
  std::optional<Bound> bound;
  std::optional<Failed> failed;
};

// Both, until nothing moves any more.
struct Pair {
  Pair(const FakePolicy& policy, InitiatingOptions client_options, ReceivingOptions options = {})
      : server(policy, options), client(std::move(client_options)) {}

  void run() {
    if (server_direct_tls) {
      server.begin_tls(bindings);
      client.begin_tls(bindings, verified);
    } else {
      client.start();
    }
    bool moved = true;
    while (moved) {
      moved = false;
      if (!client.out.empty()) moved = true, transcript += client.out, server.feed(client.take());
      if (!server.out.empty()) moved = true, transcript += server.out, client.feed(server.take());
      if (client.wants_tls && server.wants_tls) {
        moved = true;
        server.begin_tls(bindings);
        client.begin_tls(bindings, verified);
      }
    }
  }

  ServerEnd server;
  ClientEnd client;
  std::vector<sasl::ChannelBinding> bindings = {sasl::testing::exporter()};
  bool verified = true;
  bool server_direct_tls = false;
  std::string transcript;
};

inline InitiatingOptions juliet(std::string_view resource = {}) {
  InitiatingOptions options(Jid::make(sasl::testing::kUser, kHost, resource).value());
  options.password = sasl::testing::kPassword;
  return options;
}

}  // namespace balcony::stream::testing
