#include "server/token_slots.h"

#include <gtest/gtest.h>

namespace balcony::server {
namespace {

using std::chrono_literals::operator""h;

constexpr WallTime kNow{std::chrono::milliseconds(1'700'000'000'000)};

StoredToken token(std::string text, WallTime issued = kNow,
                  std::string mechanism = "HT-SHA-256-NONE") {
  return {std::move(mechanism), std::move(text), issued, issued + 24h * 14, 0};
}

sasl::VerifyToken proof_of(std::string_view text, std::string_view mechanism = "HT-SHA-256-NONE") {
  const auto name = sasl::ht_name(mechanism).value();
  return {"juliet", name, "", sasl::ht_initiator_proof(name.hash, text, "")};
}

TokenClient with(std::optional<StoredToken> current, std::optional<StoredToken> fresh = {}) {
  TokenClient client;
  client.current = std::move(current);
  client.fresh = std::move(fresh);
  return client;
}

TEST(TokenSlots, ATokenIsUsedAgainAndAgain) {
  auto client = with(token("a"));
  for (int i = 0; i < 3; ++i) {
    const auto verdict = use_token(client, proof_of("a"), {}, kNow);
    EXPECT_EQ(verdict.token, "a");
    EXPECT_FALSE(verdict.changed || verdict.rotate || verdict.expired || verdict.forget);
  }
}

TEST(TokenSlots, TheOldOneIsValidUntilTheNewOneIsUsed) {
  // XEP-0484 §3.5, §5.1.
  auto client = with(token("old"));
  issue_token(client, token("new"));
  EXPECT_EQ(use_token(client, proof_of("old"), {}, kNow).token, "old");
  const auto verdict = use_token(client, proof_of("new"), {}, kNow);
  EXPECT_EQ(verdict.token, "new");
  EXPECT_TRUE(verdict.changed);
  EXPECT_FALSE(use_token(client, proof_of("old"), {}, kNow).token);
  EXPECT_EQ(use_token(client, proof_of("new"), {}, kNow).token, "new");
  // One that was never used is replaced.
  issue_token(client, token("lost"));
  issue_token(client, token("newer"));
  EXPECT_FALSE(use_token(client, proof_of("lost"), {}, kNow).token);
  EXPECT_EQ(use_token(client, proof_of("new"), {}, kNow).token, "new");
  EXPECT_EQ(use_token(client, proof_of("newer"), {}, kNow).token, "newer");
}

TEST(TokenSlots, WhatDoesNotFit) {
  auto client = with(token("a"), token("b", kNow, "HT-SHA-512-NONE"));
  EXPECT_FALSE(use_token(client, proof_of("forged"), {}, kNow).token);
  EXPECT_FALSE(use_token(client, proof_of(""), {}, kNow).token);
  // Tokens belong to their mechanism.
  EXPECT_FALSE(use_token(client, proof_of("a", "HT-SHA-512-NONE"), {}, kNow).token);
  EXPECT_FALSE(use_token(client, proof_of("b"), {}, kNow).token);
  EXPECT_EQ(use_token(client, proof_of("b", "HT-SHA-512-NONE"), {}, kNow).token, "b");
  TokenClient nobody;
  EXPECT_FALSE(use_token(nobody, proof_of("a"), {}, kNow).token);
}

TEST(TokenSlots, TimeGoesBy) {
  auto client = with(token("a"));
  EXPECT_FALSE(use_token(client, proof_of("a"), {}, kNow + 23h).rotate);
  EXPECT_TRUE(use_token(client, proof_of("a"), {}, kNow + 24h).rotate);
  const auto late = use_token(client, proof_of("a"), {}, kNow + 24h * 14);
  EXPECT_TRUE(late.expired);
  EXPECT_FALSE(late.token);
  // Who has not got it does not learn that it is too old.
  EXPECT_FALSE(use_token(client, proof_of("forged"), {}, kNow + 24h * 14).expired);
}

TEST(TokenSlots, ACountIsSpentOnce) {
  auto client = with(token("a"));
  const auto use = [&](std::uint32_t count) {
    return use_token(client, proof_of("a"), {.count = count}, kNow).token.has_value();
  };
  EXPECT_TRUE(use(1));
  EXPECT_FALSE(use(1));
  EXPECT_TRUE(use(5));
  EXPECT_FALSE(use(4));
  EXPECT_FALSE(use(5));
  EXPECT_TRUE(use(6));
  EXPECT_EQ(client.current->count, 6U);
}

TEST(TokenSlots, InvalidatingForgetsTheClient) {
  auto client = with(token("a"));
  const auto verdict = use_token(client, proof_of("a"), {.count = {}, .invalidate = true}, kNow);
  EXPECT_TRUE(verdict.token);
  EXPECT_TRUE(verdict.forget);
  EXPECT_FALSE(use_token(client, proof_of("x"), {.count = {}, .invalidate = true}, kNow).forget);
}

TEST(TokenSlots, KeptAsText) {
  auto client = with(token("a"), token("b<&>'", kNow + 1h, "HT-SHA-512-EXPR"));
  client.software = "A & B";
  client.device = "Kiva's \"Phone\"";
  client.current->count = 7;
  const auto again = TokenClient::parse(client.to_text());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->to_text(), client.to_text());
  EXPECT_EQ(again->software, client.software);
  EXPECT_EQ(again->device, client.device);
  EXPECT_EQ(again->current->count, 7U);
  EXPECT_EQ(again->fresh->token, "b<&>'");
  EXPECT_EQ(again->expiry(), client.fresh->expiry);
  EXPECT_EQ(TokenClient::parse(TokenClient{}.to_text())->expiry(), WallTime{});
  for (const std::string_view bad :
       {"", "<x", "<client xmlns='balcony:tokens'><current/></client>",
        "<client xmlns='balcony:tokens'><fresh mechanism='m' issued='2020-03-12T14:36:15Z' "
        "expiry='2020-03-12T14:36:15Z' count='x'>t</fresh></client>"}) {
    EXPECT_FALSE(TokenClient::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace balcony::server
