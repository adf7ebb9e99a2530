// The HT mechanisms, both ends.
#include "sasl/ht.h"

#include "base/base64.h"
#include "sasl/test_support.h"

#include <gtest/gtest.h>

namespace balcony::sasl {
namespace {

using namespace std::string_view_literals;
using testing::end_point;
using testing::Ends;
using testing::exporter;
using testing::kToken;
using testing::run;

MechanismChoice ht_choice(std::string mechanism) {
  MechanismChoice choice{std::move(mechanism), BindingFlag::kNotSupported, std::nullopt};
  if (choice.mechanism.ends_with("EXPR")) choice.binding = exporter();
  if (choice.mechanism.ends_with("ENDP")) choice.binding = end_point();
  return choice;
}

Credentials with_token(std::string_view token = kToken) {
  Credentials who;
  who.username = testing::kUser;
  who.token = token;
  return who;
}

Ends ht_ends(const MechanismChoice& choice, Credentials who) {
  static SeededRandom random(7);
  auto options = testing::server_options({exporter(), end_point()});
  return {make_client_mechanism(choice, std::move(who), random).value(),
          make_server_mechanism(choice.mechanism, std::move(options), random).value()};
}

TEST(Ht, Names) {
  const std::string_view all[] = {"HT-SHA-256-EXPR", "HT-SHA-512-EXPR", "HT-SHA-256-ENDP",
                                  "HT-SHA-512-ENDP", "HT-SHA-256-NONE", "HT-SHA-512-NONE"};
  for (const std::string_view name : all) {
    ASSERT_TRUE(ht_name(name)) << name;
    EXPECT_EQ(to_string(*ht_name(name)), name);
  }
  const auto bound = ht_mechanisms(std::vector{end_point(), exporter()});
  EXPECT_TRUE(std::ranges::equal(bound, all));
  EXPECT_EQ(ht_mechanisms({}), (std::vector<std::string>{"HT-SHA-256-NONE", "HT-SHA-512-NONE"}));
  for (const std::string_view bad :
       {"", "HT-", "HT-SHA-256", "HT-SHA-1-NONE", "HT-SHA-256-UNIQ", "HT-SHA-256-none"}) {
    EXPECT_FALSE(ht_name(bad)) << bad;
  }
}

// Computed with Python's hmac.
TEST(Ht, KnownBytes) {
  const struct {
    ScramHash hash;
    std::string_view binding, initiator, responder;
  } kTable[] = {
      {ScramHash::kSha256, "", "kJd4dGGhhOD6hOwAwTgRkLbE0WqOxEU8eyrF5/z5Ne0=",
       "TlE0CWMUdIY7mGyfPoweJ8op0derntQJfnr9YAe/nGI="},
      {ScramHash::kSha256, "cb-data", "nrEckmdfZIn3vZu9CypzAPKEDsqU9puO/bTgpzN/IFQ=",
       "0qKrBnUkUdlMnIOtbMRUXEJBCP4tms0cmV1AMhWUhZ0="},
      {ScramHash::kSha512, "",
       "mvBtN1VXxWi+mvI0ZH8Pp0Lr2Sk5asJ89JNB0R16jk8e"
       "qJ2kcGjiG0Hn41Sll9yir3hsTMN9ayq5ImgkRGF3/A==",
       "nzrDB1NEbARuzVPYV2LAc9jTq6oNqhluTEQQ+K0g1F1B"
       "EOX5or0M3uSajQSMegQIA8u/oP+42yo7rBPL6iOhBA=="},
  };
  for (const auto& row : kTable) {
    EXPECT_EQ(base64_encode(ht_initiator_proof(row.hash, kToken, row.binding)), row.initiator);
    EXPECT_EQ(base64_encode(ht_responder_proof(row.hash, kToken, row.binding)), row.responder);
  }
}

TEST(Ht, EachOfThemSucceeds) {
  for (const std::string& name : ht_mechanisms(std::vector{end_point(), exporter()})) {
    auto [client, server] = ht_ends(ht_choice(name), with_token());
    const auto outcome = run(*client, *server);
    ASSERT_TRUE(outcome.server) << name;
    EXPECT_TRUE(outcome.client) << name;
    EXPECT_EQ(outcome.challenges, 0);
    EXPECT_EQ(outcome.server->username, "juliet");
    EXPECT_EQ(outcome.server->channel_binding, binding_type(ht_name(name)->binding));
  }
}

TEST(Ht, WhoeverHasNoTokenIsRefused) {
  auto wrong = ht_ends(ht_choice("HT-SHA-256-NONE"), with_token("another"));
  EXPECT_EQ(run(*wrong.client, *wrong.server).server_error, Errc::kSaslNotAuthorized);
  auto who = with_token();
  who.username = "mercutio";
  auto unknown = ht_ends(ht_choice("HT-SHA-256-NONE"), who);
  EXPECT_EQ(run(*unknown.client, *unknown.server).server_error, Errc::kSaslNotAuthorized);
  auto choice = ht_choice("HT-SHA-256-EXPR");
  choice.binding->data = "of the connection to the one in between";
  auto between = ht_ends(choice, with_token());
  EXPECT_EQ(run(*between.client, *between.server).server_error, Errc::kSaslNotAuthorized);
}

TEST(Ht, ProofOfTheInitiatorIsNoneOfTheResponder) {
  auto [client, server] = ht_ends(ht_choice("HT-SHA-256-NONE"), with_token());
  ASSERT_TRUE(client->initial_response());
  const std::string reflected = ht_initiator_proof(ScramHash::kSha256, kToken, "");
  EXPECT_EQ(client->success(reflected).error().code, Errc::kSaslNotAuthorized);
  EXPECT_FALSE(client->success(std::nullopt));
  EXPECT_FALSE(client->success(""));
  EXPECT_TRUE(client->success(ht_responder_proof(ScramHash::kSha256, kToken, "")));
  EXPECT_FALSE(client->step(""));
}

TEST(Ht, MessagesThatAreNone) {
  SeededRandom random(1);
  for (const std::string_view bad :
       {""sv, "juliet"sv, "juliet\0"sv, "juliet\0short"sv, "\0AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"sv,
        "juliet\0AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"sv}) {
    auto server =
        make_server_mechanism("HT-SHA-256-NONE", testing::server_options(), random).value();
    const auto step = server->start(bad);
    ASSERT_TRUE(std::holds_alternative<Error>(step)) << bad;
    EXPECT_EQ(std::get<Error>(step).code, Errc::kSaslMalformedRequest);
  }
}

TEST(Ht, BoundToWhatIsNotThere) {
  SeededRandom random(1);
  for (const std::string name : {"HT-SHA-256-EXPR", "HT-SHA-256-ENDP"}) {
    EXPECT_FALSE(make_server_mechanism(name, testing::server_options(), random));
    auto choice = ht_choice(name);
    choice.binding.reset();
    EXPECT_FALSE(make_client_mechanism(choice, with_token(), random));
  }
}

}  // namespace
}  // namespace balcony::sasl
