#include "app/balcony/accounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

namespace balcony::cli {
namespace {

using ::testing::HasSubstr;

// A folder that goes with the test.
struct Folder {
  Folder() {
    char name[] = "/tmp/balcony-accounts-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  void put(const std::string& file, const std::string& text) const {
    std::ofstream(path + "/" + file) << text;
  }
  std::string path;
};

unsigned mode_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 0777;
}

TEST(Accounts, AreReadAsTheyWereWritten) {
  const Folder folder;
  const std::string place = folder.path + "/deeper/balcony";
  EXPECT_TRUE(load_accounts(place)->by_jid.empty());
  Accounts accounts;
  accounts.standard = "alice@example.org";
  accounts.by_jid["alice@example.org"] = {"h:1", "/ca \"x\".pem", "direct", "/secret", "", ""};
  accounts.by_jid
      ["b\xC3\xB6"
       "b@example.org"] = {"", "", "", "", "", "pass show 'bob'"};
  ASSERT_TRUE(save_accounts(place, accounts));
  const auto read = load_accounts(place);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->standard, accounts.standard);
  EXPECT_EQ(read->by_jid, accounts.by_jid);
  EXPECT_EQ(mode_of(place + "/accounts.toml"), 0600u);
  EXPECT_EQ(mode_of(place), 0700u);
}

TEST(Accounts, AreFoundByJidOrName) {
  Accounts accounts;
  accounts.by_jid["alice@example.org"];
  accounts.by_jid["bob@example.org"];
  accounts.by_jid["bob@example.net"];
  ASSERT_NE(accounts.find("alice"), nullptr);
  EXPECT_EQ(accounts.find("alice")->first, "alice@example.org");
  EXPECT_EQ(accounts.find("bob"), nullptr);
  EXPECT_EQ(accounts.find("bob@example.net")->first, "bob@example.net");
  EXPECT_EQ(accounts.find("ali"), nullptr);
}

TEST(Accounts, ProblemsNameTheirPlace) {
  const Folder folder;
  folder.put("accounts.toml", "default = \"a@b\"\n[accounts.\"a@b\"]\nsrever = \"x\"\n");
  EXPECT_THAT(load_accounts(folder.path).error().detail, HasSubstr("'srever' of a@b"));
  folder.put("accounts.toml", "default = \n");
  EXPECT_THAT(load_accounts(folder.path).error().detail, HasSubstr("accounts.toml:1"));
}

TEST(Accounts, SecretsAreForTheOwner) {
  const Folder folder;
  const auto path = store_secret(folder.path, "alice@example.org", "under the balcony");
  ASSERT_TRUE(path);
  EXPECT_EQ(mode_of(*path), 0600u);
  Account account;
  account.password_file = *path;
  EXPECT_EQ(read_secret(account).value(), "under the balcony");
  ::chmod(path->c_str(), 0644);
  EXPECT_THAT(read_secret(account).error().detail, HasSubstr("chmod 600"));
}

TEST(Accounts, SecretsFromElsewhere) {
  Account account;
  EXPECT_FALSE(read_secret(account));
  account.password_command = "printf 'from a command\\nsecond line\\n'";
  EXPECT_EQ(read_secret(account).value(), "from a command");
  account.password_command = "false";
  EXPECT_FALSE(read_secret(account));
  account.password_env = "BALCONY_TEST_SECRET";
  EXPECT_THAT(read_secret(account).error().detail, HasSubstr("$BALCONY_TEST_SECRET"));
  ::setenv("BALCONY_TEST_SECRET", "from the environment", 1);
  EXPECT_EQ(read_secret(account).value(), "from the environment");
  ::unsetenv("BALCONY_TEST_SECRET");
}

}  // namespace
}  // namespace balcony::cli
