#include "app/balcony/accounts.h"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace balcony::cli {
namespace {

// The keys of an account, as they are in the file.
constexpr std::pair<const char*, std::string Account::*> kKeys[] = {
    {"server", &Account::server},
    {"ca", &Account::ca_file},
    {"tls", &Account::tls},
    {"password_file", &Account::password_file},
    {"password_env", &Account::password_env},
    {"password_command", &Account::password_command},
};

std::unexpected<Error> io_error(const std::string& what, const std::string& path) {
  return fail(Errc::kIo, "cannot " + what + " " + path + ": " + std::strerror(errno));
}

Result<std::string> output_of(const std::string& command) {
  std::FILE* const pipe = ::popen(command.c_str(), "re");
  if (pipe == nullptr) return fail(Errc::kUsage, "cannot run " + command);
  std::string line;
  for (int c = std::fgetc(pipe); c != EOF && c != '\n'; c = std::fgetc(pipe)) {
    line += static_cast<char>(c);
  }
  while (std::fgetc(pipe) != EOF) {
  }
  if (::pclose(pipe) != 0 || line.empty()) {
    return fail(Errc::kUsage, "the command for the password gave none: " + command);
  }
  return line;
}

Result<Accounts> read_accounts(const toml::table& table, const std::string& path) {
  Accounts accounts;
  accounts.standard = table["default"].value_or(std::string());
  const toml::table* const all = table["accounts"].as_table();
  if (all == nullptr) return accounts;
  for (const auto& [jid, node] : *all) {
    const toml::table* const entry = node.as_table();
    if (entry == nullptr) return fail(Errc::kConfig, path + ": accounts are tables");
    Account account;
    for (const auto& [key, value] : *entry) {
      const auto known = std::ranges::find_if(kKeys, [&](auto& k) { return key.str() == k.first; });
      if (known == std::end(kKeys) || !value.is_string()) {
        return fail(Errc::kConfig, path + ": '" + std::string(key.str()) + "' of " +
                                       std::string(jid.str()) + " is no setting of an account");
      }
      account.*(known->second) = value.value_or(std::string());
    }
    accounts.by_jid.emplace(jid.str(), std::move(account));
  }
  return accounts;
}

}  // namespace

Result<> make_private_folder(const std::string& folder) {
  const auto parent = folder.rfind('/');
  if (parent != std::string::npos && parent > 0 && ::access(folder.c_str(), F_OK) != 0) {
    BALCONY_CHECK(make_private_folder(folder.substr(0, parent)));
  }
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return io_error("make", folder);
  return {};
}

Result<> write_private(const std::string& path, std::string_view text) {
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return io_error("write", fresh);
  const bool written = ::write(file, text.data(), text.size()) == std::ssize(text);
  const bool good = ::fsync(file) == 0 && written;
  ::close(file);
  if (!good || ::rename(fresh.c_str(), path.c_str()) != 0) return io_error("write", path);
  return {};
}

const std::pair<const std::string, Account>* Accounts::find(std::string_view name) const {
  const std::pair<const std::string, Account>* found = nullptr;
  for (const auto& entry : by_jid) {
    if (entry.first == name) return &entry;
    if (!entry.first.starts_with(std::string(name) + "@")) continue;
    if (found != nullptr) return nullptr;  // two of that name
    found = &entry;
  }
  return found;
}

Result<std::string> config_folder() {
  const char* const base = std::getenv("XDG_CONFIG_HOME");
  if (base != nullptr && *base == '/') return std::string(base) + "/balcony";
  const char* const home = std::getenv("HOME");
  if (home == nullptr || *home == 0) {
    return fail(Errc::kUsage, "no place for accounts: set HOME or XDG_CONFIG_HOME");
  }
  return std::string(home) + "/.config/balcony";
}

Result<Accounts> load_accounts(const std::string& folder) {
  const std::string path = folder + "/accounts.toml";
  std::ifstream file(path);
  if (!file) return Accounts{};
  std::stringstream text;
  text << file.rdbuf();
  const toml::parse_result parsed = toml::parse(text.str(), path);
  if (!parsed) {
    const auto& where = parsed.error().source().begin;
    return fail(Errc::kConfig, path + ":" + std::to_string(where.line) + ": " +
                                   std::string(parsed.error().description()));
  }
  return read_accounts(parsed.table(), path);
}

Result<> save_accounts(const std::string& folder, const Accounts& accounts) {
  toml::table all;
  for (const auto& [jid, account] : accounts.by_jid) {
    toml::table entry;
    for (const auto& [key, member] : kKeys) {
      if (!(account.*member).empty()) entry.insert(key, account.*member);
    }
    all.insert(jid, std::move(entry));
  }
  toml::table table;
  if (!accounts.standard.empty()) table.insert("default", accounts.standard);
  table.insert("accounts", std::move(all));
  std::ostringstream text;
  text << "# Accounts of `balcony`; see balcony login --help.\n" << table << '\n';
  BALCONY_CHECK(make_private_folder(folder));
  return write_private(folder + "/accounts.toml", text.str());
}

Result<std::string> store_secret(const std::string& folder, const std::string& jid,
                                 std::string_view password) {
  BALCONY_CHECK(make_private_folder(folder + "/secrets"));
  std::string path = folder + "/secrets/" + jid;
  BALCONY_CHECK(write_private(path, std::string(password) + "\n"));
  return path;
}

Result<std::string> first_line_of(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line)) {
    return fail(Errc::kUsage, "cannot read a password from " + path);
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

Result<std::string> read_secret(const Account& account) {
  if (!account.password_file.empty()) {
    struct stat status{};
    if (::stat(account.password_file.c_str(), &status) == 0 && (status.st_mode & 077) != 0) {
      return fail(Errc::kUsage, "others can read " + account.password_file + "; say: chmod 600 " +
                                    account.password_file);
    }
    return first_line_of(account.password_file);
  }
  if (!account.password_env.empty()) {
    const char* const value = std::getenv(account.password_env.c_str());
    if (value != nullptr) return std::string(value);
    return fail(Errc::kUsage,
                "the password is to be in $" + account.password_env + ", which is not set");
  }
  if (!account.password_command.empty()) return output_of(account.password_command);
  return fail(Errc::kUsage, "the account says not where its password is; balcony login anew");
}

}  // namespace balcony::cli
