// user import: many accounts at once, part by part. Ready keys go straight to storage, passwords
// through the hashing pool; a line that is wrong is told by its number and the rest goes on.
#include "server/account_line.h"
#include "server/accounts.h"
#include "server/command_accounts.h"
#include "server/hop.h"
#include "server/wait_group.h"

#include "sasl/crypto.h"

#include <set>

namespace balcony::server {
namespace {

constexpr std::size_t kPartLinesMax = 10'000;
constexpr std::int64_t kProgressEvery = 20;  // passwords
// Accounts under way to storage at the same time: enough to fill its groups.
constexpr std::size_t kStoredAtOnce = 400;

struct Entry {
  std::int64_t line;
  AccountLine account;
};

struct Import {
  const CommandContext& context;
  AccountService::Put how;
  std::vector<Entry> ready;   // with keys
  std::vector<Entry> hashed;  // with passwords
  std::set<Jid> seen;
  std::int64_t imported = 0;
  std::vector<std::pair<std::int64_t, std::string>> failed;

  void note(std::int64_t line, const Result<>& outcome) {
    if (outcome) {
      ++imported;
    } else {
      failed.emplace_back(line, outcome.error().detail.empty() ? outcome.error().to_string()
                                                               : outcome.error().detail);
    }
  }
};

Result<> sort_in(Import& import, std::int64_t number, std::string_view line) {
  BALCONY_ASSIGN(AccountLine account, parse_account_line(line));
  BALCONY_CHECK(check_account(*import.context.config, account.jid));
  if (!import.seen.insert(account.jid).second) {
    return fail(Errc::kConflict, account.jid.str() + " stands here for the second time");
  }
  auto& entries = account.keys.empty() ? import.hashed : import.ready;
  entries.push_back({number, std::move(account)});
  return {};
}

Task<> store(Import& import, const Entry& entry, std::vector<storage::ScramKeys> keys) {
  const auto stored = co_await import.context.at->accounts->put_keys(entry.account.jid,
                                                                     std::move(keys), import.how);
  if (!stored && stored.error().code == Errc::kConflict) {
    import.note(entry.line, fail(Errc::kConflict, entry.account.jid.str() + " exists"));
  } else {
    import.note(entry.line, stored);
  }
}

Task<> hash_and_store(Import& import, Entry& entry) {
  ShardContext& at = *import.context.at;
  const auto iterations = static_cast<std::uint32_t>(at.config->auth.iterations);
  using Keys = Result<std::vector<storage::ScramKeys>>;
  std::function<Keys()> job = [&entry, iterations] {
    return derive_all_keys(entry.account.password, iterations, system_random());
  };
  std::optional<Keys> derived = co_await run_in<Keys>(at.shard, *at.shared.hash_pool, job);
  // Logins come first: an import waits while the queue is full.
  constexpr std::chrono::milliseconds kPause{100};
  while (!derived) {
    co_await delay_for(at.shard, kPause);
    derived = co_await run_in<Keys>(at.shard, *at.shared.hash_pool, job);
  }
  sasl::wipe(entry.account.password);
  if (*derived) {
    co_await store(import, entry, **std::move(derived));
  } else {
    import.note(entry.line, fail(derived->error()));
  }
}

void tell_progress(const Import& import, std::int64_t done, std::size_t all) {
  if (done % kProgressEvery != 0) return;
  Value progress;
  progress.set("done", done);
  progress.set("of", all);
  import.context.progress(std::move(progress));
}

Task<> store_all(Import& import) {
  const std::function<Task<>(std::size_t)> store_one = [&import](std::size_t i) {
    return store(import, import.ready[i], import.ready[i].account.keys);
  };
  co_await run_all(import.ready.size(), kStoredAtOnce, store_one);
  std::int64_t done = 0;
  const std::function<Task<>(std::size_t)> hash_one = [&import, &done](std::size_t i) -> Task<> {
    return [](Import& all, std::size_t index, std::int64_t& count) -> Task<> {
      co_await hash_and_store(all, all.hashed[index]);
      tell_progress(all, ++count, all.hashed.size());
    }(import, i, done);
  };
  // A few more than threads, so that none of them waits for the loop.
  const auto threads = static_cast<std::size_t>(import.context.config->auth.hash_threads);
  co_await run_all(import.hashed.size(), 2 * threads, hash_one);
}

// Whether an account came without keys for a hash that its host offers: the offer must shrink now.
bool offers_too_much(const Import& import) {
  const SharedContext::Offers& offers = *import.context.at->offers;
  for (const Entry& entry : import.ready) {
    const auto offer = offers.find(std::string(entry.account.jid.domain()));
    if (offer == offers.end()) continue;
    unsigned bits = offer->second->bits.load(std::memory_order_relaxed);
    for (const storage::ScramKeys& keys : entry.account.keys) {
      bits &= ~(1U << static_cast<unsigned>(*sasl::scram_hash(keys.hash)));
    }
    if (bits != 0) return true;
  }
  return false;
}

Task<Result<Value>> import_accounts(const CommandContext& context, const CommandArgs& args) {
  using Put = AccountService::Put;
  const Lines part = args.lines("file");
  if (part.lines.size() > kPartLinesMax) {
    co_return fail(Errc::kUsage, "a part has at most 10000 lines");
  }
  const Put how = args.flag("replace") ? Put::kCreateOrReplace : Put::kCreate;
  Import import{context, how, {}, {}, {}, 0, {}};
  for (std::size_t i = 0; i < part.lines.size(); ++i) {
    if (part.lines[i].empty() || part.lines[i] == "\r") continue;
    const std::int64_t number = part.first + static_cast<std::int64_t>(i);
    if (auto sorted = sort_in(import, number, part.lines[i]); !sorted) import.note(number, sorted);
  }
  co_await store_all(import);
  if (!part.more || offers_too_much(import)) {
    // All hosts at the end: earlier parts may have been about others.
    for (const HostConfig& host : context.config->hosts) {
      co_await context.at->accounts->refresh_offer(host.domain);
    }
  }
  std::ranges::sort(import.failed);
  for (const auto& [line, why] : import.failed) {
    Value row;
    row.set("line", line);
    row.set("problem", why);
    co_await context.row(std::move(row));
  }
  Value result;
  result.set("imported", import.imported);
  result.set("failed", import.failed.size());
  co_return result;
}

}  // namespace

CommandSpec import_command() {
  return {"user import",
          "Makes many accounts: lines of an address, a tabulator and a password or SCRAM keys.",
          {{"file", ArgType::kLines, "The file; - is standard input."},
           {"replace", ArgType::kFlag, "Accounts that exist get the new password or keys.", false}},
          "accounts imported: {imported}; lines that failed: {failed}",
          {"user import accounts.tsv", "user import - <accounts.tsv"},
          Role::kOperator,
          Needs::kAccounts,
          import_accounts};
}

}  // namespace balcony::server
