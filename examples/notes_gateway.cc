// A gateway of its own in few lines: each address at the domain is a file, what is written to it is
// added there, and "?" reads it: example_notes_gateway notes.example.org FOLDER [host:port], with
// BALCONY_SECRET set. `balconyctl component add notes.example.org` makes the secret.
#include <balcony/component.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

using balcony::Jid;

// The file of an address; empty for one that names none.
std::string file_of(const std::string& folder, const Jid& address) {
  const std::string name = balcony::unescape_localpart(address.local());
  const bool good = !name.empty() && name.find('/') == name.npos && name.front() != '.';
  return good ? folder + '/' + name + ".txt" : std::string();
}

std::string answer(const std::string& file, const balcony::Message& message) {
  if (message.body != "?") {
    std::ofstream(file, std::ios::app) << message.from.bare_str() << ": " << message.body << '\n';
    return "noted";
  }
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str().empty() ? "nothing yet" : text.str();
}

balcony::Task<int> serve(balcony::ComponentOptions options, std::string folder) {
  options.identity = {"gateway", "generic", "Notes"};
  balcony::Component gateway(std::move(options));
  gateway.on_message([&](const balcony::Message& message) {
    if (message.type == "error" || message.body.empty() || !message.to) return;
    const std::string file = file_of(folder, *message.to);
    const std::string text = file.empty() ? "this is no name" : answer(file, message);
    (void)gateway.send_message(*message.to, message.from, text, message.type);
  });
  // Each address that names a file may be a contact, and is there: also for who asks later.
  gateway.on_presence([&](const balcony::Presence& presence) {
    const bool asks = presence.type == "subscribe" || presence.type == "probe";
    if (!asks || !presence.to || file_of(folder, *presence.to).empty()) return;
    const Jid user = presence.from.bare();
    if (presence.type == "subscribe") (void)gateway.send_presence(*presence.to, user, "subscribed");
    (void)gateway.send_presence(*presence.to, user);
  });
  if (const auto connected = co_await gateway.connect(); !connected) {
    std::fprintf(stderr, "%s\n", connected.error().to_string().c_str());
    co_return 1;
  }
  std::fprintf(stderr, "%s is connected\n", gateway.domain().str().c_str());
  std::fprintf(stderr, "%s\n", (co_await gateway.closed()).to_string().c_str());
  co_return 0;
}

int main(int argc, char** argv) {
  const char* secret = std::getenv("BALCONY_SECRET");
  const auto domain = Jid::parse(argc > 2 ? argv[1] : "");
  if (!domain || !secret) return 2;
  balcony::ComponentOptions options(*domain, secret);
  if (argc > 3) options.server = argv[3];
  return balcony::run(serve(std::move(options), argv[2]));
}
