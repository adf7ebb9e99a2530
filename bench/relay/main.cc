// bench_relay: the least that a server for chat can do, to compare with.
//
//   bench_relay [PORT]      prints the port that it listens on
//
// One thread, epoll. It answers the login with canned bytes, remembers the full JID, and forwards
// each complete <message> to the connection that a hash table names for its `to`. It parses no XML,
// checks no password, stamps no `from`, has no TLS. What it costs is mostly the kernel's work; no
// server that reads and writes each message once can cost less by much.
#include "bench/relay/relay.h"

#include <charconv>
#include <cstdio>
#include <string_view>

int main(int argc, char** argv) {
  int port = 0;
  const std::string_view text = argc > 1 ? argv[1] : "0";
  std::from_chars(text.data(), text.data() + text.size(), port);
  balcony::bench::Relay relay;
  const int listens = relay.listen(port);
  if (listens < 0) {
    std::perror("bench_relay");
    return 1;
  }
  std::printf("%d\n", listens);
  std::fflush(stdout);
  relay.run();
}
