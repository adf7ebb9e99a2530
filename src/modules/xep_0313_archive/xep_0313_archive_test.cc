// XEP-0313: what is kept, under which id, who may ask, and what a failing disk does.
#include "modules/modules.h"
#include "modules/stanza_id.h"
#include "modules/testing/dialogue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace balcony::modules {
namespace {

using testing::expect_received;
using testing::received_error;
using testing::TestClient;
using testing::World;

// Tells when the last copy is gone.
class Watched final : public Receipt {
 public:
  explicit Watched(bool& gone) : gone_(gone) {}
  ~Watched() override { gone_ = true; }

 private:
  bool& gone_;
};

class ArchiveModuleTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  World world{{&rfc_6121_roster, &rfc_6121_subscription, &rfc_6121_presence, &xep_0160_offline,
               &xep_0313_archive, &xep_0359_stanza_ids},
              GetParam()};
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  TestClient& romeo = world.login_available("romeo@localhost/orchard");

  void say(std::string_view content, std::string_view type = "chat",
           std::string_view to = "juliet@localhost/balcony") {
    romeo.send("<message to='" + std::string(to) + "' id='m' type='" + std::string(type) + "'>" +
               std::string(content) + "</message>");
  }
  void say_numbers(int from, int to) {
    for (int i = from; i <= to; ++i) say("<body>" + std::to_string(i) + "</body>");
  }
  static std::string form(std::string_view fields) {
    return "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
           "<value>urn:xmpp:mam:2</value></field>" +
           std::string(fields) + "</x>";
  }
  static std::string field(std::string_view var, std::string_view value) {
    return "<field var='" + std::string(var) + "'><value>" + std::string(value) +
           "</value></field>";
  }
  static std::string rsm(std::string_view content) {
    return "<set xmlns='http://jabber.org/protocol/rsm'>" + std::string(content) + "</set>";
  }

  struct Page {
    std::vector<std::string> ids;
    std::string bodies;  // joined by spaces, then "…" when the page is not the last
    std::string error;
    std::string first, last, count;
  };
  Page ask(TestClient& client, std::string_view content = "") {
    client.clear();
    client.send("<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2' queryid='f27'>" +
                std::string(content) + "</query></iq>");
    Page page;
    while (client.waiting() > 1) {
      const xml::Element message = client.received_element();
      const xml::ElementView result = message.child(ns::kMam, "result");
      EXPECT_EQ(result.attr("queryid"), "f27");
      EXPECT_EQ(message.attr("to"), client.jid().str());
      page.ids.emplace_back(result.attr("id"));
      const xml::ElementView forwarded = result.child(ns::kForward, "forwarded");
      EXPECT_TRUE(forwarded.child(ns::kDelay, "delay").has_attr("stamp"));
      page.bodies += forwarded.child(ns::kClient, "message").child_text(ns::kClient, "body") + " ";
    }
    if (client.waiting() == 0) return page;
    const xml::Element iq = client.received_element();
    EXPECT_EQ(iq.attr("id"), "q");
    if (iq.attr("type") == "error") {
      page.error = iq.child(ns::kClient, "error").first_child().name();
      return page;
    }
    const xml::ElementView fin = iq.child(ns::kMam, "fin");
    if (fin.attr("complete") != "true") page.bodies += "…";
    const xml::ElementView set = fin.child(ns::kRsm, "set");
    EXPECT_TRUE(set);
    page.first = set.child_text(ns::kRsm, "first");
    page.last = set.child_text(ns::kRsm, "last");
    page.count = set.child_text(ns::kRsm, "count");
    return page;
  }
  std::string bodies(TestClient& client, std::string_view content = "") {
    return ask(client, content).bodies;
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, ArchiveModuleTest, ::testing::Values(1, 2));

// §3.3: the id of the row is the stanza-id; the sender's row has one of its own, and nobody else
// sees it.
TEST_P(ArchiveModuleTest, BothSidesKeepItUnderTheirIds) {
  say("<body>Hi</body><stanza-id xmlns='urn:xmpp:sid:0' by='juliet@localhost' id='forged'/>");
  const xml::Element got = juliet.received_element();
  const std::string id(find_stanza_id(got.view(), juliet.jid()));
  EXPECT_NE(id, "forged");
  const Page hers = ask(juliet);
  EXPECT_EQ(hers.ids, std::vector{id});
  EXPECT_EQ(hers.bodies, "Hi ");
  EXPECT_EQ(hers.first, id);
  EXPECT_EQ(hers.last, id);
  EXPECT_EQ(hers.count, "1");
  const Page his = ask(romeo);
  ASSERT_EQ(his.ids.size(), 1U);
  EXPECT_NE(his.ids[0], id);
  EXPECT_EQ(xml::to_string(got).find(his.ids[0]), std::string::npos);
}

TEST_P(ArchiveModuleTest, WhatIsKept) {
  constexpr const char* kBody = "<body>x</body>";
  const std::string no_store = "<no-store xmlns='urn:xmpp:hints'/>";
  struct Case {
    const char* type;
    std::string content;
    std::size_t rows;
  };
  const Case cases[] = {
      {"chat", kBody, 1},
      {"normal", kBody, 1},
      {"headline", kBody, 0},
      {"error", kBody, 0},
      {"groupchat", kBody, 0},
      {"chat", kBody + no_store, 0},
      {"chat", std::string(kBody) + "<no-permanent-store xmlns='urn:xmpp:hints'/>", 0},
      {"chat", "<store xmlns='urn:xmpp:hints'/>" + no_store, 0},
      {"chat", "<x xmlns='urn:example'/>", 0},
      {"chat", "<x xmlns='urn:example'/><store xmlns='urn:xmpp:hints'/>", 1},
      {"chat", "<composing xmlns='http://jabber.org/protocol/chatstates'/>", 0},
      {"chat", "<received xmlns='urn:xmpp:receipts' id='1'/>", 1},
      {"chat", "<request xmlns='urn:xmpp:receipts'/>", 0},
      {"chat", "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", 1},
      {"chat", "<markable xmlns='urn:xmpp:chat-markers:0'/>", 0},
      {"chat", "<replace xmlns='urn:xmpp:message-correct:0' id='1'/>", 1},
      {"chat", "<reactions xmlns='urn:xmpp:reactions:0' id='1'/>", 1},
      {"chat", "<retract xmlns='urn:xmpp:message-retract:1' id='1'/>", 1},
      {"chat", "<encrypted xmlns='eu.siacs.conversations.axolotl'/>", 1},
      {"chat", "<encrypted xmlns='urn:xmpp:omemo:2'/>", 1},
      {"normal", "<x xmlns='http://jabber.org/protocol/muc#user'><invite/></x>", 1},
      {"normal", "<x xmlns='http://jabber.org/protocol/muc#user'/>", 0},
      {"normal", "<subject>x</subject>", 1},
  };
  std::size_t hers = 0;
  std::size_t his = 0;
  for (const Case& c : cases) {
    say(c.content, c.type);
    const std::size_t her_rows = ask(juliet).ids.size();
    const std::size_t his_rows = ask(romeo).ids.size();
    EXPECT_EQ(her_rows - hers, c.rows) << c.type << " " << c.content;
    EXPECT_EQ(his_rows - his, c.rows) << c.type << " " << c.content;
    hers = her_rows;
    his = his_rows;
  }
}

// §6.1: what the recipient's side refuses is not in his archive.
TEST_P(ArchiveModuleTest, WhatIsRefusedIsNotKept) {
  say("<body>x</body>", "normal", "juliet@localhost/gone");
  EXPECT_EQ(received_error(romeo), "service-unavailable");
  juliet.send("<presence type='unavailable'/>");
  world.set("offline", "messages_max", std::int64_t{0});
  say("<body>x</body>", "chat", "juliet@localhost");
  EXPECT_EQ(received_error(romeo), "service-unavailable");
  EXPECT_TRUE(ask(juliet).ids.empty());
}

TEST_P(ArchiveModuleTest, AMessageToOneselfIsKeptOnce) {
  say("<body>note</body>", "chat", "romeo@localhost");
  EXPECT_EQ(bodies(romeo), "note ");
  say("<body>other</body>");
  EXPECT_EQ(bodies(romeo, form(field("with", "romeo@localhost"))), "note ");
}

TEST_P(ArchiveModuleTest, OfflineMessagesAreKeptAndDelivered) {
  juliet.send("<presence type='unavailable'/>");
  juliet.clear();
  say_numbers(1, 2);
  say_numbers(3, 3);
  juliet.send("<presence/>");
  std::vector<std::string> ids;
  while (juliet.waiting() > 0) {
    const xml::Element stanza = juliet.received_element();
    if (stanza.name() == "message") ids.emplace_back(find_stanza_id(stanza, juliet.jid()));
  }
  const Page page = ask(juliet);
  EXPECT_EQ(page.bodies, "1 2 3 ");
  EXPECT_EQ(page.ids, ids);
}

TEST_P(ArchiveModuleTest, Paging) {
  say_numbers(1, 5);
  const Page all = ask(juliet);
  ASSERT_EQ(all.ids.size(), 5U);
  EXPECT_EQ(bodies(juliet, rsm("<max>2</max>")), "1 2 …");
  EXPECT_EQ(ask(juliet, rsm("<max>2</max>")).count, "5");
  EXPECT_EQ(bodies(juliet, rsm("<max>2</max><after>" + all.ids[1] + "</after>")), "3 4 …");
  EXPECT_EQ(bodies(juliet, rsm("<max>3</max><after>" + all.ids[1] + "</after>")), "3 4 5 ");
  EXPECT_EQ(bodies(juliet, rsm("<max>2</max><before/>")), "4 5 …");
  EXPECT_EQ(bodies(juliet, rsm("<max>2</max><before>" + all.ids[3] + "</before>")), "2 3 …");
  EXPECT_EQ(bodies(juliet, rsm("<max>2</max><before>" + all.ids[2] + "</before>")), "1 2 ");
  EXPECT_EQ(bodies(juliet, rsm("<max>2</max><before/>") + "<flip-page/>"), "5 4 …");
  const Page flipped = ask(juliet, rsm("<max>2</max><before/>") + "<flip-page/>");
  EXPECT_EQ(flipped.first, all.ids[3]);
  EXPECT_EQ(flipped.last, all.ids[4]);
  const Page none = ask(juliet, rsm("<max>0</max>"));
  EXPECT_EQ(none.bodies, "…");
  EXPECT_EQ(none.count, "5");
  EXPECT_EQ(bodies(juliet, form(field("after-id", all.ids[0]) + field("before-id", all.ids[3]))),
            "2 3 ");
  EXPECT_EQ(bodies(juliet, form(field("after-id", all.ids[0])) + rsm("<max>2</max><before/>")),
            "4 5 …");
  EXPECT_EQ(bodies(juliet, form("<field var='ids'><value>" + all.ids[3] + "</value><value>" +
                                all.ids[1] + "</value></field>")),
            "2 4 ");
  world.set("archive", "page_max", std::int64_t{3});
  EXPECT_EQ(bodies(juliet, rsm("<max>100</max>")), "1 2 3 …");
}

// A page has a bound in bytes too, and goes on where it ended, in both directions.
TEST_P(ArchiveModuleTest, LargeMessagesMakeShorterPages) {
  const std::string large = "<x xmlns='urn:example'>" + std::string(100'000, 'x') + "</x>";
  for (int i = 1; i <= 8; ++i) say("<body>" + std::to_string(i) + "</body>" + large);
  const Page first = ask(juliet);
  EXPECT_EQ(first.bodies, "1 2 3 4 5 …");
  EXPECT_EQ(bodies(juliet, rsm("<after>" + first.last + "</after>")), "6 7 8 ");
  const Page last = ask(juliet, rsm("<before/>"));
  EXPECT_EQ(last.bodies, "4 5 6 7 8 …");
  EXPECT_EQ(bodies(juliet, rsm("<before>" + last.first + "</before>")), "1 2 3 ");
}

TEST_P(ArchiveModuleTest, Filters) {
  TestClient& nurse = world.login_available("nurse@localhost/house");
  say_numbers(1, 1);
  world.advance(std::chrono::seconds(60));  // 2023-11-14T22:14:20Z
  nurse.send("<message to='juliet@localhost' type='chat'><body>My rose</body></message>");
  world.advance(std::chrono::seconds(60));
  say("<body>Red ROSE</body>");
  EXPECT_EQ(bodies(juliet, form(field("with", "romeo@localhost"))), "1 Red ROSE ");
  EXPECT_EQ(bodies(juliet, form(field("with", "romeo@localhost/orchard"))), "1 Red ROSE ");
  EXPECT_EQ(bodies(juliet, form(field("with", "romeo@localhost/other"))), "");
  EXPECT_EQ(bodies(juliet, form(field("with", "romeo@localhost/orchard")) + rsm("<max>1</max>")),
            "1 …");
  EXPECT_EQ(bodies(juliet, form(field("start", "2023-11-14T22:14:20Z"))), "My rose Red ROSE ");
  EXPECT_EQ(bodies(juliet, form(field("end", "2023-11-14T22:14:20Z"))), "1 My rose ");
  EXPECT_EQ(bodies(juliet, form(field("{urn:xmpp:fulltext:0}fulltext", "rose red"))), "Red ROSE ");
  EXPECT_EQ(bodies(juliet, form(field("include-groupchat", "true"))), "1 My rose Red ROSE ");
}

TEST_P(ArchiveModuleTest, WrongQuestions) {
  say_numbers(1, 1);
  const std::string id = ask(juliet).ids.at(0);
  const std::string gone = storage::archive_id(WallTime(std::chrono::seconds(1'600'000'000)));
  const std::pair<std::string, const char*> cases[] = {
      {form(field("colour", "red")), "feature-not-implemented"},
      {form(field("start", "yesterday")), "bad-request"},
      {form(field("with", "@")), "bad-request"},
      {"<x xmlns='jabber:x:data' type='submit'/>", "bad-request"},
      {rsm("<max>many</max>"), "bad-request"},
      {rsm("<index>2</index>"), "feature-not-implemented"},
      {rsm("<after>nothing</after>"), "item-not-found"},
      {rsm("<before>nothing</before>"), "item-not-found"},
      {form(field("after-id", "nothing")), "item-not-found"},
      {form(field("before-id", "nothing")), "item-not-found"},
      {form(field("ids", "nothing")), "item-not-found"},
      // One of ours is a place for ever, but no message.
      {form(field("ids", gone)), "item-not-found"},
      {rsm("<after>" + gone + "</after>"), ""},
      {form(field("after-id", id)), ""},
  };
  for (const auto& [content, error] : cases)
    EXPECT_EQ(ask(juliet, content).error, error) << content;
  EXPECT_EQ(bodies(juliet, rsm("<after>" + gone + "</after>")), "1 ");
}

TEST_P(ArchiveModuleTest, MetadataAndForm) {
  juliet.send("<iq type='get' id='1'><metadata xmlns='urn:xmpp:mam:2'/></iq>");
  expect_received(juliet, {"<iq type='result' id='1' to='juliet@localhost/balcony'>"
                           "<metadata xmlns='urn:xmpp:mam:2'/></iq>"});
  say_numbers(1, 1);
  world.advance(std::chrono::seconds(60));
  say_numbers(2, 2);
  const Page all = ask(juliet);
  juliet.send("<iq type='get' id='1'><metadata xmlns='urn:xmpp:mam:2'/></iq>");
  const xml::Element iq = juliet.received_element();
  const xml::ElementView metadata = iq.child(ns::kMam, "metadata");
  EXPECT_EQ(metadata.child("start").attr("id"), all.ids.at(0));
  EXPECT_EQ(metadata.child("start").attr("timestamp"), "2023-11-14T22:13:20Z");
  EXPECT_EQ(metadata.child("end").attr("id"), all.ids.at(1));
  juliet.send("<iq type='get' id='2'><query xmlns='urn:xmpp:mam:2'/></iq>");
  const xml::Element answer = juliet.received_element();
  const xml::ElementView shown = answer.child(ns::kMam, "query").child(ns::kDataForms, "x");
  std::vector<std::string> vars;
  for (const auto field : shown.children()) {
    vars.emplace_back(field.attr("var"));
    const bool open =
        static_cast<bool>(field.child(ns::kDataFormValidation, "validate").child("open"));
    EXPECT_EQ(open, vars.back() == "ids");
  }
  EXPECT_EQ(vars.size(), 9U);
}

// §8.1
TEST_P(ArchiveModuleTest, ForeignArchivesAreClosed) {
  say_numbers(1, 1);
  juliet.clear();
  for (const char* payload : {"query", "prefs", "metadata"}) {
    for (const char* type : {"get", "set"}) {
      romeo.send("<iq to='juliet@localhost' id='1' type='" + std::string(type) + "'><" +
                 std::string(payload) + " xmlns='urn:xmpp:mam:2' default='never'/></iq>");
      EXPECT_EQ(received_error(romeo), "service-unavailable") << payload << type;
      EXPECT_EQ(romeo.waiting(), 0U);
    }
  }
  EXPECT_EQ(juliet.waiting(), 0U);
}

// XEP-0441
TEST_P(ArchiveModuleTest, Preferences) {
  const auto set = [this](std::string_view content) {
    juliet.send("<iq type='set' id='p'>" + std::string(content) + "</iq>");
    return juliet.received();
  };
  juliet.send("<iq type='get' id='p'><prefs xmlns='urn:xmpp:mam:2'/></iq>");
  EXPECT_NE(juliet.received().find("default='always'"), std::string::npos);
  set("<prefs xmlns='urn:xmpp:mam:2' default='always'><never><jid>romeo@localhost</jid></never>"
      "</prefs>");
  say_numbers(1, 1);
  set("<prefs xmlns='urn:xmpp:mam:2' default='roster'/>");
  say_numbers(2, 2);
  set("<prefs xmlns='urn:xmpp:mam:2' default='never'><always><jid>romeo@localhost/orchard</jid>"
      "</always></prefs>");
  say_numbers(3, 3);
  // They outlive memory.
  world.router_of("juliet@localhost")
      .users()
      .reload(*world.router_of("juliet@localhost").users().loaded("juliet@localhost"));
  world.run();
  say_numbers(4, 4);
  set("<prefs xmlns='urn:xmpp:mam:2' default='never'/>");
  say_numbers(5, 5);
  EXPECT_EQ(bodies(juliet), "3 4 ");
  EXPECT_EQ(bodies(romeo), "1 2 3 4 5 ");
  EXPECT_NE(set("<prefs xmlns='urn:xmpp:mam:2'/>").find("<bad-request"), std::string::npos);
  EXPECT_NE(set("<prefs xmlns='urn:xmpp:mam:2' default='never'><never><jid>@</jid></never></prefs>")
                .find("<jid-malformed"),
            std::string::npos);
}

// Old messages go, the newest stay, and what is erased is still a place.
TEST_P(ArchiveModuleTest, Retention) {
  world.set("archive", "keep", std::int64_t{86'400});
  say_numbers(1, 3);
  const std::string third = ask(juliet).ids.at(2);
  world.advance(std::chrono::hours(20));
  say_numbers(4, 5);
  world.advance(std::chrono::hours(20));
  EXPECT_EQ(bodies(juliet), "4 5 ");
  EXPECT_EQ(bodies(romeo), "4 5 ");
  EXPECT_EQ(bodies(juliet, rsm("<after>" + third + "</after>")), "4 5 ");
  world.set("archive", "messages_max", std::int64_t{3});
  say_numbers(6, 7);
  world.advance(std::chrono::hours(10));
  EXPECT_EQ(bodies(juliet), "6 7 ") << "the others are too old by now";
  say_numbers(8, 20);
  world.advance(std::chrono::hours(10));
  EXPECT_EQ(bodies(juliet), "18 19 20 ");
}

// What is stored keeps nobody out, whatever became of it.
TEST_P(ArchiveModuleTest, PreferencesThatCannotBeReadKeepNobodyOut) {
  for (const char* broken : {"", "<prefs", "<other/>", "<prefs xmlns='urn:xmpp:mam:2'/>"}) {
    const std::string user = "nurse" + std::to_string(std::string_view(broken).size());
    const std::string bare = user + "@localhost";
    world.account(bare);
    storage::Batch batch;
    batch.add(bare, storage::op::Put{"archive", "preferences", broken});
    world.router_of(bare).deps().store.commit(std::move(batch));
    world.run();
    TestClient& nurse = world.login_available(bare + "/hall");
    nurse.send("<iq type='get' id='p'><prefs xmlns='urn:xmpp:mam:2'/></iq>");
    EXPECT_NE(nurse.received().find("default='always'"), std::string::npos) << broken;
  }
}

// decision 0012: the receipt is held until both rows are committed; a failure is told to the
// sender.
TEST_P(ArchiveModuleTest, ReceiptsAndFailures) {
  bool gone = false;
  const auto send = [&](std::string_view body) {
    Stanza message(StanzaKind::kMessage, StanzaType::kChat);
    message.set_to(juliet.jid());
    message.edit().append_text_element("body", body);
    message.set_receipt(std::make_shared<Watched>(gone));
    static_cast<void>(
        world.router_of("romeo@localhost").receive(romeo.resource(), std::move(message)));
  };
  send("1");
  EXPECT_FALSE(gone);
  world.run();
  EXPECT_TRUE(gone);
  world.fail_commits = Error(Errc::kDiskFull, "the path");
  gone = false;
  send("2");
  EXPECT_FALSE(gone);
  world.run();
  EXPECT_TRUE(gone);
  EXPECT_EQ(received_error(romeo), "resource-constraint");
  EXPECT_EQ(romeo.waiting(), 0U);
  world.fail_commits.reset();
  EXPECT_EQ(bodies(juliet), "1 ");
}

// Nothing is left for who has the name next.
TEST_P(ArchiveModuleTest, ARemovedAccountLeavesNothing) {
  say_numbers(1, 2);
  spawn([](router::Router& home) -> Task<> {
    const auto removed = co_await home.deps().accounts.remove(*Jid::parse("juliet@localhost"));
    EXPECT_TRUE(removed);
  }(world.router_of("juliet@localhost")));
  world.run();
  TestClient& another = world.login("juliet@localhost/new");
  EXPECT_TRUE(ask(another).ids.empty());
  EXPECT_EQ(bodies(romeo), "1 2 ");
}

TEST_P(ArchiveModuleTest, IsOffered) {
  const auto& features = world.router(0).host("localhost")->account_features();
  for (const auto feature : {ns::kMam, ns::kMamExtended, ns::kStanzaId}) {
    EXPECT_TRUE(std::ranges::binary_search(features, feature)) << feature;
  }
}

}  // namespace
}  // namespace balcony::modules
