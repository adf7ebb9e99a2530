// Carbons, blocking, archives, client state and vcards of a Client, against a server of a few
// lines.
#include "client/test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace balcony::client::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string carbon(std::string_view from, std::string_view name, std::string_view inner) {
  return "<message from='" + std::string(from) + "'><" + std::string(name) +
         " xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>" + std::string(inner) +
         "</forwarded></" + std::string(name) + "></message>";
}

TEST(ClientVerbs, CarbonsComeFromTheOwnAccountOnly) {
  constexpr std::string_view kSent =
      "<message xmlns='jabber:client' from='juliet@capulet.example/phone' type='chat' id='c1' "
      "to='romeo@montague.example/o'><body>sent elsewhere</body></message>";
  constexpr std::string_view kReceived =
      "<message xmlns='jabber:client' from='romeo@montague.example/o' type='chat' "
      "to='juliet@capulet.example/phone'><body>received elsewhere</body>"
      "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
      "<received xmlns='urn:xmpp:receipts' id='r1'/></message>";
  FakeServer server([&](const xml::Element& e, int) -> std::string {
    if (!e.first_child().is(ns::kCarbons, "enable")) return {};
    return FakeServer::result(e) + carbon("mallory@evil.example", "sent", kSent) +
           carbon("juliet@capulet.example/phone", "sent", kSent) +
           carbon("capulet.example", "received", kReceived) +
           carbon("juliet@capulet.example", "sent", kSent) +
           carbon("juliet@capulet.example", "received", kReceived);
  });
  run([](ClientOptions options) -> Task<int> {
    Client client(std::move(options));
    std::vector<std::string> came;
    OneShot<bool> both;
    client.on_message([&](const Message& m) {
      came.push_back(m.body);
      if (m.copy == Message::Copy::kSent) {
        EXPECT_EQ(m.to->str(), "romeo@montague.example/o");
        EXPECT_EQ(m.id, "c1");
        return;
      }
      EXPECT_EQ(m.from.str(), "romeo@montague.example/o");
      EXPECT_EQ(m.copy, Message::Copy::kReceived);
      EXPECT_EQ(m.chat_state, "composing");
      EXPECT_EQ(m.receipt, "r1");
      both.set(true);
    });
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    const auto enabled = co_await client.set_carbons(true);
    EXPECT_TRUE(enabled);
    co_await both;
    EXPECT_THAT(came, ElementsAre("sent elsewhere", "received elsewhere"));
    co_await client.disconnect();
    co_return 0;
  }(server.options()));
}

TEST(ClientVerbs, CarbonsAreWantedOfEachSession) {
  FakeServer server(
      [](const xml::Element& e, int connection) -> std::string {
        if (e.first_child().is(ns::kCarbons, "enable")) {
          return FakeServer::result(e) + (connection == 1 ? std::string(kDrop) : "");
        }
        return {};
      },
      "");
  run([](ClientOptions options) -> Task<int> {
    options.reconnect = true;
    Client client(std::move(options));
    OneShot<bool> back;
    client.on_reconnect([&] { back.set(true); });
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    const auto enabled = co_await client.set_carbons(true);
    EXPECT_TRUE(enabled);
    co_await back;
    co_await client.disconnect();
    co_return 0;
  }(server.options()));
  const std::string seen = server.seen();
  EXPECT_NE(seen.find("urn:xmpp:carbons:2"), seen.rfind("urn:xmpp:carbons:2"));
}

TEST(ClientVerbs, Blocks) {
  FakeServer server([](const xml::Element& e, int) -> std::string {
    const auto payload = e.first_child();
    if (payload.ns() != "urn:xmpp:blocking") return {};
    if (payload.name() == "blocklist") {
      return FakeServer::result(e,
                                "<blocklist xmlns='urn:xmpp:blocking'><item jid='evil.example'/>"
                                "<item jid='@'/><item jid='a@b.example'/></blocklist>");
    }
    if (payload.name() == "block") {
      const std::string push =
          "><block xmlns='urn:xmpp:blocking'><item jid='x.example'/></block>"
          "</iq>";
      return "<iq type='set' id='p1' from='mallory@evil.example'" + push +
             "<iq type='set' id='p2'" + push + FakeServer::result(e);
    }
    return FakeServer::result(e);
  });
  run([](ClientOptions options) -> Task<int> {
    Client client(std::move(options));
    int pushes = 0;
    client.on_block_push([&](const BlockPush& push) {
      ++pushes;
      EXPECT_TRUE(push.blocked);
      EXPECT_EQ(push.jids.front().str(), "x.example");
    });
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    const auto blocked = co_await client.blocked();
    EXPECT_EQ(blocked.value().size(), 2u);
    const std::vector<Jid> whom = {*Jid::parse("x.example")};
    const auto done = co_await client.block(whom);
    EXPECT_TRUE(done);
    EXPECT_EQ(pushes, 1);
    const auto undone = co_await client.unblock(whom);
    EXPECT_TRUE(undone);
    const std::vector<Jid> none;
    const auto nobody = co_await client.unblock(none);
    EXPECT_EQ(nobody.error().code, Errc::kUsage);
    const auto all = co_await client.unblock_all();
    EXPECT_TRUE(all);
    co_await client.disconnect();
    co_return 0;
  }(server.options()));
  const std::string seen = server.seen();
  EXPECT_THAT(seen, HasSubstr("<unblock xmlns='urn:xmpp:blocking'><item jid='x.example'/>"));
  EXPECT_THAT(seen, HasSubstr("<unblock xmlns='urn:xmpp:blocking'/>"));
  EXPECT_THAT(seen, HasSubstr("id='p1' type='error'"));
  EXPECT_THAT(seen, HasSubstr("id='p2' type='result'"));
}

std::string archived(std::string_view from, std::string_view queryid, std::string_view id) {
  return "<message from='" + std::string(from) + "'><result xmlns='urn:xmpp:mam:2' queryid='" +
         std::string(queryid) + "' id='" + std::string(id) +
         "'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' "
         "stamp='2026-07-10T23:08:25Z'/><message xmlns='jabber:client' "
         "from='romeo@montague.example'><body>kept</body></message></forwarded></result>"
         "</message>";
}

TEST(ClientVerbs, ReadsArchivesByPages) {
  FakeServer server([](const xml::Element& e, int) -> std::string {
    const auto query = e.first_child();
    if (!query.is("urn:xmpp:mam:2", "query")) return {};
    const std::string id(query.attr("queryid"));
    return archived("mallory@evil.example", id, "forged") +
           archived("juliet@capulet.example", "another", "stale") +
           archived("juliet@capulet.example", id, "a1") +
           archived("juliet@capulet.example", id, "a2") +
           FakeServer::result(e,
                              "<fin xmlns='urn:xmpp:mam:2' complete='true'>"
                              "<set xmlns='http://jabber.org/protocol/rsm'><first>a1</first>"
                              "<last>a2</last><count>7</count></set></fin>");
  });
  run([](ClientOptions options) -> Task<int> {
    Client client(std::move(options));
    client.on_message([](const Message& m) { ADD_FAILURE() << "for the archive: " << m.body; });
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    ArchiveQuery query;
    query.with = *Jid::parse("romeo@montague.example");
    query.start = ArchiveQuery::Time(std::chrono::sys_days(std::chrono::year(2026) / 7 / 1));
    query.max = 2;
    query.before = "";
    const auto page = co_await client.archive(std::move(query));
    EXPECT_TRUE(page && page->messages.size() == 2);
    if (!page || page->messages.size() != 2) co_return 1;
    EXPECT_EQ(page->messages[0].id, "a1");
    EXPECT_EQ(page->messages[1].message.view().child_text(ns::kClient, "body"), "kept");
    EXPECT_EQ(page->messages[1].time.time_since_epoch(), 1'783'724'905s);
    EXPECT_EQ(page->first, "a1");
    EXPECT_EQ(page->last, "a2");
    EXPECT_EQ(page->count, 7u);
    EXPECT_TRUE(page->complete);
    co_await client.disconnect();
    co_return 0;
  }(server.options()));
  const std::string seen = server.seen();
  EXPECT_THAT(seen, HasSubstr("<value>romeo@montague.example</value>"));
  EXPECT_THAT(seen, HasSubstr("<value>2026-07-01T00:00:00Z</value>"));
  EXPECT_THAT(seen, HasSubstr("<max>2</max>"));
  EXPECT_THAT(seen, HasSubstr("<before/>"));
}

TEST(ClientVerbs, SaysWhetherSomebodyLooks) {
  FakeServer server(
      [](const xml::Element& e, int connection) -> std::string {
        if (connection == 1 && e.name() == "inactive") return std::string(kDrop);
        return {};
      },
      "<csi xmlns='urn:xmpp:csi:0'/>");
  run([](ClientOptions options) -> Task<int> {
    options.reconnect = true;
    Client client(std::move(options));
    OneShot<bool> back;
    client.on_reconnect([&] { back.set(true); });
    EXPECT_EQ(client.set_active(false).error().code, Errc::kClosed);
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    EXPECT_TRUE(client.set_active(false));
    co_await back;
    EXPECT_TRUE(client.set_active(true));
    co_await client.disconnect();
    co_return 0;
  }(server.options()));
  EXPECT_TRUE(server.sees("<inactive xmlns='urn:xmpp:csi:0'/><iq"));  // and after the reconnect
  EXPECT_TRUE(server.sees("<inactive xmlns='urn:xmpp:csi:0'/><active xmlns='urn:xmpp:csi:0'/>"));
}

TEST(ClientVerbs, ClientStateIsForServersThatAsk) {
  FakeServer server([](const xml::Element&, int) { return std::string(); });
  run([](ClientOptions options) -> Task<int> {
    Client client(std::move(options));
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    EXPECT_EQ(client.set_active(false).error().code, Errc::kFeatureNotImplemented);
    co_await client.disconnect();
    co_return 0;
  }(server.options()));
  EXPECT_THAT(server.seen(), Not(HasSubstr("urn:xmpp:csi:0")));
}

TEST(ClientVerbs, AVcardKeepsWhatItDoesNotKnow) {
  FakeServer server([](const xml::Element& e, int) -> std::string {
    if (!e.first_child().is(ns::kVcardTemp, "vCard")) return {};
    if (e.attr("type") == "set") return FakeServer::result(e);
    return FakeServer::result(e,
                              "<vCard xmlns='vcard-temp'><FN>Juliet</FN><NICKNAME>J</NICKNAME>"
                              "<EMAIL><INTERNET/><USERID>j@capulet.example</USERID></EMAIL>"
                              "<PHOTO><TYPE>image/png</TYPE><BINVAL>AAAA</BINVAL></PHOTO>"
                              "</vCard>");
  });
  run([](ClientOptions options) -> Task<int> {
    Client client(std::move(options));
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    auto card = co_await client.vcard();
    EXPECT_TRUE(card);
    if (!card) co_return 1;
    EXPECT_EQ(card->full_name, "Juliet");
    EXPECT_EQ(card->email, "j@capulet.example");
    EXPECT_EQ(card->photo_type, "image/png");
    card->nickname.clear();
    card->description = "Daughter";
    const auto done = co_await client.set_vcard(*std::move(card));
    EXPECT_TRUE(done);
    co_await client.disconnect();
    co_return 0;
  }(server.options()));
  const std::string seen = server.seen();
  EXPECT_THAT(seen, HasSubstr("<FN>Juliet</FN><DESC>Daughter</DESC>"));
  EXPECT_THAT(seen, HasSubstr("<BINVAL>AAAA</BINVAL>"));
  EXPECT_THAT(seen, Not(HasSubstr("NICKNAME")));
}

TEST(ClientVerbs, ReadsAndWritesAVcard4) {
  FakeServer server([](const xml::Element& e, int) -> std::string {
    const xml::ElementView pubsub = e.first_child();
    if (!pubsub.is(ns::kPubsub, "pubsub")) return {};
    if (e.attr("type") == "set") {
      const bool open = xml::to_string(e).find("access_model") != std::string::npos;
      if (!open) return FakeServer::result(e);
      return "<iq type='error' id='" + std::string(e.attr("id")) +
             "'><error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
             "</error></iq>";
    }
    return FakeServer::result(
        e,
        "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:vcard4'>"
        "<item id='one'><vcard "
        "xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text>Juliet</text></fn>"
        "<nickname><text>J</text></nickname><bday><date>19840501</date></bday><photo><uri>"
        "data:image/png;base64,AAAA</uri></photo><tel><text>1</text></tel></vcard></item></items>"
        "</pubsub>");
  });
  run([](ClientOptions options) -> Task<int> {
    Client client(std::move(options));
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    auto card = co_await client.vcard4();
    EXPECT_TRUE(card);
    if (!card) co_return 1;
    EXPECT_EQ(card->full_name, "Juliet");
    EXPECT_EQ(card->birthday, "1984-05-01");
    EXPECT_EQ(card->photo_type, "image/png");
    card->nickname.clear();
    card->description = "Daughter";
    const auto done = co_await client.set_vcard4(*std::move(card));
    EXPECT_TRUE(done);
    co_await client.disconnect();
    co_return 0;
  }(server.options()));
  const std::string seen = server.seen();
  EXPECT_THAT(seen, HasSubstr("<item id='one'>"));
  EXPECT_THAT(seen, HasSubstr("<note><text>Daughter</text></note><bday><date>19840501</date>"));
  EXPECT_THAT(seen, HasSubstr("base64,AAAA"));
  EXPECT_THAT(seen, HasSubstr("<tel><text>1</text></tel>"));
  EXPECT_THAT(seen, Not(HasSubstr("nickname")));
}

TEST(ClientVerbs, PublishesAndRetracts) {
  FakeServer server([](const xml::Element& e, int) -> std::string {
    if (!e.first_child().is(ns::kPubsub, "pubsub")) return {};
    return FakeServer::result(e,
                              "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
                              "<publish node='n'><item id='made'/></publish></pubsub>");
  });
  run([](ClientOptions options) -> Task<int> {
    Client client(std::move(options));
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    PublishOptions wish("", {{"access_model", "whitelist"}});
    auto id = co_await client.publish("n", xml::Element("urn:x", "x"), std::move(wish));
    EXPECT_TRUE(id);
    if (!id) co_return 1;
    EXPECT_EQ(*id, "made");
    const auto gone = co_await client.retract("n", *id);
    EXPECT_TRUE(gone);
    const auto items = co_await client.items(std::nullopt, "n");
    EXPECT_FALSE(items);  // this answer has none
    co_await client.disconnect();
    co_return 0;
  }(server.options()));
  const std::string seen = server.seen();
  EXPECT_THAT(seen, HasSubstr("<publish node='n'><item><x xmlns='urn:x'/></item></publish>"));
  EXPECT_THAT(seen, HasSubstr("<field var='pubsub#access_model'><value>whitelist</value>"));
  EXPECT_THAT(seen, HasSubstr("<retract node='n' notify='true'><item id='made'/></retract>"));
}

TEST(ClientVerbs, EndsTheAccount) {
  FakeServer server([](const xml::Element& e, int) -> std::string {
    if (!e.first_child().is(ns::kRegister, "query")) return {};
    return "</stream:stream>" + std::string(kDrop);
  });
  run([](ClientOptions options) -> Task<int> {
    Client client(std::move(options));
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    const auto done = co_await client.unregister();
    EXPECT_TRUE(done);
    co_return 0;
  }(server.options()));
  EXPECT_THAT(server.seen(), HasSubstr("<query xmlns='jabber:iq:register'><remove/></query>"));
}

}  // namespace
}  // namespace balcony::client::testing
