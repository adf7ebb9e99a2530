// The elements of SASL2 and of what goes with it, by the examples of their specifications.
#include "stream/sasl2.h"

#include "sasl/scram_keys.h"
#include "stanza/ns.h"
#include "xml/parser.h"
#include "xml/writer.h"

#include <gtest/gtest.h>

namespace balcony::stream {
namespace {

constexpr std::string_view kId = "d4565fa7-4d72-4749-b3d3-740edbf87770";

xml::Element parsed(std::string_view text) {
  return xml::parse(text, {}, {}).value();
}

std::string text_of(const xml::Element& element) {
  std::string text;
  xml::write(text, element);
  return text;
}

std::string authenticate(std::string_view inside) {
  return "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='SCRAM-SHA-1-PLUS'>" +
         std::string(inside) + "</authenticate>";
}

TEST(Sasl2Elements, TheAuthenticationRequestOfTheExample) {
  // XEP-0388 §2.3, with Bind 2 (XEP-0386 §3.2), a token (XEP-0484 §3.2) and tasks (XEP-0480 §2.2).
  const auto read = read_authenticate(parsed(authenticate(
      "<initial-response>\n  cD10bHMtZXhwb3J0ZXIsLG49dXNlcg==\n</initial-response>"
      "<user-agent id='D4565fa7-4d72-4749-b3d3-740edbf87770'><software>AwesomeXMPP</software>"
      "<device>Kiva's Phone</device></user-agent>"
      "<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-256</upgrade>"
      "<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-BLOOP</upgrade>"
      "<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-256</upgrade>"
      "<bind xmlns='urn:xmpp:bind:0'><tag>AwesomeXMPP</tag></bind>"
      "<resume xmlns='urn:xmpp:sm:3' previd='124' h='345'/>"
      "<fast xmlns='urn:xmpp:fast:0' count='123' invalidate='1'/>"
      "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-ENDP'/>")));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->mechanism, "SCRAM-SHA-1-PLUS");
  EXPECT_EQ(read->initial_response, "p=tls-exporter,,n=user");
  EXPECT_EQ(read->user_agent.id, kId);
  EXPECT_EQ(read->user_agent.software, "AwesomeXMPP");
  EXPECT_EQ(read->user_agent.device, "Kiva's Phone");
  EXPECT_EQ(read->upgrades, std::vector{sasl::ScramHash::kSha256});
  EXPECT_EQ(read->bind.view().child_text(ns::kBind2, "tag"), "AwesomeXMPP");
  ASSERT_TRUE(read->resume && read->fast);
  EXPECT_EQ(read->resume->previd, "124");
  EXPECT_EQ(read->resume->h, 345U);
  EXPECT_EQ(read->fast->count, 123U);
  EXPECT_TRUE(read->fast->invalidate);
  EXPECT_EQ(read->request_token, "HT-SHA-256-ENDP");

  const auto again = read_authenticate(parsed(text_of(write_authenticate(*read))));
  ASSERT_TRUE(again);
  EXPECT_EQ(text_of(write_authenticate(*again)), text_of(write_authenticate(*read)));
}

TEST(Sasl2Elements, NothingAndEmptyAreTwoThings) {
  const auto none = read_authenticate(parsed(authenticate("")));
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->initial_response);
  EXPECT_FALSE(none->bind);
  EXPECT_FALSE(none->fast);
  const auto empty = read_authenticate(parsed(authenticate("<initial-response/>")));
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->initial_response, "");  // XEP-0388 §2.2
}

TEST(Sasl2Elements, RequestsThatAreNone) {
  const struct {
    std::string_view inside;
    Errc error;
  } kTable[] = {
      {"<initial-response>%%</initial-response>", Errc::kSaslIncorrectEncoding},
      {"<initial-response>=</initial-response>", Errc::kSaslIncorrectEncoding},
      {"<user-agent id='phone'/>", Errc::kSaslMalformedRequest},
      {"<user-agent id=''/>", Errc::kSaslMalformedRequest},
      {"<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf8777g'/>", Errc::kSaslMalformedRequest},
      {"<user-agent id='d4565fa714d72-4749-b3d3-740edbf87770'/>", Errc::kSaslMalformedRequest},
      {"<resume xmlns='urn:xmpp:sm:3' h='1'/>", Errc::kSaslMalformedRequest},
      {"<fast xmlns='urn:xmpp:fast:0' count='0'/>", Errc::kSaslMalformedRequest},
      {"<fast xmlns='urn:xmpp:fast:0' count='-1'/>", Errc::kSaslMalformedRequest},
      {"<fast xmlns='urn:xmpp:fast:0' count=''/>", Errc::kSaslMalformedRequest},
      {"<fast xmlns='urn:xmpp:fast:0' count='99999999999'/>", Errc::kSaslMalformedRequest},
  };
  for (const auto& row : kTable) {
    const auto read = read_authenticate(parsed(authenticate(row.inside)));
    ASSERT_FALSE(read) << row.inside;
    EXPECT_EQ(read.error().code, row.error) << row.inside;
  }
}

TEST(Sasl2Elements, ANameIsCutBetweenItsCharacters) {
  std::string device;
  for (int i = 0; i < 200; ++i) device += "\xc3\xa9";
  const auto read = read_authenticate(
      parsed(authenticate("<user-agent><device>x" + device + "</device></user-agent>")));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->user_agent.device.size(), 255U);
  EXPECT_TRUE(read->user_agent.device.ends_with("\xc3\xa9"));
}

TEST(Sasl2Elements, TheExchangeAsItIsWritten) {
  EXPECT_EQ(text_of(write_sasl2("challenge", "ab")),
            "<challenge xmlns='urn:xmpp:sasl:2'>YWI=</challenge>");
  EXPECT_EQ(text_of(write_sasl2("response", "")), "<response xmlns='urn:xmpp:sasl:2'/>");
  EXPECT_EQ(text_of(write_sasl2_failure(Errc::kSaslAborted)),
            "<failure xmlns='urn:xmpp:sasl:2'>"
            "<aborted xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>");
  EXPECT_EQ(text_of(write_sasl2_success("v=msVHs/BzIOHDqXeVH7EmmDu9id8=", "user@example.org")),
            "<success xmlns='urn:xmpp:sasl:2'>"
            "<additional-data>dj1tc1ZIcy9CeklPSERxWGVWSDdFbW1EdTlpZDg9</additional-data>"
            "<authorization-identifier>user@example.org</authorization-identifier></success>");
  EXPECT_EQ(text_of(write_continue("", "UPGR-SCRAM-SHA-256")),
            "<continue xmlns='urn:xmpp:sasl:2'><tasks><task>UPGR-SCRAM-SHA-256</task></tasks>"
            "</continue>");
}

TEST(Sasl2Elements, UpgradeTasks) {
  for (const sasl::ScramHash hash : sasl::kScramHashes) {
    EXPECT_EQ(read_upgrade_task(upgrade_task(hash)), hash);
  }
  EXPECT_EQ(upgrade_task(sasl::ScramHash::kSha256), "UPGR-SCRAM-SHA-256");
  for (const std::string_view bad :
       {"", "UPGR-", "SCRAM-SHA-256", "UPGR-SCRAM-SHA-256-PLUS", "UPGR-PLAIN"}) {
    EXPECT_FALSE(read_upgrade_task(bad)) << bad;
  }
  // XEP-0480 §3: the example's salt.
  const auto salt = read_upgrade_salt(
      parsed("<task-data xmlns='urn:xmpp:sasl:2'><salt xmlns='urn:xmpp:scram-upgrade:0' "
             "iterations='4096'>\n QV9TWENSWFE2c2VrOGJmX1o=\n</salt></task-data>"));
  ASSERT_TRUE(salt);
  EXPECT_EQ(salt->salt, "A_SXCRXQ6sek8bf_Z");
  EXPECT_EQ(salt->iterations, 4096U);
  EXPECT_EQ(read_upgrade_salt(write_upgrade_salt(*salt))->salt, salt->salt);
  EXPECT_EQ(read_upgrade_hash(write_upgrade_hash("salted")), "salted");
  // What comes of it are the keys that the password itself would give.
  const std::string salted =
      sasl::pbkdf2(sasl::ScramHash::kSha256, "pencil", salt->salt, salt->iterations);
  EXPECT_EQ(
      sasl::keys_of_salted(sasl::ScramHash::kSha256, salted, salt->salt, 4096),
      sasl::derive_keys(sasl::ScramHash::kSha256, "pencil", std::string_view(salt->salt), 4096)
          .value());
  for (const std::string_view bad :
       {"<salt xmlns='urn:xmpp:scram-upgrade:0' iterations='4096'/>",
        "<salt xmlns='urn:xmpp:scram-upgrade:0'>QUE=</salt>",
        "<salt xmlns='urn:xmpp:scram-upgrade:0' iterations='x'>QUE=</salt>", ""}) {
    EXPECT_FALSE(read_upgrade_salt(
        parsed("<task-data xmlns='urn:xmpp:sasl:2'>" + std::string(bad) + "</task-data>")))
        << bad;
  }
  EXPECT_FALSE(read_upgrade_hash(parsed("<task-data xmlns='urn:xmpp:sasl:2'/>")));
}

TEST(Sasl2Elements, Tokens) {
  // XEP-0484 §3.3.
  const auto token =
      read_token(parsed("<token xmlns='urn:xmpp:fast:0' expiry='2020-03-12T14:36:15Z' "
                        "token='WXZzciBwYmFmdmZnZiBqdmd1IGp2eXFhcmZm'/>"));
  ASSERT_TRUE(token);
  EXPECT_EQ(token->token, "WXZzciBwYmFmdmZnZiBqdmd1IGp2eXFhcmZm");
  EXPECT_EQ(text_of(write_token(*token)),
            "<token xmlns='urn:xmpp:fast:0' expiry='2020-03-12T14:36:15Z' "
            "token='WXZzciBwYmFmdmZnZiBqdmd1IGp2eXFhcmZm'/>");
  EXPECT_FALSE(read_token(parsed("<token xmlns='urn:xmpp:fast:0' token='x'/>")));
  EXPECT_FALSE(
      read_token(parsed("<token xmlns='urn:xmpp:fast:0' expiry='2020-03-12T14:36:15Z'/>")));
}

TEST(Sasl2Elements, AResourceIsStableAndTellsNothing) {
  constexpr std::string_view kSecret = "a secret of the server's own";
  const auto of = [&](std::string_view account, std::string_view id, std::string_view tag) {
    return bind2_resource(kSecret, account, id, tag, "chance");
  };
  const std::string resource = of("a@x", kId, "Awesome");
  EXPECT_EQ(resource, of("a@x", kId, "Awesome"));
  EXPECT_TRUE(resource.starts_with("Awesome/")) << resource;
  EXPECT_EQ(resource.size(), 8U + 12U);
  EXPECT_EQ(resource.find("d4565fa7"), std::string::npos);
  EXPECT_NE(resource, of("b@x", kId, "Awesome"));
  EXPECT_NE(resource, of("a@x", "00000000-0000-4000-8000-000000000000", "Awesome"));
  EXPECT_NE(resource, bind2_resource("another secret of a server", "a@x", kId, "Awesome", ""));
  EXPECT_EQ(of("a@x", "", "Awesome"), "Awesome/chance");
  EXPECT_EQ(of("a@x", "", ""), "chance");
  // A tag that cannot stand in a resource is left out.
  EXPECT_EQ(of("a@x", "", std::string(2'000, 'x')), "chance");
  EXPECT_EQ(of("a@x", "", "\x01"), "chance");
}

}  // namespace
}  // namespace balcony::stream
