// bench_accounts: makes accounts u0, u1, … for a benchmark, all with one password.
//
//   bench_accounts DATA HOST COUNT PASSWORD
//
// Writes DATA/balcony.sqlite, while no server runs on it. The keys are derived once, since it is
// not the making of accounts that is measured; real accounts have a salt of their own each.
#include "base/log.h"
#include "base/random.h"
#include "net/shard.h"
#include "net/thread_pool.h"
#include "server/accounts.h"
#include "storage/storage.h"

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

namespace balcony::bench {
namespace {

Result<> make(const std::string& folder, const std::string& host, int count,
              const std::string& password) {
  ThreadPool writer(1, 1'000);
  ThreadPool reader(1, 1'000);
  storage::SqliteOptions options;
  options.path = folder + "/balcony.sqlite";
  BALCONY_ASSIGN(const auto database, storage::open_sqlite_database(options, writer, reader));
  BALCONY_ASSIGN(const auto keys, server::derive_all_keys(password, 10'000, system_random()));
  Shard shard;
  Result<> outcome;
  std::unique_ptr<storage::Store> store;
  shard.post([&] {
    store = database->open(shard);
    storage::Batch batch;
    for (int i = 0; i < count; ++i) {
      storage::Account account;
      account.user = "u" + std::to_string(i);
      account.keys = keys;
      account.created = shard.clock().wall();
      batch.add(host, storage::op::PutAccount{std::move(account)});
    }
    store->when(store->commit(std::move(batch)), [&](Result<> done) {
      outcome = std::move(done);
      shard.stop();
    });
  });
  shard.run();
  store.reset();
  return outcome;
}

int run(char** argv) {
  std::error_code error;
  std::filesystem::create_directories(argv[1], error);
  int count = 0;
  const std::string_view text = argv[3];
  std::from_chars(text.data(), text.data() + text.size(), count);
  auto made = make(argv[1], argv[2], count, argv[4]);
  if (made) return 0;
  std::fprintf(stderr, "bench_accounts: %s\n", made.error().to_string().c_str());
  return 1;
}

}  // namespace
}  // namespace balcony::bench

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: bench_accounts DATA HOST COUNT PASSWORD\n", stderr);
    return 2;
  }
  balcony::set_log_level(balcony::LogLevel::kWarning);
  return balcony::bench::run(argv);
}
