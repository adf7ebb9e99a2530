// What balcony_bench was told to do. Plain values, read by all of it.
#pragma once

#include <balcony/jid.h>
#include <balcony/result.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace balcony::bench {

struct Options {
  std::string scenario;  // "chat", "ping", "idle", "login", "contacts" or "storm"

  std::string address = "127.0.0.1";
  std::uint16_t port = 5222;
  std::string users = "u%d@localhost";  // %d: the number of the account, from 0
  std::string users_file;               // lines of "JID password"; then `users` does not count
  // Every second account, the receivers of chat, at another server (with another domain).
  std::uint16_t far_port = 0;  // 0: there is none
  std::string far_users = "u%d@far.example";
  int far_pid = 0;  // its CPU time is added
  std::string password = "secret";
  std::string mechanism = "PLAIN";  // or "SCRAM": the strongest SCRAM that is offered
  bool tls = false;                 // STARTTLS; any certificate will do
  bool managed = false;             // XEP-0198, with <r/> after every fifth stanza
  bool presence = false;            // initial presence after binding
  std::size_t parallel = 32;        // logins under way at a time

  std::size_t sessions = 100;  // chat: 2 a pair; login: in each round
  std::size_t in_flight = 1;   // requests of each pair or session that are under way
  std::size_t rate = 0;        // chat: messages a second of all pairs together; 0: by in_flight
  std::size_t contacts = 20;   // contacts, storm: of each account
  std::size_t body = 100;      // bytes
  std::chrono::milliseconds warm_up{1000};
  std::chrono::milliseconds duration{5000};
  std::size_t messages = 0;  // end after so many instead of after `duration`
  std::size_t rounds = 2;    // login: the second finds caches warm

  int pid = 0;        // of the server, for its CPU time and memory; 0: not told
  bool json = false;  // one JSON object instead of lines
};

struct Account {
  Jid jid;
  std::string password;
};

// Whether this account is at the other server.
inline bool is_far(const Options& options, std::size_t account) {
  return options.far_port != 0 && account % 2 == 1;
}

// The first `count` accounts, each with the resource "bench". Errors: kNotFound: the file has not
// so many; kMalformed: an address is none.
Result<std::vector<Account>> accounts(const Options& options, std::size_t count);

}  // namespace balcony::bench
