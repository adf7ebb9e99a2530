// From the command line to a client's options, and the password from where nobody else sees it.
#include "app/balcony/commands.h"
#include "app/balcony/output.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <termios.h>
#include <unistd.h>

namespace balcony::cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;

Result<std::string> password_from_file(const std::string& path) {
  std::ifstream file(path);
  std::string password;
  if (!file || !std::getline(file, password)) {
    return fail(Errc::kUsage, "cannot read a password from " + path);
  }
  if (password.ends_with('\r')) password.pop_back();
  return password;
}

// Asks on the terminal, without showing what is typed.
Result<std::string> password_from_terminal(const std::string& jid) {
  const int terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (terminal < 0) {
    return fail(Errc::kUsage, "no password: set BALCONY_PASSWORD or give --password-file FILE");
  }
  termios before{};
  ::tcgetattr(terminal, &before);
  termios quiet = before;
  quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(terminal, TCSAFLUSH, &quiet);
  const std::string prompt = "Password of " + jid + ": ";
  (void)!::write(terminal, prompt.data(), prompt.size());
  std::string password;
  char c = 0;
  while (::read(terminal, &c, 1) == 1 && c != '\n') password += c;
  (void)!::write(terminal, "\n", 1);
  ::tcsetattr(terminal, TCSAFLUSH, &before);
  ::close(terminal);
  return password;
}

Result<std::string> read_password(const Globals& globals) {
  if (!globals.password_file.empty()) return password_from_file(globals.password_file);
  if (const char* password = std::getenv("BALCONY_PASSWORD")) return std::string(password);
  return password_from_terminal(globals.jid);
}

}  // namespace

Result<ClientOptions> client_options(const Globals& globals) {
  if (globals.jid.empty()) {
    return fail(Errc::kUsage, "who are you? Give -u user@example.org or set BALCONY_JID");
  }
  auto jid = Jid::parse(globals.jid);
  if (!jid)
    return fail(Errc::kUsage, "'" + globals.jid + "' is no address: " + jid.error().to_string());
  if (!jid->has_local()) {
    return fail(Errc::kUsage, "the address needs a user: user@" + std::string(jid->domain()));
  }
  BALCONY_ASSIGN(std::string password, read_password(globals));
  ClientOptions options(*std::move(jid), std::move(password));
  options.server = globals.server;
  options.ca_file = globals.ca_file;
  options.verify_certificate = !globals.insecure;
  if (globals.tls == "direct") options.tls = ClientOptions::Tls::kDirect;
  if (globals.tls == "none") options.tls = ClientOptions::Tls::kNone;
  options.connect_timeout = globals.timeout_or(std::chrono::seconds(30));
  options.request_timeout = options.connect_timeout;
  options.identity = {"client", "console", "Balcony"};
  if (globals.insecure) {
    complain("warning: the server's certificate is not checked; anybody in between can read along");
  }
  return options;
}

bool was_interrupted() {
  static const bool listening = [] {
    struct sigaction action = {};
    action.sa_handler = [](int) { interrupted = 1; };
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    return true;
  }();
  return listening && interrupted != 0;
}

}  // namespace balcony::cli
