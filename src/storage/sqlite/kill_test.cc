// kill -9: a child commits and tells which batches were acknowledged, dies at a random moment, and
// each of those batches must be there once and whole.
#include "storage/test_tools.h"

#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <set>
#include <thread>

namespace balcony::storage {
namespace {

constexpr int kKills = 10;

std::string number_of(std::uint32_t batch) {
  return std::to_string(1'000'000 + batch);
}

// Commits batches `first`, `first` + 1, … in groups until it is killed.
[[noreturn]] void child(const SqliteOptions& options, std::uint32_t first, int pipe) {
  Opened<LaterWorkers> db(options);
  for (std::uint32_t batch = first;; ++batch) {
    const std::string number = number_of(batch);
    Batch entries;
    entries.add(kRomeo, op::Append{"archive", row_of(number, std::string(6'000, 'x'), "word")})
        .add(kRomeo, op::PutIfVersion{"map", number, "v", 0})
        .add("u" + number + "@x.example", op::Put{"map", "k", number});
    db.store->when(db.store->commit(std::move(entries)), [batch, pipe](Result<> done) {
      if (!done || ::write(pipe, &batch, sizeof batch) != sizeof batch) ::_exit(1);
    });
    if (batch % 16 == 0) db.run_all();
    if (batch % 400 == 0) {
      ArchiveQuery words;
      words.search = "word";
      words.limit = 1;
      static_cast<void>(db.run(db.store->page(kRomeo, "archive", words)));
    }
  }
}

TEST(SqliteKill, WhatWasAcknowledgedIsThereOnceAndWhole) {
  TempFolder folder;
  SqliteOptions options = options_in(folder);
  std::uint32_t next = 0;
  std::set<std::uint32_t> acknowledged;
  for (int round = 0; round < kKills; ++round) {
    SCOPED_TRACE(round);
    options.durability = round % 2 == 0 ? Durability::kProcess : Durability::kDisk;
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t pid = ::fork();
    if (pid == 0) child(options, next, pipe[1]);
    ASSERT_GT(pid, 0);
    ::close(pipe[1]);
    std::uint32_t batch = 0;
    ASSERT_EQ(::read(pipe[0], &batch, sizeof batch), static_cast<ssize_t>(sizeof batch))
        << "the child ended by itself";
    acknowledged.insert(batch);
    // Dies in the middle of something, whatever the machine's speed. The pipe's buffer holds what
    // comes meanwhile, and makes the child wait if it is full.
    std::this_thread::sleep_for(std::chrono::microseconds(std::rand() % 60'000));
    ::kill(pid, SIGKILL);
    while (::read(pipe[0], &batch, sizeof batch) == sizeof batch) acknowledged.insert(batch);
    ::close(pipe[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";

    Opened<InlineWorkers> db(options);
    next = *acknowledged.rbegin() + 1;
    std::set<std::string> rows;
    ArchiveQuery query;
    query.limit = 1'000;
    for (bool complete = false; !complete;) {
      const auto page = db.run(db.store->page(kRomeo, "archive", query));
      ASSERT_TRUE(page);
      for (const ArchiveRow& row : page->rows) EXPECT_TRUE(rows.insert(row.id).second) << row.id;
      complete = page->complete;
      if (!page->rows.empty()) query.after = page->rows.back().id;
    }
    for (const std::uint32_t each : acknowledged) {
      EXPECT_TRUE(rows.contains(number_of(each))) << "lost: " << each;
    }
    for (const std::string& row : rows) {
      EXPECT_EQ(db.get(kRomeo, row), "v") << "half: " << row;
      EXPECT_EQ(db.get("u" + row + "@x.example", "k"), row) << "half: " << row;
      // What was committed and not acknowledged would meet the numbers of the next child.
      if (row < number_of(next)) continue;
      next = static_cast<std::uint32_t>(std::stoul(row)) - 1'000'000 + 1;
    }
    ArchiveQuery words;
    words.search = "word";
    EXPECT_EQ(db.run(db.store->count(kRomeo, "archive", words)).value(), rows.size());
    EXPECT_EQ(db.database->counts().corrupt, 0U);
  }
  EXPECT_GT(acknowledged.size(), static_cast<std::size_t>(kKills));
}

}  // namespace
}  // namespace balcony::storage
