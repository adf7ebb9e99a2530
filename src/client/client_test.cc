// A Client on loopback against a server of a few lines: our receiving machine, and after binding a
// script that answers each stanza.
#include <balcony/client.h>

#include "client/test_support.h"
#include "net/listener.h"
#include "net/shard.h"
#include "session/tcp_transport.h"
#include "stream/test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fcntl.h>
#include <mutex>
#include <unistd.h>

namespace balcony {
namespace {

using namespace std::chrono_literals;
using client::testing::kDrop;
using stream::testing::ServerEnd;
using ::testing::HasSubstr;

// Answers what each stanza of a bound client shall be answered with; kDrop ends the connection.
using Script = std::function<std::string(const xml::Element& stanza, int connection)>;

class LoopbackServer {
 public:
  explicit LoopbackServer(Script script) : script_(std::move(script)) {
    ListenerOptions options;
    options.address = "127.0.0.1";
    listener_ = Listener::listen(shards_, options, [this](ConnectionPtr connection) {
                  spawn(serve(std::make_unique<session::TcpTransport>(std::move(connection)),
                              ++connections));
                }).value();
  }
  ~LoopbackServer() {
    listener_.reset();
    shards_.stop();
  }

  ClientOptions options(std::string_view password = sasl::testing::kPassword) const {
    ClientOptions options(*Jid::parse("juliet@capulet.example/balcony"), std::string(password));
    options.server = listener_->address().to_string();
    options.tls = ClientOptions::Tls::kNone;
    options.request_timeout = 5s;
    return options;
  }
  // Everything that bound clients sent, as XML.
  std::string seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

  std::atomic<int> connections = 0;

 private:
  Task<> serve(std::unique_ptr<session::TcpTransport> transport, int number) {
    stream::ReceivingOptions options;
    options.tls_required = false;
    ServerEnd end(policy_, options);
    xml::Splitter splitter{xml::Limits{}};
    splitter.feed(kHeader);
    while (splitter.next()->kind != xml::SplitKind::kNeedMore) {
    }
    bool open = true;
    while (open) {
      const auto ready = co_await transport->readable();
      if (!ready) break;
      const auto read = transport->read();
      if (!read) break;
      const std::string bytes(*read);
      if (end.machine.state() == stream::ReceivingStream::State::kBound) {
        open = stanzas(splitter, bytes, number, end.out);
      } else {
        end.feed(bytes);
        open = !end.ended;
      }
      transport->write(end.take());
    }
    session::Transport::close_in_background(std::move(transport));
  }

  bool stanzas(xml::Splitter& splitter, const std::string& bytes, int number, std::string& out) {
    splitter.feed(bytes);
    while (true) {
      const auto event = splitter.next();
      if (!event || event->kind == xml::SplitKind::kStreamEnd) {
        out += "</stream:stream>";
        return false;
      }
      if (event->kind == xml::SplitKind::kNeedMore) return true;
      const auto stanza = xml::parse(event->bytes, {}, {}).value();
      {
        const std::lock_guard lock(mutex_);
        seen_ += xml::to_string(stanza);
      }
      const std::string answer = script_(stanza, number);
      if (answer == kDrop) return false;
      out += answer;
    }
  }

  static constexpr std::string_view kHeader =
      "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
      "version='1.0'>";
  stream::testing::FakePolicy policy_;
  Script script_;
  mutable std::mutex mutex_;
  std::string seen_;
  ShardSet shards_{1};
  std::unique_ptr<Listener> listener_;
};

std::string result(const xml::Element& iq, std::string_view payload, std::string_view from = {}) {
  std::string text = "<iq type='result' id='" + std::string(iq.attr("id")) + "'";
  if (!from.empty()) text += " from='" + std::string(from) + "'";
  return text + ">" + std::string(payload) + "</iq>";
}

std::string silence(const xml::Element&, int) {
  return {};
}

TEST(Client, ConnectsAndAsks) {
  LoopbackServer server([](const xml::Element& stanza, int) {
    // A forged answer first: it has the id, but comes from somebody who was not asked.
    if (!stanza.first_child().is(ns::kRoster, "query")) return std::string();
    return result(stanza, "<query xmlns='jabber:iq:roster'/>", "mallory@evil.example") +
           result(stanza,
                  "<query xmlns='jabber:iq:roster'><item jid='romeo@montague.example' "
                  "subscription='both'/></query>");
  });
  const int code = run([](ClientOptions options) -> Task<int> {
    Client client(std::move(options));
    EXPECT_FALSE(client.is_connected());
    EXPECT_EQ(client.send_presence().error().code, Errc::kClosed);
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    EXPECT_TRUE(client.is_connected());
    EXPECT_EQ(client.jid().str(), "juliet@capulet.example/balcony");
    EXPECT_EQ(client.connection().mechanism, "SCRAM-SHA-512");
    EXPECT_EQ(client.connection().tls, "");
    const auto again = co_await client.connect();
    EXPECT_EQ(again.error().code, Errc::kUsage);
    const auto roster = co_await client.roster();
    EXPECT_TRUE(roster && roster->size() == 1);
    if (!roster) co_return 1;
    EXPECT_EQ(roster->front().jid.str(), "romeo@montague.example");
    co_await client.disconnect();
    EXPECT_FALSE(client.is_connected());
    co_return 7;
  }(server.options()));
  EXPECT_EQ(code, 7);
}

TEST(Client, AnswersForItself) {
  LoopbackServer server([](const xml::Element& stanza, int) -> std::string {
    if (stanza.name() != "presence") return {};
    const std::string get = "<iq type='get' from='romeo@montague.example/o' id='";
    const std::string push =
        "<query xmlns='jabber:iq:roster'><item jid='nurse@capulet.example'/>"
        "</query></iq>";
    return get + "q1'><ping xmlns='urn:xmpp:ping'/></iq>" + get +
           "q2'><query xmlns='jabber:iq:version'/></iq>" + get +
           "q3'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>" + get +
           "q4'><query xmlns='urn:example:unknown'/></iq>" + get +
           "q5'><query xmlns='urn:example:mine'/></iq>"
           "<iq type='set' id='p1' from='romeo@montague.example/o'>" +
           push + "<iq type='set' id='p2'>" + push +
           "<message from='romeo@montague.example/o' type='chat' id='m1'><body>Hark!</body>"
           "<thread>t</thread></message>";
  });
  run([](ClientOptions options) -> Task<int> {
    Client client(std::move(options));
    OneShot<std::string> said;
    int pushes = 0;
    client.on_message([&](const Message& m) {
      EXPECT_EQ(m.from.str(), "romeo@montague.example/o");
      EXPECT_EQ(m.type, "chat");
      EXPECT_EQ(m.thread, "t");
      said.set(m.body);
    });
    client.on_roster_push([&](const RosterItem& item) {
      ++pushes;
      EXPECT_EQ(item.jid.str(), "nurse@capulet.example");
    });
    client.on_iq("urn:example:mine", "query", [](const IqRequest& request) {
      EXPECT_FALSE(request.is_set);
      return Result<xml::Element>(xml::Element("urn:example:mine", "answer"));
    });
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    EXPECT_TRUE(client.send_presence());
    const std::string body = co_await said;
    EXPECT_EQ(body, "Hark!");
    EXPECT_EQ(pushes, 1);
    co_await client.disconnect();
    co_return 0;
  }(server.options()));
  const std::string seen = server.seen();
  EXPECT_THAT(seen, HasSubstr("id='q1' type='result'/>"));
  EXPECT_THAT(seen, HasSubstr("<name>Balcony</name>"));
  EXPECT_THAT(seen, HasSubstr("<feature var='urn:example:mine'/>"));
  EXPECT_THAT(seen, HasSubstr("id='q4' type='error'"));
  EXPECT_THAT(seen, HasSubstr("<answer xmlns='urn:example:mine'/>"));
  // RFC 6121 §2.1.6: not from somebody else.
  EXPECT_THAT(seen, HasSubstr("id='p1' type='error'"));
  EXPECT_THAT(seen, HasSubstr("id='p2' type='result'"));
}

TEST(Client, ReconnectsAndIsPresentAgain) {
  LoopbackServer server([](const xml::Element& stanza, int connection) -> std::string {
    if (connection == 1) return std::string(kDrop);
    return stanza.name() == "presence"
               ? "<message from='capulet.example'><body>back</body></message>"
               : "";
  });
  run([](ClientOptions options) -> Task<int> {
    options.reconnect = true;
    options.reconnect_first = 10ms;
    Client client(std::move(options));
    OneShot<std::string> back;
    int lost = 0;
    int reconnected = 0;
    client.on_message([&](const Message& m) { back.set(m.body); });
    client.on_disconnect([&](const Error&, bool again) { lost += again ? 1 : 100; });
    client.on_reconnect([&] { ++reconnected; });
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    EXPECT_TRUE(client.send_presence("away"));
    const std::string body = co_await back;
    EXPECT_EQ(body, "back");
    EXPECT_EQ(lost, 1);
    EXPECT_EQ(reconnected, 1);
    co_await client.disconnect();
    EXPECT_EQ(lost, 1);
    co_return 0;
  }(server.options()));
  EXPECT_EQ(server.connections, 2);
}

TEST(Client, ALostConnectionFailsWhatWaits) {
  LoopbackServer server([](const xml::Element&, int) { return std::string(kDrop); });
  run([](ClientOptions options) -> Task<int> {
    Client client(std::move(options));
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    const auto answer = co_await client.ping();
    EXPECT_EQ(answer.error().code, Errc::kClosed);
    const Error why = co_await client.closed();
    EXPECT_EQ(why.code, Errc::kClosed);
    co_return 0;
  }(server.options()));
}

TEST(Client, TimesOut) {
  LoopbackServer server(silence);
  run([](ClientOptions options) -> Task<int> {
    options.request_timeout = 100ms;
    Client client(std::move(options));
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    const auto answer = co_await client.ping();
    EXPECT_EQ(answer.error().code, Errc::kTimeout);
    EXPECT_TRUE(client.is_connected());
    co_return 0;
  }(server.options()));
}

TEST(Client, ASilentServerIsNoticed) {
  LoopbackServer server(silence);
  run([](ClientOptions options) -> Task<int> {
    options.keep_alive = 100ms;
    options.request_timeout = 100ms;
    Client client(std::move(options));
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    const Error why = co_await client.closed();
    EXPECT_EQ(why.code, Errc::kTimeout);
    co_return 0;
  }(server.options()));
}

TEST(Client, RefusalsAreFinal) {
  LoopbackServer server(silence);
  run([](ClientOptions options) -> Task<int> {
    options.reconnect = true;
    Client client(std::move(options));
    const auto connected = co_await client.connect();
    EXPECT_EQ(connected.error().code, Errc::kSaslNotAuthorized);
    co_return 0;
  }(server.options("wrong")));
  EXPECT_EQ(server.connections, 1);
}

TEST(Client, NobodyThere) {
  ClientOptions options(*Jid::parse("juliet@capulet.example"), "x");
  options.server = "127.0.0.1:1";
  run([](ClientOptions given) -> Task<int> {
    Client client(std::move(given));
    const auto connected = co_await client.connect();
    EXPECT_EQ(connected.error().code, Errc::kConnect);
    EXPECT_THAT(connected.error().detail, HasSubstr("127.0.0.1:1"));
    co_return 0;
  }(options));
}

TEST(Client, PlaintextStaysOnThisMachine) {
  ClientOptions options(*Jid::parse("juliet@capulet.example"), "x");
  options.server = "192.0.2.1:5222";
  options.tls = ClientOptions::Tls::kNone;
  run([](ClientOptions given) -> Task<int> {
    Client client(std::move(given));
    const auto connected = co_await client.connect();
    EXPECT_EQ(connected.error().code, Errc::kTls);
    co_return 0;
  }(options));
}

TEST(Runtime, WaitsForADescriptor) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  run([](int reader, int writer) -> Task<int> {
    Runtime& runtime = *Runtime::current();
    const bool nothing = co_await runtime.readable(reader, 20ms);
    EXPECT_FALSE(nothing);
    EXPECT_EQ(::write(writer, "x", 1), 1);
    const bool something = co_await runtime.readable(reader, 5s);
    EXPECT_TRUE(something);
    const bool still = co_await runtime.readable(reader, 5s);
    EXPECT_TRUE(still);
    const int file = ::open("/dev/null", O_RDONLY);
    const bool always = co_await runtime.readable(file, 5s);
    EXPECT_TRUE(always);
    ::close(file);
    co_return 0;
  }(pipe[0], pipe[1]));
  ::close(pipe[0]);
  ::close(pipe[1]);
}

// The Client ends while an answer is awaited, in a handler, and before it is connected.
TEST(Client, EndsAtAnyMoment) {
  LoopbackServer server(
      [](const xml::Element&, int) { return std::string("<message from='a.b'/>"); });
  Runtime runtime(Runtime::Thread::kOwn);
  runtime.run([](ClientOptions options) -> Task<> {
    auto client = std::make_unique<Client>(options);
    const auto connected = co_await client->connect();
    EXPECT_TRUE(connected);
    OneShot<bool> gone;
    client->on_message([&](const Message&) {
      client.reset();
      gone.set(true);
    });
    EXPECT_TRUE(client->send_presence());
    co_await gone;

    client = std::make_unique<Client>(options);
    const auto again = co_await client->connect();
    EXPECT_TRUE(again);
    OneShot<Errc> code;
    spawn([](Client& asker, OneShot<Errc>& out) -> Task<> {
      const auto answer = co_await asker.ping();
      out.set(answer.error().code);
    }(*client, code));
    client.reset();
    const Errc told = co_await code;
    EXPECT_EQ(told, Errc::kClosed);
  }(server.options()));
  // The same runtime runs more than one task, and is ended with clients' farewells under way.
  EXPECT_EQ(runtime.run([](ClientOptions options) -> Task<int> {
    Client client(std::move(options));
    const auto connected = co_await client.connect();
    co_return connected ? 1 : 0;
  }(server.options())),
            1);
}

}  // namespace
}  // namespace balcony
