// Sends one message: example_send_message me@example.org you@example.org "Good morning" [server
// [ca.pem]], with BALCONY_PASSWORD set.
#include <balcony/client.h>

#include <cstdio>
#include <cstdlib>

balcony::Task<balcony::Result<>> send(balcony::ClientOptions options, balcony::Jid to,
                                      std::string text) {
  balcony::Client client(std::move(options));
  BALCONY_CO_CHECK(co_await client.connect());
  BALCONY_CO_CHECK(client.send_message(to, text));
  co_await client.disconnect();
  co_return balcony::Result<>{};
}

int main(int argc, char** argv) {
  const char* password = std::getenv("BALCONY_PASSWORD");
  if (argc < 4 || !password) return 2;
  const auto from = balcony::Jid::parse(argv[1]);
  const auto to = balcony::Jid::parse(argv[2]);
  if (!from || !to) return 2;
  balcony::ClientOptions options(*from, password);
  if (argc > 4) options.server = argv[4];
  if (argc > 5) options.ca_file = argv[5];
  const auto sent = balcony::run(send(std::move(options), *to, argv[3]));
  if (!sent) std::fprintf(stderr, "%s\n", sent.error().to_string().c_str());
  return sent ? 0 : 1;
}
