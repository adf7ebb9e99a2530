// The accounts that `balcony login` has stored: $XDG_CONFIG_HOME/balcony/accounts.toml, and for
// each where its password comes from. What is in the file is written by people too: every problem
// is said with the file's name. One thread.
#pragma once

#include <balcony/result.h>

#include <map>
#include <string>
#include <string_view>

namespace balcony::cli {

struct Account {
  std::string server;   // as --server; empty: what DNS says
  std::string ca_file;  // as --ca
  std::string tls;      // as --tls; empty: starttls
  // Where the password comes from; the first that is not empty.
  std::string password_file;     // its first line
  std::string password_env;      // a variable of the environment
  std::string password_command;  // what it prints; "pass show xmpp/alice"

  friend bool operator==(const Account&, const Account&) = default;
};

struct Accounts {
  std::string standard;                   // used where none is named; empty: there is none
  std::map<std::string, Account> by_jid;  // by bare JID

  // The account for `name`: a bare JID, or its localpart where that says which. Null: none.
  const std::pair<const std::string, Account>* find(std::string_view name) const;
};

// $XDG_CONFIG_HOME/balcony, else ~/.config/balcony. Errors: kUsage: neither is known.
Result<std::string> config_folder();

// Reads accounts.toml in `folder`; no file is no account. Errors: kConfig.
Result<Accounts> load_accounts(const std::string& folder);
// Writes it, with mode 600 in a folder of mode 700; whole or not at all. Errors: kIo.
Result<> save_accounts(const std::string& folder, const Accounts& accounts);

// Keeps a password in a file of mode 600 of its own. Returns the file's path. Errors: kIo.
Result<std::string> store_secret(const std::string& folder, const std::string& jid,
                                 std::string_view password);
// The password of an account. Errors: kUsage: it cannot be had, and why; also when the file may be
// read by others.
Result<std::string> read_secret(const Account& account);

// A folder of mode 700, with those above it. Errors: kIo.
Result<> make_private_folder(const std::string& folder);
// A file of mode 600 that takes an old one's place when it is whole. Errors: kIo.
Result<> write_private(const std::string& path, std::string_view text);

// The first line of a file; for passwords. Errors: kUsage.
Result<std::string> first_line_of(const std::string& path);

}  // namespace balcony::cli
