// XEP-0474: what SCRAM says of the server's lists, and who notices when they were changed.
#include "sasl/downgrade.h"

#include "sasl/test_support.h"

#include <gtest/gtest.h>

namespace balcony::sasl {
namespace {

using Names = std::vector<std::string>;

TEST(Downgrade, TheExampleOfTheSpecification) {
  // XEP-0474 §5.3.
  const std::string text = announced_text(Names{"SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"},
                                          Names{"tls-server-end-point", "tls-exporter"});
  EXPECT_EQ(text, "SCRAM-SHA-1\x1eSCRAM-SHA-1-PLUS\x1ftls-exporter\x1etls-server-end-point");
  EXPECT_EQ(announced_hash(ScramHash::kSha1, text), "G6k/rBLDqgOhRRaCuuatSDFkJ08=");
}

TEST(Downgrade, OrderDoesNotCountAndTypesMayBeMissing) {
  EXPECT_EQ(announced_text(Names{"b", "B", "a"}, Names{"y", "x"}),
            announced_text(Names{"a", "b", "B"}, Names{"x", "y"}));
  EXPECT_EQ(announced_text(Names{"b", "B", "a"}, {}),
            "B\x1e"
            "a\x1e"
            "b");
  EXPECT_EQ(announced_text({}, {}), "");
}

struct Offer {
  std::string sent, arrived;
  bool needs_proof = false;
};

testing::Outcome login(const Offer& offer, bool* proven = nullptr) {
  SeededRandom random(3);
  MechanismChoice choice{"SCRAM-SHA-256", BindingFlag::kNotSupported, std::nullopt};
  choice.needs_offer_proof = offer.needs_proof;
  auto who = testing::credentials();
  who.announced = offer.arrived;
  auto options = testing::server_options();
  options.announced = offer.sent;
  const auto client = make_client_mechanism(choice, std::move(who), random).value();
  const auto server = make_server_mechanism(choice.mechanism, std::move(options), random).value();
  auto outcome = testing::run(*client, *server);
  if (proven != nullptr) *proven = client->offer_proven();
  return outcome;
}

TEST(Downgrade, AnOfferThatArrivedAsItWasSent) {
  bool proven = false;
  const auto outcome = login({"SCRAM-SHA-256", "SCRAM-SHA-256"}, &proven);
  EXPECT_TRUE(outcome.server && outcome.client);
  EXPECT_TRUE(proven);
}

TEST(Downgrade, AnOfferThatSomebodyShortened) {
  const auto outcome = login({"SCRAM-SHA-256\x1eSCRAM-SHA-512", "SCRAM-SHA-256"});
  EXPECT_FALSE(outcome.server);
  ASSERT_FALSE(outcome.client);
  EXPECT_EQ(outcome.client.error().code, Errc::kSaslMechanismTooWeak);
}

TEST(Downgrade, OneEndThatDoesNotKnowIt) {
  bool proven = true;
  const auto old_server = login({"", "SCRAM-SHA-256"}, &proven);
  EXPECT_TRUE(old_server.server && old_server.client);
  EXPECT_FALSE(proven);
  EXPECT_TRUE(login({"SCRAM-SHA-256", ""}).client);
  // XEP-0474 §6: where the lists are odd, the server has to vouch for them.
  EXPECT_EQ(login({"", "SCRAM-SHA-256", true}).client.error().code, Errc::kSaslMechanismTooWeak);
  EXPECT_TRUE(login({"SCRAM-SHA-256", "SCRAM-SHA-256", true}).client);
}

TEST(Downgrade, AHashThatWasChangedOnItsWay) {
  // Who is in between replaces the hash too: then the signatures do not fit.
  SeededRandom random(3);
  const MechanismChoice choice{"SCRAM-SHA-256", BindingFlag::kNotSupported, std::nullopt};
  auto who = testing::credentials();
  who.announced = "SCRAM-SHA-256";
  auto options = testing::server_options();
  options.announced = "SCRAM-SHA-256\x1eSCRAM-SHA-512";
  const auto client = make_client_mechanism(choice, std::move(who), random).value();
  const auto server = make_server_mechanism(choice.mechanism, std::move(options), random).value();
  auto step = testing::answer(*server, server->start(client->initial_response().value()));
  std::string first = std::get<Challenge>(step).data;
  const std::size_t at = first.find(",h=");
  ASSERT_NE(at, std::string::npos);
  first.replace(at + 3, std::string::npos, announced_hash(ScramHash::kSha256, "SCRAM-SHA-256"));
  const auto final = client->step(first);
  ASSERT_TRUE(final);
  EXPECT_TRUE(std::holds_alternative<Error>(server->step(*final)));
}

}  // namespace
}  // namespace balcony::sasl
