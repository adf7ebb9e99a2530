// A component that greets who subscribes and says back what any of its addresses is told:
// example_component_bot bot.example.org, with BALCONY_SECRET set. `balconyctl component add
// bot.example.org` makes the secret.
#include <balcony/component.h>

#include <cstdio>
#include <cstdlib>

balcony::Task<int> echo(balcony::ComponentOptions options) {
  balcony::Component bot(std::move(options));
  bot.on_message([&](const balcony::Message& message) {
    if (message.type == "error" || message.body.empty() || !message.to) return;
    (void)bot.send_message(*message.to, message.from, message.body, message.type);
  });
  bot.on_presence([&](const balcony::Presence& presence) {
    if (presence.type != "subscribe" || !presence.to) return;
    (void)bot.send_presence(*presence.to, presence.from, "subscribed");
    (void)bot.send_presence(*presence.to, presence.from);
    (void)bot.send_message(*presence.to, presence.from, "Good morning");
  });
  const auto connected = co_await bot.connect();
  if (!connected) std::fprintf(stderr, "%s\n", connected.error().to_string().c_str());
  if (!connected) co_return 1;
  std::fprintf(stderr, "%s is connected\n", bot.domain().str().c_str());
  std::fprintf(stderr, "%s\n", (co_await bot.closed()).to_string().c_str());
  co_return 0;
}

int main(int argc, char** argv) {
  const char* secret = std::getenv("BALCONY_SECRET");
  const auto domain = balcony::Jid::parse(argc > 1 ? argv[1] : "");
  if (!domain || !secret) return 2;
  balcony::ComponentOptions options(*domain, secret);
  if (argc > 2) options.server = argv[2];  // host:port in place of 127.0.0.1:5347
  return balcony::run(echo(std::move(options)));
}
