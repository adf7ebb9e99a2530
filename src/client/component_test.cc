// A Component on loopback against a server of a few lines: our accepting machine, and a script that
// answers each stanza.
#include <balcony/component.h>

#include "base/random.h"
#include "client/test_support.h"
#include "net/listener.h"
#include "net/shard.h"
#include "session/tcp_transport.h"
#include "stanza/ns.h"
#include "stream/component.h"
#include "xml/writer.h"

#include <gmock/gmock.h>

#include <atomic>
#include <mutex>

namespace balcony {
namespace {

using namespace std::chrono_literals;
using client::testing::kDrop;
using ::testing::HasSubstr;

constexpr std::string_view kSecret = "wherefore";
// What is answered to a stanza of an accepted component, on this connection (the first is 1).
using Script = std::function<std::string(const xml::Element& stanza, int connection)>;

class ComponentServer {
 public:
  explicit ComponentServer(Script script) : script_(std::move(script)) {
    ListenerOptions options;
    options.address = "127.0.0.1";
    listener_ = Listener::listen(shards_, options, [this](ConnectionPtr connection) {
                  spawn(serve(std::make_unique<session::TcpTransport>(std::move(connection)),
                              ++connections));
                }).value();
  }
  ~ComponentServer() {
    listener_.reset();
    shards_.stop();
  }

  ComponentOptions options(std::string_view secret = kSecret) const {
    ComponentOptions options(*Jid::parse("bot.capulet.example"), std::string(secret));
    options.server = listener_->address().to_string();
    options.request_timeout = 5s;
    options.reconnect_first = 10ms;
    return options;
  }
  std::string seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

  std::atomic<int> connections = 0;

 private:
  Task<> serve(std::unique_ptr<session::TcpTransport> transport, int number) {
    stream::AcceptingComponent machine(
        [](std::string_view domain) -> std::optional<std::string> {
          if (domain != "bot.capulet.example") return std::nullopt;
          return std::string(kSecret);
        },
        system_random());
    xml::Splitter splitter{xml::Limits{}};
    xml::StreamHeader header;
    bool open = true;
    while (open) {
      const auto ready = co_await transport->readable();
      if (!ready) break;
      const auto read = transport->read();
      if (!read) break;
      const std::string bytes(*read);
      splitter.feed(bytes);
      while (open) {
        const auto event = splitter.next();
        if (!event || event->kind == xml::SplitKind::kNeedMore) break;
        open = take(*event, machine, header, *transport, number);
      }
    }
    session::Transport::close_in_background(std::move(transport));
  }

  bool take(const xml::SplitEvent& event, stream::AcceptingComponent& machine,
            xml::StreamHeader& header, session::TcpTransport& out, int number) {
    if (event.kind == xml::SplitKind::kStreamHeader) {
      header = xml::parse_stream_header(event.bytes, {}).value();
      return perform(machine.on_header(header), machine, out);
    }
    if (event.kind == xml::SplitKind::kStreamEnd) {
      out.write("</stream:stream>");
      return false;
    }
    if (event.kind != xml::SplitKind::kStanza) return true;
    const auto element = xml::parse(event.bytes, xml::scope_of(header), {}).value();
    if (machine.state() != stream::AcceptingComponent::State::kAccepted) {
      return perform(machine.on_element(element), machine, out);
    }
    {
      const std::lock_guard lock(mutex_);
      seen_ += xml::to_string(element);
    }
    std::string text = script_(element, number);
    const bool drop = text.ends_with(kDrop);
    if (drop) text.resize(text.size() - kDrop.size());
    out.write(text);
    return !drop;
  }

  static bool perform(const stream::AcceptingActions& actions, stream::AcceptingComponent& machine,
                      session::TcpTransport& out) {
    for (const stream::AcceptingAction& action : actions) {
      if (const auto* send = std::get_if<stream::Send>(&action)) out.write(send->bytes);
      if (std::holds_alternative<stream::SecretProved>(action)) {
        return perform(machine.on_home({}), machine, out);
      }
      if (std::holds_alternative<stream::SecretWrong>(action)) {
        return perform(machine.on_slowed(), machine, out);
      }
      if (std::holds_alternative<stream::EndStream>(action)) return false;
    }
    return true;
  }

  Script script_;
  mutable std::mutex mutex_;
  std::string seen_;
  ShardSet shards_{1};
  std::unique_ptr<Listener> listener_;
};

Jid jid(std::string_view text) {
  return *Jid::parse(text);
}

xml::Element version_request() {
  xml::Element iq(ns::kClient, "iq");
  iq.set("type", "get").set("to", "capulet.example");
  iq.append(ns::kVersion, "query");
  return iq;
}

std::string nothing(const xml::Element&, int) {
  return {};
}

TEST(Component, AsksAndIsAnswered) {
  ComponentServer server([](const xml::Element& stanza, int) -> std::string {
    return "<iq type='result' from='capulet.example' to='bot.capulet.example' id='" +
           std::string(stanza.attr("id")) +
           "'><query xmlns='jabber:iq:version'><name>x</name></query></iq>";
  });
  const int code = run([](ComponentOptions options) -> Task<int> {
    Component bot(std::move(options));
    const auto connected = co_await bot.connect();
    EXPECT_TRUE(connected) << connected.error().to_string();
    EXPECT_TRUE(bot.is_connected());
    const auto answer = co_await bot.request(version_request());
    EXPECT_TRUE(answer) << answer.error().to_string();
    if (!answer) co_return 1;
    EXPECT_EQ(answer->view().child_text(ns::kVersion, "name"), "x");
    co_await bot.disconnect();
    EXPECT_FALSE(bot.is_connected());
    const auto late = co_await bot.request(version_request());
    EXPECT_EQ(late.error().code, Errc::kClosed);
    co_return 0;
  }(server.options()));
  EXPECT_EQ(code, 0);
  EXPECT_THAT(server.seen(), HasSubstr("from='bot.capulet.example'"));
}

TEST(Component, AWrongSecretIsToldAndNotTriedAgain) {
  ComponentServer server(nothing);
  const int code = run([](ComponentOptions options) -> Task<int> {
    Component bot(std::move(options));
    const auto connected = co_await bot.connect();
    EXPECT_EQ(connected.error().code, Errc::kNotAuthorized);
    const Error over = co_await bot.closed();
    EXPECT_EQ(over.code, Errc::kClosed);
    co_return 0;
  }(server.options("therefore")));
  EXPECT_EQ(code, 0);
  EXPECT_EQ(server.connections, 1);
}

TEST(Component, AnswersWhatEveryEntityIsAsked) {
  ComponentServer server([](const xml::Element& stanza, int) -> std::string {
    if (stanza.name() != "message") return {};
    std::string all;
    for (const char* query : {"<ping xmlns='urn:xmpp:ping'/>", "<own xmlns='urn:own'/>",
                              "<query xmlns='http://jabber.org/protocol/disco#info'/>"}) {
      for (const char* to : {"bot.capulet.example", "a@bot.capulet.example"}) {
        all += "<iq type='get' from='juliet@capulet.example/b' to='" + std::string(to) + "' id='" +
               std::to_string(all.size()) + "'>" + query + "</iq>";
      }
    }
    return all + "<message from='juliet@capulet.example/b' to='a@bot.capulet.example'/>";
  });
  const int code = run([](ComponentOptions options) -> Task<int> {
    options.features = {"urn:mine"};
    Component bot(std::move(options));
    OneShot<Jid> asked;
    bot.on_iq("urn:own", "own", [](const IqRequest& request) -> Result<xml::Element> {
      if (request.to != jid("a@bot.capulet.example")) return fail(Errc::kItemNotFound);
      return xml::Element("urn:own", "mine");
    });
    bot.on_message([&](const Message& message) { asked.set(*message.to); });
    (void)co_await bot.connect();
    (void)bot.send_message(jid("a@bot.capulet.example"), jid("juliet@capulet.example"), "hi");
    const Jid to = co_await asked;
    EXPECT_EQ(to, jid("a@bot.capulet.example"));
    co_await bot.disconnect();
    co_return 0;
  }(server.options()));
  EXPECT_EQ(code, 0);
  const std::string seen = server.seen();
  EXPECT_THAT(seen, HasSubstr("<mine xmlns='urn:own'/>"));
  EXPECT_THAT(seen, HasSubstr("<feature var='urn:mine'/>"));
  EXPECT_THAT(seen, HasSubstr("<feature var='urn:own'/>"));
  const auto count = [&seen](std::string_view what) {
    int n = 0;
    for (std::size_t at = 0; (at = seen.find(what, at)) != std::string::npos; ++at) ++n;
    return n;
  };
  EXPECT_EQ(count("<service-unavailable"), 2) << "ping and disco of an address";
  EXPECT_EQ(count("<item-not-found"), 1);
}

TEST(Component, SendsOnlyAsItself) {
  ComponentServer server(nothing);
  const int code = run([](ComponentOptions options) -> Task<int> {
    Component bot(std::move(options));
    (void)co_await bot.connect();
    const Jid juliet = jid("juliet@capulet.example");
    const auto foreign = bot.send_message(juliet, juliet, "hi");
    EXPECT_EQ(foreign.error().code, Errc::kUsage);
    const auto lost = bot.send(xml::Element(ns::kClient, "message"));
    EXPECT_EQ(lost.error().code, Errc::kUsage);
    EXPECT_TRUE(bot.send_presence(jid("a@bot.capulet.example"), juliet, "unavailable"));
    co_await bot.disconnect();
    co_return 0;
  }(server.options()));
  EXPECT_EQ(code, 0);
  EXPECT_EQ(server.seen(),
            "<presence xmlns='jabber:client' from='a@bot.capulet.example' "
            "to='juliet@capulet.example' type='unavailable'/>");
}

// XEP-0356: what a host announces, and what a component then asks of it.
std::string privileged_host(const xml::Element& stanza, int) {
  const std::string id(stanza.attr("id"));
  if (stanza.name() == "message" && stanza.attr("to") == "capulet.example" &&
      !stanza.child(ns::kPrivilege, "privilege")) {
    return "<message from='juliet@capulet.example' to='bot.capulet.example'>"
           "<privilege xmlns='urn:xmpp:privilege:2'><perm access='message' type='outgoing'/>"
           "</privilege></message>"
           "<message from='capulet.example' to='bot.capulet.example'>"
           "<privilege xmlns='urn:xmpp:privilege:2'><perm access='roster' type='both'/>"
           "<perm access='message' type='outgoing'/><perm access='iq'>"
           "<namespace ns='jabber:iq:version' type='get'/></perm></privilege></message>"
           "<iq type='set' id='p' from='juliet@capulet.example' to='bot.capulet.example'>"
           "<query xmlns='jabber:iq:roster'><item jid='nurse@capulet.example'/></query></iq>";
  }
  if (stanza.name() != "iq" || stanza.attr("type") == "result") return {};
  const std::string head =
      "<iq type='result' from='juliet@capulet.example' "
      "to='bot.capulet.example' id='" +
      id + "'>";
  if (stanza.first_child().ns() == ns::kRoster) {
    return head +
           "<query xmlns='jabber:iq:roster'><item jid='romeo@montague.example'/></query></iq>";
  }
  return head +
         "<privilege xmlns='urn:xmpp:privilege:2'><forwarded xmlns='urn:xmpp:forward:0'>"
         "<iq xmlns='jabber:client' type='result' id='x'><query xmlns='jabber:iq:version'>"
         "<name>y</name></query></iq></forwarded></privilege></iq>";
}

Task<int> use_privileges(ComponentOptions options) {
  Component bot(std::move(options));
  const Jid host = jid("capulet.example");
  const Jid juliet = jid("juliet@capulet.example");
  OneShot<Jid> pushed;
  int announced = 0;
  bot.on_privileges([&](const Jid& from, const ComponentPrivileges& privileges) {
    EXPECT_EQ(from, host);
    EXPECT_EQ(privileges, bot.privileges(host));
    ++announced;
  });
  bot.on_roster_push([&](const Jid& user, const RosterItem& item) {
    EXPECT_EQ(user, juliet);
    pushed.set(item.jid);
  });
  (void)co_await bot.connect();
  const auto early = co_await bot.roster_of(juliet);
  EXPECT_EQ(early.error().code, Errc::kForbidden) << "nothing is announced yet";
  (void)bot.send_message(bot.domain(), host, "hello");
  const Jid contact = co_await pushed;
  EXPECT_EQ(contact, jid("nurse@capulet.example"));
  EXPECT_EQ(announced, 1) << "what a user says is no announcement";
  const auto roster = co_await bot.roster_of(juliet);
  EXPECT_EQ(roster.value().at(0).jid, jid("romeo@montague.example"));
  RosterItem nurse(contact, "Nurse");
  const auto set = co_await bot.set_roster_item_of(juliet, nurse);
  EXPECT_TRUE(set);
  xml::Element version = version_request();
  const auto answer = co_await bot.request_as(juliet, std::move(version));
  EXPECT_EQ(answer.value().view().child_text(ns::kVersion, "name"), "y");
  xml::Element other(ns::kClient, "iq");
  other.set("type", "set").append(ns::kVersion, "query");
  const auto refused = co_await bot.request_as(juliet, std::move(other));
  EXPECT_EQ(refused.error().code, Errc::kForbidden);
  xml::Element message(ns::kClient, "message");
  message.set("to", "romeo@montague.example").append_text_element("body", "hi");
  EXPECT_TRUE(bot.send_as(juliet, message.clone()));
  EXPECT_EQ(bot.send_as(jid("romeo@montague.example"), message.clone()).error().code,
            Errc::kForbidden);
  co_await bot.disconnect();
  EXPECT_EQ(bot.privileges(host), ComponentPrivileges{});
  co_return 0;
}

TEST(Component, SpeaksForUsersAsFarAsItIsGranted) {
  ComponentServer server(privileged_host);
  const int code = run(use_privileges(server.options()));
  EXPECT_EQ(code, 0);
  const std::string seen = server.seen();
  EXPECT_THAT(seen, HasSubstr("<forwarded xmlns='urn:xmpp:forward:0'><message "
                              "xmlns='jabber:client' to='romeo@montague.example' "
                              "from='juliet@capulet.example'><body>hi</body></message>"));
  EXPECT_THAT(seen, HasSubstr("<privileged_iq xmlns='urn:xmpp:privilege:2'><iq "
                              "xmlns='jabber:client' type='get'"));
  EXPECT_THAT(seen, HasSubstr("id='p' type='result'"));
}

TEST(Component, ComesBackAfterALostConnection) {
  ComponentServer server([](const xml::Element&, int connection) {
    return std::string(connection == 1 ? kDrop : "");
  });
  const int code = run([](ComponentOptions options) -> Task<int> {
    Component bot(std::move(options));
    OneShot<bool> back;
    int lost = 0;
    bot.on_reconnect([&] { back.set(true); });
    bot.on_disconnect([&](const Error&, bool will_reconnect) { lost += will_reconnect ? 1 : 10; });
    (void)co_await bot.connect();
    const auto answer = co_await bot.request(version_request());
    EXPECT_EQ(answer.error().code, Errc::kClosed);
    co_await back;
    EXPECT_EQ(lost, 1);
    EXPECT_TRUE(bot.is_connected());
    co_await bot.disconnect();
    co_return 0;
  }(server.options()));
  EXPECT_EQ(code, 0);
  EXPECT_EQ(server.connections, 2);
}

xml::Element message_to(std::string_view to) {
  xml::Element message(ns::kClient, "message");
  message.set("to", to);
  return message;
}

// XEP-0198 §4: after <enable/>, the server's <a/> tells how many it has.
TEST(Component, WaitsUntilTheServerHasAMessage) {
  int questions = 0;
  ComponentServer server([&](const xml::Element& stanza, int) -> std::string {
    if (stanza.name() == "enable") {
      return "<message from='juliet@capulet.example/b' to='early@bot.capulet.example'/>"
             "<enabled xmlns='urn:xmpp:sm:3'/>";
    }
    if (stanza.name() != "r") return {};
    // First one of the two, later both, and a message and a question of its own.
    return ++questions > 1 ? ""
                           : "<a xmlns='urn:xmpp:sm:3' h='1'/>"
                             "<message from='juliet@capulet.example/b' to='a@bot.capulet.example'/>"
                             "<r xmlns='urn:xmpp:sm:3'/><a xmlns='urn:xmpp:sm:3' h='2'/>";
  });
  const int code = run([](ComponentOptions options) -> Task<int> {
    options.acknowledgements = true;
    Component bot(std::move(options));
    std::vector<std::string> heard;
    bot.on_message([&](const Message& m) { heard.emplace_back(m.to->str()); });
    (void)co_await bot.connect();
    EXPECT_TRUE(bot.acknowledges());
    EXPECT_TRUE(bot.send(message_to("first@capulet.example")));
    const auto second = co_await bot.send_acknowledged(message_to("second@capulet.example"));
    EXPECT_TRUE(second);
    EXPECT_EQ(heard,
              (std::vector<std::string>{"early@bot.capulet.example", "a@bot.capulet.example"}));
    const auto never = co_await bot.send_acknowledged(message_to("third@capulet.example"), 50ms);
    EXPECT_EQ(never.error().code, Errc::kTimeout);
    co_await bot.disconnect();
    co_return 0;
  }(server.options()));
  EXPECT_EQ(code, 0);
  // One message came behind <enabled/>, and both the question and the end are answered.
  EXPECT_THAT(server.seen(), HasSubstr("<a xmlns='urn:xmpp:sm:3' h='1'/>"));
  EXPECT_TRUE(server.seen().ends_with("<a xmlns='urn:xmpp:sm:3' h='1'/>")) << server.seen();
}

TEST(Component, TellsWhoWaitsThatTheConnectionIsLost) {
  ComponentServer server([](const xml::Element& stanza, int) -> std::string {
    if (stanza.name() == "enable") return "<enabled xmlns='urn:xmpp:sm:3'/>";
    return std::string(stanza.name() == "r" ? kDrop : "");
  });
  const int code = run([](ComponentOptions options) -> Task<int> {
    options.acknowledgements = true;
    options.reconnect = false;
    Component bot(std::move(options));
    (void)co_await bot.connect();
    const auto lost = co_await bot.send_acknowledged(message_to("juliet@capulet.example"));
    EXPECT_EQ(lost.error().code, Errc::kClosed);
    EXPECT_FALSE(bot.acknowledges());
    const auto later = co_await bot.send_acknowledged(message_to("juliet@capulet.example"));
    EXPECT_EQ(later.error().code, Errc::kClosed);
    co_return 0;
  }(server.options()));
  EXPECT_EQ(code, 0);
}

TEST(Component, EndsAStreamThatAcknowledgesWhatWasNotSent) {
  ComponentServer server([](const xml::Element& stanza, int) -> std::string {
    if (stanza.name() == "enable") return "<enabled xmlns='urn:xmpp:sm:3'/>";
    return stanza.name() == "r" ? "<a xmlns='urn:xmpp:sm:3' h='7'/>" : "";
  });
  const int code = run([](ComponentOptions options) -> Task<int> {
    options.acknowledgements = true;
    options.reconnect = false;
    Component bot(std::move(options));
    (void)co_await bot.connect();
    const auto lost = co_await bot.send_acknowledged(message_to("juliet@capulet.example"));
    EXPECT_EQ(lost.error().code, Errc::kClosed);
    co_return 0;
  }(server.options()));
  EXPECT_EQ(code, 0);
  EXPECT_THAT(server.seen(), HasSubstr("handled-count-too-high"));
}

// XEP-0114 knows no <enable/>.
TEST(Component, GoesWithoutAcknowledgementsWhereThereAreNone) {
  for (const bool polite : {true, false}) {
    ComponentServer server([polite](const xml::Element& stanza, int) -> std::string {
      if (stanza.name() != "enable") return {};
      return std::string(polite ? "<failed xmlns='urn:xmpp:sm:3'/>" : kDrop);
    });
    const int code = run([](ComponentOptions options) -> Task<int> {
      options.acknowledgements = true;
      Component bot(std::move(options));
      const auto connected = co_await bot.connect();
      EXPECT_TRUE(connected);
      EXPECT_FALSE(bot.acknowledges());
      const auto sent = co_await bot.send_acknowledged(message_to("juliet@capulet.example"));
      EXPECT_EQ(sent.error().code, Errc::kFeatureNotImplemented);
      EXPECT_TRUE(bot.send(message_to("juliet@capulet.example")));
      co_await bot.disconnect();
      co_return 0;
    }(server.options()));
    EXPECT_EQ(code, 0);
    EXPECT_EQ(server.connections, polite ? 1 : 2);
    EXPECT_THAT(server.seen(), HasSubstr("<message"));
  }
}

TEST(Component, TalksToNobodyFarAwayWithoutBeingTold) {
  const int code = run([]() -> Task<int> {
    ComponentOptions options(jid("bot.capulet.example"), "x");
    options.server = "192.0.2.1:5347";
    Component bot(std::move(options));
    const auto connected = co_await bot.connect();
    EXPECT_EQ(connected.error().code, Errc::kTls);
    co_return 0;
  }());
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace balcony
