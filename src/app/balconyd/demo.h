// balconyd --demo: a server on loopback to play with, two accounts, nothing left behind.
#pragma once

#include "server/config_reader.h"
#include "server/server.h"

#include <balcony/result.h>

#include <filesystem>
#include <string>
#include <vector>

namespace balcony::app {

struct DemoOptions {
  std::string data;           // empty: in memory and a temporary folder
  std::uint16_t port = 5222;  // the first that is tried; direct TLS has the next
};

class Demo {
 public:
  // Finds free ports and a folder. Errors: kIo.
  static Result<Demo> prepare(const DemoOptions& options);
  Demo(Demo&& other) noexcept;
  // Removes the temporary folder.
  ~Demo();

  // The configuration as a file would have it.
  const std::string& text() const { return text_; }
  // Makes the accounts that are not there yet. Errors: kIo, storage errors.
  Result<> make_accounts(server::Server& server);
  // What runs, where, and what to try.
  std::string banner() const;

 private:
  struct Account {
    std::string jid;
    std::string password;
  };

  Demo() = default;
  Result<> load_passwords();

  std::filesystem::path data_;
  bool temporary_ = false;
  std::uint16_t port_ = 0;
  std::uint16_t tls_port_ = 0;
  std::uint16_t metrics_port_ = 0;  // 0: the system chooses
  std::string text_;
  std::vector<Account> accounts_;
};

}  // namespace balcony::app
