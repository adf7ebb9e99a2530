#include "gateway/mail/attachment_store.h"

#include <gmock/gmock.h>

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace balcony::gateway::mail {
namespace {

using ::testing::EndsWith;
namespace fs = std::filesystem;

struct AttachmentStoreTest : ::testing::Test {
  AttachmentStoreTest() {
    std::string pattern = (fs::temp_directory_path() / "attachments-XXXXXX").string();
    base = ::mkdtemp(pattern.data());
  }
  ~AttachmentStoreTest() override { fs::remove_all(base); }

  std::string read(const std::string& saved) const {
    std::ifstream file(folder() + "/" + saved, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string folder() const { return base + "/folder"; }
  static unsigned mode(const std::string& path) {
    struct stat status{};
    ::stat(path.c_str(), &status);
    return status.st_mode & 0777U;
  }

  std::string base;
  SeededRandom random{1};
};

TEST_F(AttachmentStoreTest, SavesForOneselfAlone) {
  auto store = AttachmentStore::open(folder(), 1'000, random).value();
  const std::string content("rose\0\r\n", 7);
  const auto saved = store.save("rose.bin", content);
  ASSERT_TRUE(saved);
  EXPECT_THAT(*saved, EndsWith("-rose.bin"));
  EXPECT_EQ(read(*saved), content);
  EXPECT_EQ(mode(folder()), 0700U);
  EXPECT_EQ(mode(folder() + "/" + *saved), 0600U);
  EXPECT_NE(store.save("rose.bin", "another").value(), *saved);
}

TEST_F(AttachmentStoreTest, ANameIsOnlyAName) {
  auto store = AttachmentStore::open(folder(), 1'000, random).value();
  for (const std::string_view name : {"../../etc/passwd", "/etc/passwd", "..", ".", "", "a/b\\c",
                                      "\u00e9\u202egpj.exe", "a\nb", "-rf *"}) {
    const auto saved = store.save(name, "x");
    ASSERT_TRUE(saved) << name;
    EXPECT_EQ(saved->find_first_of("/\\ \n*"), std::string::npos) << *saved;
    EXPECT_EQ(read(*saved), "x") << *saved;
  }
  EXPECT_LT(store.save(std::string(5'000, 'a'), "x").value().size(), 100U);
}

TEST_F(AttachmentStoreTest, IsBounded) {
  auto store = AttachmentStore::open(folder(), 10, random).value();
  const auto first = store.save("a", "123456");
  ASSERT_TRUE(first);
  EXPECT_EQ(store.save("b", "12345").error().code, Errc::kResourceConstraint);
  EXPECT_EQ(store.save("c", std::string(11, 'x')).error().code, Errc::kResourceConstraint);
  EXPECT_TRUE(store.save("d", "1234"));
  // Also what is there from before counts, and what was taken away does not.
  auto again = AttachmentStore::open(folder(), 10, random).value();
  EXPECT_FALSE(again.save("e", "1"));
  again.remove(*first);
  EXPECT_TRUE(again.save("f", "123456"));
  EXPECT_FALSE(AttachmentStore::open(base + "/no/such", 10, random));
}

}  // namespace
}  // namespace balcony::gateway::mail
