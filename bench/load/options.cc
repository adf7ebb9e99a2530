#include "bench/load/options.h"

#include <fstream>

namespace balcony::bench {
namespace {

Result<Account> account(const std::string& jid, std::string password) {
  auto full = Jid::parse(jid + "/bench");
  if (!full) return fail(Errc::kMalformed, jid + ": " + full.error().to_string());
  return Account{*std::move(full), std::move(password)};
}

}  // namespace

Result<std::vector<Account>> accounts(const Options& options, std::size_t count) {
  std::vector<Account> all;
  if (!options.users_file.empty()) {
    std::ifstream file(options.users_file);
    std::string jid;
    std::string password;
    while (all.size() < count && file >> jid >> password) {
      BALCONY_ASSIGN(Account next, account(jid, password));
      all.push_back(std::move(next));
    }
    if (all.size() < count) return fail(Errc::kNotFound, "too few users in the file");
    return all;
  }
  for (std::size_t i = 0; i < count; ++i) {
    std::string jid = is_far(options, i) ? options.far_users : options.users;
    const std::size_t place = jid.find("%d");
    if (place == std::string::npos) return fail(Errc::kMalformed, "--users needs a %d");
    jid.replace(place, 2, std::to_string(i));
    BALCONY_ASSIGN(Account next, account(jid, options.password));
    all.push_back(std::move(next));
  }
  return all;
}

}  // namespace balcony::bench
