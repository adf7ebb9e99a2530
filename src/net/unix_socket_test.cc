#include "net/unix_socket.h"

#include "net/test_support.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace balcony {
namespace {

class UnixListenerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "unix-socket-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<std::unique_ptr<UnixListener>> listen(const std::string& group) {
    return UnixListener::listen(shards_.at(0), path(), group, [](const ConnectionPtr&) {});
  }
  std::string path() const { return folder_ + "/s"; }
  struct stat file() const {
    struct stat found{};
    EXPECT_EQ(::lstat(path().c_str(), &found), 0);
    return found;
  }

  ShardSet shards_{1};
  std::string folder_;
};

TEST_F(UnixListenerTest, IsOpenToItsUserOnly) {
  const auto listener = listen("");
  ASSERT_TRUE(listener) << listener.error().to_string();
  EXPECT_EQ(file().st_mode & 0777, 0600U);
}

TEST_F(UnixListenerTest, IsOpenToAGroup) {
  const struct group* own = ::getgrgid(::getegid());
  if (!own) GTEST_SKIP() << "the group of this process has no name";
  const auto listener = listen(own->gr_name);
  ASSERT_TRUE(listener) << listener.error().to_string();
  EXPECT_EQ(file().st_mode & 0777, 0660U);
  EXPECT_EQ(file().st_gid, ::getegid());
}

TEST_F(UnixListenerTest, AGroupThatIsNotThereLeavesNothing) {
  EXPECT_EQ(listen("no-such-group-here").error().code, Errc::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

}  // namespace
}  // namespace balcony
