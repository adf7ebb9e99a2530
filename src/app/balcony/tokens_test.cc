#include "app/balcony/tokens.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <stdlib.h>
#include <sys/stat.h>

namespace balcony::cli {
namespace {

class TokensTest : public testing::Test {
 protected:
  TokensTest() {
    std::string name = testing::TempDir() + "/balcony_tokens_XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~TokensTest() override { std::filesystem::remove_all(folder_); }

  std::string file(int n = 1) const {
    return folder_ + "/tokens/alice@example.org/" + std::to_string(n);
  }
  std::optional<TokenSlot> take() const { return TokenSlot::take(folder_, "alice@example.org"); }

  static LoginToken token() {
    LoginToken token;
    token.mechanism = "HT-SHA-256-NONE";
    token.token = "secret";
    token.expiry = decltype(token.expiry)(std::chrono::milliseconds(1'800'000'000'123));
    return token;
  }

  std::string folder_;
};

TEST_F(TokensTest, ATokenComesBackWithItsId) {
  std::string id;
  {
    auto slot = take();
    ASSERT_TRUE(slot);
    EXPECT_FALSE(slot->token());
    id = slot->id();
    ASSERT_TRUE(slot->keep(token()));
  }
  struct stat status{};
  ASSERT_EQ(::stat(file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  auto again = take();
  ASSERT_TRUE(again && again->token());
  EXPECT_EQ(again->id(), id);
  EXPECT_EQ(again->token()->mechanism, "HT-SHA-256-NONE");
  EXPECT_EQ(again->token()->token, "secret");
  EXPECT_EQ(again->token()->expiry, token().expiry);
  ClientOptions options(Jid::parse("alice@example.org").value(), "");
  again->use(options);
  EXPECT_EQ(options.user_agent_id, id);
  EXPECT_TRUE(options.want_token && options.token);
  // One that the server refused is gone; who we are stays.
  ASSERT_TRUE(again->keep(std::nullopt));
  again.reset();
  const auto without = take();
  EXPECT_FALSE(without->token());
  EXPECT_EQ(without->id(), id);
}

TEST_F(TokensTest, TwoProcessesAreTwoClients) {
  const auto first = take();
  const auto second = take();
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->id(), second->id());
  std::vector<std::optional<TokenSlot>> more;
  while (more.size() < 20) {
    more.push_back(take());
    if (!more.back()) break;
  }
  EXPECT_EQ(more.size(), 7U) << "six more, and then none";
}

TEST_F(TokensTest, WhatOthersCanReadOrNobodyUnderstandsIsNotUsed) {
  std::string id;
  {
    auto slot = take();
    ASSERT_TRUE(slot->keep(token()));
    id = slot->id();
  }
  ::chmod(file().c_str(), 0644);
  EXPECT_FALSE(take()->token());
  ::chmod(file().c_str(), 0600);
  EXPECT_TRUE(take()->token());
  std::ofstream(file()) << id << "\nHT-SHA-256-NONE\nsecret\nsoon\n";
  EXPECT_FALSE(take()->token());
  EXPECT_EQ(take()->id(), id);
  std::ofstream(file()) << "nonsense\n";
  EXPECT_NE(take()->id(), "nonsense");
}

TEST_F(TokensTest, LogoutForgetsAll) {
  ASSERT_TRUE(take()->keep(token()));
  forget_tokens(folder_, "alice@example.org");
  EXPECT_FALSE(std::filesystem::exists(file()));
  EXPECT_FALSE(take()->token());
}

}  // namespace
}  // namespace balcony::cli
