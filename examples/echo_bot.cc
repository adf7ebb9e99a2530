// Says back what it is told: example_echo_bot user@example.org, with BALCONY_PASSWORD set.
#include <balcony/client.h>

#include <cstdio>
#include <cstdlib>

balcony::Task<int> echo(balcony::ClientOptions options) {
  options.reconnect = true;
  balcony::Client bot(std::move(options));
  bot.on_message([&](const balcony::Message& message) {
    if (message.type != "error") (void)bot.send_message(message.from, message.body, message.type);
  });
  const auto connected = co_await bot.connect();
  if (!connected) std::fprintf(stderr, "%s\n", connected.error().to_string().c_str());
  if (!connected) co_return 1;
  (void)bot.send_presence();
  std::fprintf(stderr, "%s\n", (co_await bot.closed()).to_string().c_str());
  co_return 0;
}

int main(int argc, char** argv) {
  const char* password = std::getenv("BALCONY_PASSWORD");
  const auto jid = balcony::Jid::parse(argc > 1 ? argv[1] : "");
  if (!jid || !password) return 2;
  balcony::ClientOptions options(*jid, password);
  if (argc > 2) options.server = argv[2];   // host:port in place of DNS
  if (argc > 3) options.ca_file = argv[3];  // a private authority
  return balcony::run(echo(std::move(options)));
}
