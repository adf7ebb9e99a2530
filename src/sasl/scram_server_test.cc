#include "base/base64.h"
#include "sasl/test_support.h"

#include <gtest/gtest.h>

namespace balcony::sasl {
namespace {

using testing::error_of;
using testing::exporter;
using testing::server_options;

constexpr std::string_view kFirst = "n,,n=juliet,r=clientnonce";
const ScramName kSha256{ScramHash::kSha256, false};
const ScramName kSha256Plus{ScramHash::kSha256, true};

std::unique_ptr<ServerMechanism> server_of(ScramName name = kSha256,
                                           std::vector<ChannelBinding> bindings = {}) {
  return scram_server(name, server_options(std::move(bindings)), "servernonce");
}

// What a client that knows the password answers to `server_first`, in its parts.
struct Final {
  std::string without_proof, proof;
  std::string text() const { return without_proof + ",p=" + proof; }
};

Final final_of(std::string_view server_first, std::string_view without_proof,
               std::string_view first_bare = "n=juliet,r=clientnonce") {
  const ScramKeys keys = testing::keys_of("juliet", ScramHash::kSha256).value();
  const std::string salted =
      pbkdf2(ScramHash::kSha256, testing::kPassword, keys.salt, keys.iterations);
  const std::string client_key = hmac(ScramHash::kSha256, salted, "Client Key");
  const std::string message =
      std::string(first_bare) + "," + std::string(server_first) + "," + std::string(without_proof);
  const std::string signature = hmac(ScramHash::kSha256, keys.stored_key, message);
  return {std::string(without_proof), base64_encode(exclusive_or(client_key, signature))};
}

// Sends `first`, and then what `make_final` makes of the challenge.
template <class F>
ServerStep exchange(ServerMechanism& server, std::string_view first, F make_final) {
  auto step = testing::answer(server, server.start(first));
  const auto* challenge = std::get_if<Challenge>(&step);
  if (challenge == nullptr) return step;
  return server.step(make_final(challenge->data));
}

// The final message of one that signs `without_proof`, whatever it says.
ServerStep with_final(std::string_view without_proof, std::string_view first = kFirst) {
  const auto server = server_of();
  return exchange(*server, first, [&](const std::string& server_first) {
    return final_of(server_first, without_proof, first.substr(3)).text();
  });
}

TEST(ScramServer, AcceptsTheRightOne) {
  EXPECT_TRUE(std::holds_alternative<Success>(with_final("c=biws,r=clientnonceservernonce")));
}

TEST(ScramServer, AcceptsUnknownOptionalExtensions) {
  EXPECT_TRUE(std::holds_alternative<Success>(
      with_final("c=biws,r=clientnonceservernonce,t=x", "n,,n=juliet,r=clientnonce,z=y")));
}

TEST(ScramServer, RefusesFinalsThatAreSignedButWrong) {
  const std::pair<std::string_view, Errc> cases[] = {
      {"c=biws,r=clientnonce", Errc::kSaslNotAuthorized},                 // ours is missing
      {"c=biws,r=clientnonceservernoncE", Errc::kSaslNotAuthorized},      // not the same
      {"c=biws,r=clientnonceservernonceX", Errc::kSaslNotAuthorized},     // longer
      {"c=eSws,r=clientnonceservernonce", Errc::kSaslNotAuthorized},      // "y,,"
      {"c=bixhPXgs,r=clientnonceservernonce", Errc::kSaslNotAuthorized},  // "n,a=x,"
      {"c=biwsQQ==,r=clientnonceservernonce", Errc::kSaslNotAuthorized},  // data after "n,,"
      {"c=bi,r=clientnonceservernonce", Errc::kSaslMalformedRequest},
      {"r=clientnonceservernonce,c=biws", Errc::kSaslMalformedRequest},
      {"c=biws,r=clientnonceservernonce,m=x", Errc::kSaslMalformedRequest},
      {"r=clientnonceservernonce", Errc::kSaslMalformedRequest},
      {"c=biws", Errc::kSaslMalformedRequest},
      {"", Errc::kSaslMalformedRequest},
  };
  for (const auto& [without_proof, code] : cases) {
    EXPECT_EQ(error_of(with_final(without_proof)), code) << without_proof;
  }
}

TEST(ScramServer, RefusesEveryTruncationAndEveryFlippedByteOfTheProof) {
  const std::string_view without_proof = "c=biws,r=clientnonceservernonce";
  std::string good;
  const auto probe = server_of();
  exchange(*probe, kFirst, [&](const std::string& server_first) {
    return good = final_of(server_first, without_proof).text();
  });
  for (std::size_t length = 0; length < good.size(); ++length) {
    const auto server = server_of();
    const auto step = exchange(*server, kFirst, [&](auto&) { return good.substr(0, length); });
    EXPECT_TRUE(std::holds_alternative<Error>(step)) << length;
  }
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    const auto server = server_of();
    const auto step = exchange(*server, kFirst, [&](auto&) { return bad; });
    EXPECT_TRUE(std::holds_alternative<Error>(step)) << bad;
  }
  const auto server = server_of();
  const auto shorter =
      exchange(*server, kFirst, [&](auto&) { return std::string(without_proof) + ",p=QUJD"; });
  EXPECT_EQ(error_of(shorter), Errc::kSaslNotAuthorized);
}

TEST(ScramServer, TheFirstMessageIsSigned) {
  // Somebody in between changed the name; the client signed what it sent.
  const auto server = server_of();
  const auto step = exchange(*server, "n,,n=Juliet,r=clientnonce", [](const auto& server_first) {
    return final_of(server_first, "c=biws,r=clientnonceservernonce").text();
  });
  EXPECT_EQ(error_of(step), Errc::kSaslNotAuthorized);
}

TEST(ScramServer, FlagAndMechanismMustFit) {
  EXPECT_EQ(error_of(server_of()->start("p=tls-exporter,,n=juliet,r=x")),
            Errc::kSaslMalformedRequest);
  for (const std::string_view first : {"n,,n=juliet,r=x", "y,,n=juliet,r=x"}) {
    EXPECT_EQ(error_of(server_of(kSha256Plus, {exporter()})->start(first)),
              Errc::kSaslMalformedRequest);
  }
  EXPECT_EQ(error_of(server_of(kSha256Plus, {exporter()})->start("p=tls-unique,,n=juliet,r=x")),
            Errc::kSaslNotAuthorized);
  EXPECT_EQ(error_of(server_of(kSha256, {exporter()})->start("y,,n=juliet,r=x")),
            Errc::kSaslNotAuthorized);
}

TEST(ScramServer, RefusesNamesThatCannotBe) {
  EXPECT_EQ(error_of(server_of()->start("n,,n=romeo juliet,r=x")), Errc::kSaslNotAuthorized);
  EXPECT_EQ(error_of(server_of()->start("n,,n=,r=x")), Errc::kSaslMalformedRequest);
  EXPECT_EQ(error_of(server_of()->start("n,,n=a=b,r=x")), Errc::kSaslMalformedRequest);
  EXPECT_EQ(error_of(server_of()->start("")), Errc::kSaslMalformedRequest);
  EXPECT_EQ(error_of(server_of()->start(std::string(kMessageBytesMax + 1, 'x'))),
            Errc::kSaslMalformedRequest);
}

TEST(ScramServer, UnescapesNames) {
  const auto step = server_of()->start("n,,n=a=2Cb=3Dc,r=x");
  ASSERT_TRUE(std::holds_alternative<NeedCredentials>(step));
  EXPECT_EQ(std::get<NeedCredentials>(step).username, "a,b=c");
}

TEST(ScramServer, UnknownUsersLookLikeKnownOnes) {
  const auto challenge_for = [](std::string_view first) {
    const auto server = server_of();
    const auto step = testing::answer(*server, server->start(first));
    return std::get<Challenge>(step).data;
  };
  const std::string known = challenge_for(kFirst);
  const std::string unknown = challenge_for("n,,n=nobody,r=clientnonce");
  EXPECT_EQ(known.size(), unknown.size());
  EXPECT_EQ(known.substr(known.find(",i=")), unknown.substr(unknown.find(",i=")));
  EXPECT_EQ(unknown, challenge_for("n,,n=nobody,r=clientnonce"));
  EXPECT_NE(unknown, challenge_for("n,,n=somebody,r=clientnonce"));
}

TEST(ScramServer, AnotherUsersPasswordDoesNotMakeAUser) {
  const auto server = server_of();
  const auto step = exchange(*server, "n,,n=nobody,r=clientnonce", [](const auto& server_first) {
    return final_of(server_first, "c=biws,r=clientnonceservernonce", "n=nobody,r=clientnonce")
        .text();
  });
  EXPECT_EQ(error_of(step), Errc::kSaslNotAuthorized);
}

TEST(ScramServer, DamagedKeys) {
  const auto damaged = [](auto change) {
    auto keys = testing::keys_of("juliet", ScramHash::kSha256).value();
    change(keys);
    const auto server = server_of();
    (void)server->start(kFirst);
    return error_of(server->credentials(keys));
  };
  EXPECT_EQ(damaged([](auto& k) { k.stored_key.pop_back(); }), Errc::kSaslTemporaryAuthFailure);
  EXPECT_EQ(damaged([](auto& k) { k.server_key.clear(); }), Errc::kSaslTemporaryAuthFailure);
  EXPECT_EQ(damaged([](auto& k) { k.salt.clear(); }), Errc::kSaslTemporaryAuthFailure);
  EXPECT_EQ(damaged([](auto& k) { k.iterations = 0; }), Errc::kSaslTemporaryAuthFailure);
  EXPECT_EQ(damaged([](auto& k) { k.hash = ScramHash::kSha1; }), Errc::kSaslTemporaryAuthFailure);
}

TEST(ScramServer, OutOfTurn) {
  const auto impatient = server_of();
  (void)impatient->start(kFirst);
  EXPECT_EQ(error_of(impatient->step("c=biws,r=x,p=QQ==")), Errc::kSaslMalformedRequest);
  // The keys come when all is over: nothing revives.
  EXPECT_EQ(error_of(impatient->credentials(testing::keys_of("juliet", ScramHash::kSha256))),
            Errc::kSaslMalformedRequest);
  const auto ended = server_of();
  (void)ended->start("nonsense");
  EXPECT_EQ(error_of(ended->step(kFirst)), Errc::kSaslMalformedRequest);
}

TEST(ScramServerDeathTest, AnswersNobodyAskedForAreOurBug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto server = server_of();
  EXPECT_DEATH((void)server->credentials(std::nullopt), "did not ask");
  (void)server->start(kFirst);
  EXPECT_DEATH((void)server->verified(true), "did not ask");
  EXPECT_DEATH((void)server->start(kFirst), "twice");
}

}  // namespace
}  // namespace balcony::sasl
