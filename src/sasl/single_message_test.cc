// PLAIN, EXTERNAL and ANONYMOUS, what the exchange tests do not reach.
#include "sasl/test_support.h"

#include <gtest/gtest.h>

namespace balcony::sasl {
namespace {

using namespace std::string_view_literals;
using testing::error_of;
using testing::server_options;

TEST(Plain, MessageOfRfc4616Section4) {
  const auto server = plain_server(server_options());
  const auto step = server->start("\0tim\0tanstaaftanstaaf"sv);
  ASSERT_TRUE(std::holds_alternative<VerifyPassword>(step));
  EXPECT_EQ(std::get<VerifyPassword>(step).username, "tim");
  EXPECT_EQ(std::get<VerifyPassword>(step).password, "tanstaaftanstaaf");
  const auto end = server->verified(true);
  ASSERT_TRUE(std::holds_alternative<Success>(end));
  EXPECT_EQ(std::get<Success>(end).username, "tim");

  Credentials who;
  who.username = "Kurt";
  who.password = "xipj3plmq";
  who.authzid = "Ursel";
  const auto client = plain_client(who);
  EXPECT_EQ(client->initial_response().value(), "Ursel\0Kurt\0xipj3plmq"sv);
  EXPECT_TRUE(client->success(std::nullopt));
}

TEST(Plain, Refused) {
  for (const std::string_view bad :
       {""sv, "tim"sv, "\0tim"sv, "\0tim\0"sv, "\0\0secret"sv, "\0\0"sv, "\0tim\0sec\0ret"sv,
        "\0tim\0secret\0"sv, "\0\0tim\0secret"sv}) {
    EXPECT_EQ(error_of(plain_server(server_options())->start(bad)), Errc::kSaslMalformedRequest)
        << bad;
  }
  EXPECT_EQ(error_of(plain_server(server_options())->start("\0a b\0secret"sv)),
            Errc::kSaslNotAuthorized);
}

TEST(Plain, PasswordsThatCannotBeSent) {
  Credentials who;
  who.username = "juliet";
  EXPECT_EQ(plain_client(who)->initial_response().error().code, Errc::kPrecisEmpty);
  who.password = "secret";
  who.username = std::string("a\0b", 3);
  EXPECT_EQ(plain_client(who)->initial_response().error().code, Errc::kMalformed);
}

TEST(External, AsksWhoItIs) {
  const auto server = external_server();
  auto step = server->start("");  // "=": whoever the certificate says
  ASSERT_TRUE(std::holds_alternative<VerifyExternal>(step));
  EXPECT_EQ(std::get<VerifyExternal>(step).authzid, "");
  step = server->identified("capulet.example");
  ASSERT_TRUE(std::holds_alternative<Success>(step));
  EXPECT_EQ(std::get<Success>(step).username, "capulet.example");

  const auto refused = external_server();
  (void)refused->start("montague.example");
  EXPECT_EQ(error_of(refused->identified(fail(Errc::kSaslInvalidAuthzid))),
            Errc::kSaslInvalidAuthzid);
  EXPECT_EQ(error_of(external_server()->start("a\0b"sv)), Errc::kSaslMalformedRequest);
}

TEST(Anonymous, TraceInformation) {
  const auto succeeds = [](std::string_view trace) {
    return std::holds_alternative<Success>(anonymous_server()->start(trace));
  };
  EXPECT_TRUE(succeeds(""));
  EXPECT_TRUE(succeeds("sirhc"));  // RFC 4505 §4
  EXPECT_TRUE(succeeds(std::string(255, 'x')));
  EXPECT_FALSE(succeeds(std::string(256, 'x')));
  std::string umlauts;
  for (int i = 0; i < 255; ++i) umlauts += "\xc3\xa4";
  EXPECT_TRUE(succeeds(umlauts));
  EXPECT_FALSE(succeeds("a\0b"sv));
  EXPECT_FALSE(succeeds(std::string(2000, '\x80')));
}

TEST(SingleMessage, ClientExpectsNothingMore) {
  const auto client = anonymous_client({});
  EXPECT_FALSE(client->success(std::nullopt));  // before anything was sent
  EXPECT_TRUE(client->initial_response());
  EXPECT_FALSE(client->initial_response());
  EXPECT_EQ(client->step("").error().code, Errc::kSaslMalformedRequest);
  EXPECT_FALSE(client->success("data"));
  EXPECT_TRUE(client->success(""));
  EXPECT_EQ(client->keys(), nullptr);
}

}  // namespace
}  // namespace balcony::sasl
