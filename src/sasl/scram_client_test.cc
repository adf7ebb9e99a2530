#include "base/base64.h"
#include "sasl/test_support.h"

#include <gtest/gtest.h>

namespace balcony::sasl {
namespace {

// RFC 5802 §5.
constexpr std::string_view kServerFirst =
    "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096";
constexpr std::string_view kServerFinal = "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=";

Credentials user() {
  Credentials who;
  who.username = "user";
  who.password = "pencil";
  return who;
}

std::unique_ptr<ClientMechanism> client_of(Credentials who = user()) {
  return scram_client({ScramHash::kSha1, false},
                      {"SCRAM-SHA-1", BindingFlag::kNotSupported, std::nullopt}, std::move(who),
                      "fyko+d2lbbFgONRv9qkxdawL");
}

std::unique_ptr<ClientMechanism> client_after_final() {
  auto client = client_of();
  (void)client->initial_response();
  EXPECT_TRUE(client->step(kServerFirst));
  return client;
}

Errc answer_to(std::string_view server_first, Credentials who = user()) {
  const auto client = client_of(std::move(who));
  (void)client->initial_response();
  const auto answer = client->step(server_first);
  EXPECT_FALSE(answer) << server_first;
  // Whatever follows: a client that has refused does not succeed.
  EXPECT_FALSE(client->step(kServerFirst));
  EXPECT_FALSE(client->success(kServerFinal));
  EXPECT_EQ(client->keys(), nullptr);
  return answer ? Errc::kUndefinedCondition : answer.error().code;
}

TEST(ScramClient, RefusesServerFirst) {
  EXPECT_EQ(answer_to("r=fyko+d2lbbFgONRv9qkxdawL,s=QSXCR+Q6sek8bf92,i=4096"),
            Errc::kSaslNotAuthorized);  // added nothing
  EXPECT_EQ(answer_to("r=Xyko+d2lbbFgONRv9qkxdawL3rf,s=QSXCR+Q6sek8bf92,i=4096"),
            Errc::kSaslNotAuthorized);
  EXPECT_EQ(answer_to("r=fyko,s=QSXCR+Q6sek8bf92,i=4096"), Errc::kSaslNotAuthorized);
  EXPECT_EQ(answer_to("s=QSXCR+Q6sek8bf92,r=fyko+d2lbbFgONRv9qkxdawL3rf,i=4096"),
            Errc::kSaslMalformedRequest);
  EXPECT_EQ(answer_to("m=x,r=fyko+d2lbbFgONRv9qkxdawL3rf,s=QSXCR+Q6sek8bf92,i=4096"),
            Errc::kSaslMalformedRequest);
  EXPECT_EQ(answer_to(""), Errc::kSaslMalformedRequest);
  EXPECT_EQ(answer_to("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="), Errc::kSaslMalformedRequest);
  EXPECT_EQ(answer_to("e=other-error"), Errc::kSaslNotAuthorized);
  EXPECT_EQ(answer_to(std::string(kMessageBytesMax + 1, 'x')), Errc::kSaslMalformedRequest);
}

TEST(ScramClient, IterationsHaveLimits) {
  const std::string start = "r=fyko+d2lbbFgONRv9qkxdawL3rf,s=QSXCR+Q6sek8bf92,i=";
  for (const std::string_view count : {"1", "4095", "10000001", "4294967296", "99999999999999"}) {
    EXPECT_EQ(answer_to(start + std::string(count)), Errc::kSaslMechanismTooWeak) << count;
  }
  auto careless = user();
  careless.iterations_min = 1;
  const auto client = client_of(careless);
  (void)client->initial_response();
  EXPECT_TRUE(client->step(start + "1"));
  auto careful = user();
  careful.iterations_min = 10'000;
  EXPECT_EQ(answer_to(kServerFirst, careful), Errc::kSaslMechanismTooWeak);
}

TEST(ScramClient, PasswordThatIsNone) {
  auto who = user();
  who.password.clear();
  EXPECT_EQ(answer_to(kServerFirst, who), Errc::kPrecisEmpty);
}

TEST(ScramClient, TheServerMustProveItself) {
  // RFC 5802 §5: the client MUST verify the server's signature.
  EXPECT_EQ(client_after_final()->success(std::nullopt).error().code, Errc::kSaslNotAuthorized);
  EXPECT_EQ(client_after_final()->success("").error().code, Errc::kSaslMalformedRequest);
  EXPECT_EQ(client_after_final()->success("v=QUJD").error().code, Errc::kSaslNotAuthorized);
  EXPECT_EQ(client_after_final()->success("e=invalid-proof").error().code,
            Errc::kSaslNotAuthorized);
  std::string other(kServerFinal);
  other[5] = other[5] == 'A' ? 'B' : 'A';
  EXPECT_EQ(client_after_final()->success(other).error().code, Errc::kSaslNotAuthorized);
  EXPECT_TRUE(client_after_final()->success(kServerFinal));
}

TEST(ScramClient, SuccessTooEarly) {
  const auto fresh = client_of();
  EXPECT_FALSE(fresh->success(kServerFinal));
  (void)fresh->initial_response();
  EXPECT_EQ(fresh->success(kServerFinal).error().code, Errc::kSaslNotAuthorized);
  EXPECT_EQ(fresh->keys(), nullptr);
}

TEST(ScramClient, FinalDataAsAChallenge) {
  const auto client = client_after_final();
  EXPECT_EQ(client->step(kServerFinal).value(), "");
  EXPECT_FALSE(client->step(kServerFinal));
  EXPECT_TRUE(client->success(std::nullopt));
  ASSERT_NE(client->keys(), nullptr);
  EXPECT_EQ(client->keys()->iterations, 4096U);

  const auto deceived = client_after_final();
  EXPECT_FALSE(deceived->step("v=QUJD"));
  EXPECT_FALSE(deceived->success(std::nullopt));
  EXPECT_FALSE(deceived->success(kServerFinal));
}

TEST(ScramClient, OutOfTurn) {
  const auto client = client_of();
  EXPECT_EQ(client->step(kServerFirst).error().code, Errc::kSaslMalformedRequest);
  EXPECT_TRUE(client->initial_response());
  EXPECT_FALSE(client->initial_response());
}

TEST(ScramClient, EscapesNames) {
  auto who = user();
  who.username = "a,b=c";
  who.authzid = "x=y";
  EXPECT_EQ(client_of(who)->initial_response().value(),
            "n,a=x=3Dy,n=a=2Cb=3Dc,r=fyko+d2lbbFgONRv9qkxdawL");
}

}  // namespace
}  // namespace balcony::sasl
