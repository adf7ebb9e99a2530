// Our client against our server, every mechanism, as it should go and as it should fail.
#include "sasl/test_support.h"

#include <gtest/gtest.h>

namespace balcony::sasl {
namespace {

using testing::credentials;
using testing::end_point;
using testing::Ends;
using testing::exporter;
using testing::run;
using testing::server_options;

MechanismChoice choice_of(std::string mechanism) {
  MechanismChoice choice{std::move(mechanism), BindingFlag::kNotSupported, std::nullopt};
  if (choice.mechanism.ends_with("-PLUS")) {
    choice.flag = BindingFlag::kUsed;
    choice.binding = exporter();
  }
  return choice;
}

Ends make(const MechanismChoice& choice, Credentials who, ServerOptions options) {
  static SeededRandom random(7);
  return {make_client_mechanism(choice, std::move(who), random).value(),
          make_server_mechanism(choice.mechanism, std::move(options), random).value()};
}

class Password : public ::testing::TestWithParam<std::string> {
 protected:
  bool plus() const { return GetParam().ends_with("-PLUS"); }
  ServerOptions options() const {
    return plus() ? server_options({end_point(), exporter()}) : server_options();
  }
};

TEST_P(Password, Succeeds) {
  auto [client, server] = make(choice_of(GetParam()), credentials(), options());
  const auto outcome = run(*client, *server);
  ASSERT_TRUE(outcome.server);
  EXPECT_TRUE(outcome.client);
  EXPECT_EQ(outcome.server->username, "juliet");
  EXPECT_EQ(outcome.server->authzid, "");
  EXPECT_EQ(outcome.server->channel_binding, plus() ? kTlsExporter : "");
  EXPECT_EQ(outcome.challenges, GetParam() == kPlain ? 0 : 1);
}

TEST_P(Password, UserNameIsPrepared) {
  auto who = credentials();
  who.username = "Juliet";
  auto [client, server] = make(choice_of(GetParam()), who, options());
  const auto outcome = run(*client, *server);
  ASSERT_TRUE(outcome.server);
  EXPECT_EQ(outcome.server->username, "juliet");
  EXPECT_TRUE(outcome.client);
}

TEST_P(Password, WrongPassword) {
  auto who = credentials();
  who.password = "tybalt";
  auto [client, server] = make(choice_of(GetParam()), who, options());
  EXPECT_EQ(run(*client, *server).server_error, Errc::kSaslNotAuthorized);
}

TEST_P(Password, UnknownUserLooksLikeWrongPassword) {
  auto who = credentials();
  who.username = "mercutio";
  auto [client, server] = make(choice_of(GetParam()), who, options());
  const auto unknown = run(*client, *server);
  EXPECT_EQ(unknown.server_error, Errc::kSaslNotAuthorized);
  EXPECT_EQ(unknown.challenges, GetParam() == kPlain ? 0 : 1);
}

TEST_P(Password, Authzid) {
  auto who = credentials();
  who.authzid = "juliet@capulet.example";
  auto own = make(choice_of(GetParam()), who, options());
  const auto outcome = run(*own.client, *own.server);
  ASSERT_TRUE(outcome.server);
  EXPECT_EQ(outcome.server->authzid, "juliet@capulet.example");
  EXPECT_TRUE(outcome.client);

  who.authzid = "romeo@montague.example";
  auto other = make(choice_of(GetParam()), who, options());
  EXPECT_EQ(run(*other.client, *other.server).server_error, Errc::kSaslInvalidAuthzid);

  who.authzid = "juliet@capulet.example";
  auto nobody_asked = options();
  nobody_asked.may_act_as = nullptr;
  auto refused = make(choice_of(GetParam()), who, std::move(nobody_asked));
  EXPECT_EQ(run(*refused.client, *refused.server).server_error, Errc::kSaslInvalidAuthzid);

  // A wrong password is told before a wrong authzid: authorization follows authentication.
  who.authzid = "romeo@montague.example";
  who.password = "tybalt";
  auto wrong = make(choice_of(GetParam()), who, options());
  EXPECT_EQ(run(*wrong.client, *wrong.server).server_error, Errc::kSaslNotAuthorized);
}

TEST_P(Password, WithoutInitialResponse) {
  auto [client, server] = make(choice_of(GetParam()), credentials(), options());
  auto step = server->start(std::nullopt);
  ASSERT_TRUE(std::holds_alternative<Challenge>(step));
  EXPECT_EQ(std::get<Challenge>(step).data, "");
  step = testing::answer(*server, server->step(client->initial_response().value()));
  if (GetParam() != kPlain) {
    step = server->step(client->step(std::get<Challenge>(step).data).value());
  }
  ASSERT_TRUE(std::holds_alternative<Success>(step));
  EXPECT_TRUE(client->success(std::get<Success>(step).data));
}

INSTANTIATE_TEST_SUITE_P(Exchange, Password,
                         ::testing::Values("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512",
                                           "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS",
                                           "SCRAM-SHA-512-PLUS", "PLAIN"));

TEST(Exchange, ChannelBindingOfAnotherConnection) {
  auto choice = choice_of("SCRAM-SHA-256-PLUS");
  choice.binding->data = "of the connection to the one in between";
  auto [client, server] = make(choice, credentials(), server_options({exporter()}));
  EXPECT_EQ(run(*client, *server).server_error, Errc::kSaslNotAuthorized);
}

TEST(Exchange, ChannelBindingTypeThatTheServerHasNot) {
  auto [client, server] =
      make(choice_of("SCRAM-SHA-256-PLUS"), credentials(), server_options({end_point()}));
  const auto outcome = run(*client, *server);
  EXPECT_EQ(outcome.server_error, Errc::kSaslNotAuthorized);
  EXPECT_EQ(outcome.challenges, 0);
}

TEST(Exchange, ClientThatSawNoPlus) {
  auto choice = choice_of("SCRAM-SHA-1");
  choice.flag = BindingFlag::kNotAdvertised;
  auto honest = make(choice, credentials(), server_options());
  EXPECT_TRUE(run(*honest.client, *honest.server).server);
  // RFC 5802 §6: it was offered, so somebody removed it.
  auto deceived = make(choice, credentials(), server_options({exporter()}));
  EXPECT_EQ(run(*deceived.client, *deceived.server).server_error, Errc::kSaslNotAuthorized);
  choice.flag = BindingFlag::kNotSupported;
  auto cannot = make(choice, credentials(), server_options({exporter()}));
  EXPECT_TRUE(run(*cannot.client, *cannot.server).server);
}

TEST(Exchange, KeysKeptFromAnEarlierLogin) {
  auto first = make(choice_of("SCRAM-SHA-256"), credentials(), server_options());
  EXPECT_EQ(first.client->keys(), nullptr);
  ASSERT_TRUE(run(*first.client, *first.server).client);
  ASSERT_NE(first.client->keys(), nullptr);

  auto who = credentials();
  who.password.clear();  // not needed while the keys fit
  who.keys = *first.client->keys();
  auto again = make(choice_of("SCRAM-SHA-256"), who, server_options());
  EXPECT_TRUE(run(*again.client, *again.server).server);

  who.password = testing::kPassword;
  who.keys->salt = "another salt";
  auto changed = make(choice_of("SCRAM-SHA-256"), who, server_options());
  EXPECT_TRUE(run(*changed.client, *changed.server).server);

  auto other_hash = make(choice_of("SCRAM-SHA-1"), who, server_options());
  EXPECT_TRUE(run(*other_hash.client, *other_hash.server).server);
}

TEST(Exchange, External) {
  auto who = credentials();
  who.authzid = "montague.example";
  auto [client, server] = make(choice_of("EXTERNAL"), who, server_options());
  const auto outcome = run(*client, *server);
  ASSERT_TRUE(outcome.server);
  EXPECT_EQ(outcome.server->username, "montague.example");
  EXPECT_EQ(outcome.server->authzid, "montague.example");
  EXPECT_TRUE(outcome.client);
}

TEST(Exchange, Anonymous) {
  auto [client, server] = make(choice_of("ANONYMOUS"), Credentials{}, server_options());
  const auto outcome = run(*client, *server);
  ASSERT_TRUE(outcome.server);
  EXPECT_EQ(outcome.server->username, "");
  EXPECT_TRUE(outcome.client);
}

TEST(Exchange, MechanismsThatAreNone) {
  SeededRandom random(1);
  for (const std::string name : {"", "DIGEST-MD5", "SCRAM-MD5", "SCRAM-SHA-256-PLUS-PLUS",
                                 "scram-sha-1", "plain", "SCRAM-SHA-1-PLUS"}) {
    const auto server = make_server_mechanism(name, server_options(), random);
    ASSERT_FALSE(server) << name;  // the last one: no channel to bind to
    EXPECT_EQ(server.error().code, Errc::kSaslInvalidMechanism);
    const MechanismChoice choice{name, BindingFlag::kNotSupported, std::nullopt};
    EXPECT_EQ(make_client_mechanism(choice, credentials(), random).error().code,
              Errc::kSaslInvalidMechanism);
  }
  const MechanismChoice used{"SCRAM-SHA-1", BindingFlag::kUsed, exporter()};
  EXPECT_FALSE(make_client_mechanism(used, credentials(), random));
}

}  // namespace
}  // namespace balcony::sasl
