// From the command line and what is stored of an account to a client's options, and the password
// from where nobody else sees it.
#include "app/balcony/commands.h"
#include "app/balcony/output.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

namespace balcony::cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;

// Who is meant: the address and what is stored of it.
struct Chosen {
  std::string jid;
  Account account;
};

Result<Chosen> choose(const Globals& globals) {
  Accounts accounts;
  std::string folder;
  if (auto found = config_folder()) {
    BALCONY_ASSIGN(accounts, load_accounts(*found));
  }
  if (!globals.account.empty()) {
    const auto* const found = accounts.find(globals.account);
    if (found == nullptr) {
      return fail(Errc::kUsage, "no account '" + globals.account +
                                    "' is stored; balcony accounts shows those that are");
    }
    return Chosen{found->first, found->second};
  }
  if (!globals.jid.empty()) {
    const auto jid = Jid::parse(globals.jid);
    const auto* const found = jid ? accounts.find(jid->bare_str()) : nullptr;
    return Chosen{globals.jid, found != nullptr ? found->second : Account{}};
  }
  const auto* const found = accounts.find(accounts.standard);
  if (found != nullptr) return Chosen{found->first, found->second};
  return fail(Errc::kUsage,
              "who are you? Store an account with: balcony login user@example.org; or give "
              "-u user@example.org, or set BALCONY_JID");
}

bool has_secret(const Account& account) {
  return !account.password_file.empty() || !account.password_env.empty() ||
         !account.password_command.empty();
}

Result<std::string> read_password(const Globals& globals, const Chosen& chosen) {
  if (!globals.password_file.empty()) return first_line_of(globals.password_file);
  if (const char* password = std::getenv("BALCONY_PASSWORD")) return std::string(password);
  if (has_secret(chosen.account)) return read_secret(chosen.account);
  return password_from_terminal("Password of " + chosen.jid + ": ");
}

}  // namespace

// Asks on the terminal, without showing what is typed.
Result<std::string> password_from_terminal(const std::string& prompt) {
  const int terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (terminal < 0) {
    return fail(Errc::kUsage,
                "no password: balcony login stores one; or set BALCONY_PASSWORD, or give "
                "--password-file FILE");
  }
  termios before{};
  ::tcgetattr(terminal, &before);
  termios quiet = before;
  quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(terminal, TCSAFLUSH, &quiet);
  (void)!::write(terminal, prompt.data(), prompt.size());
  std::string password;
  char c = 0;
  while (::read(terminal, &c, 1) == 1 && c != '\n') password += c;
  (void)!::write(terminal, "\n", 1);
  ::tcsetattr(terminal, TCSAFLUSH, &before);
  ::close(terminal);
  return password;
}

Result<ClientOptions> client_options(const Globals& globals) {
  BALCONY_ASSIGN(const Chosen chosen, choose(globals));
  auto jid = Jid::parse(chosen.jid);
  if (!jid) {
    return fail(Errc::kUsage, "'" + chosen.jid + "' is no address: " + jid.error().to_string() +
                                  ". balcony jid explain shows more");
  }
  if (!jid->has_local()) {
    return fail(Errc::kUsage, "the address needs a user: user@" + std::string(jid->domain()));
  }
  BALCONY_ASSIGN(std::string password, read_password(globals, chosen));
  ClientOptions options(*std::move(jid), std::move(password));
  options.server = globals.server.empty() ? chosen.account.server : globals.server;
  options.ca_file = globals.ca_file.empty() ? chosen.account.ca_file : globals.ca_file;
  options.verify_certificate = !globals.insecure;
  const std::string tls = globals.tls.empty() ? chosen.account.tls : globals.tls;
  if (tls == "direct") options.tls = ClientOptions::Tls::kDirect;
  if (tls == "none") options.tls = ClientOptions::Tls::kNone;
  options.connect_timeout = globals.timeout_or(std::chrono::seconds(30));
  options.request_timeout = options.connect_timeout;
  options.identity = {"client", "console", "Balcony"};
  if (globals.insecure) {
    complain("warning: the server's certificate is not checked; anybody in between can read along");
  }
  return options;
}

Result<Jid> address_or(const std::string& text, Jid otherwise) {
  if (text.empty()) return otherwise;
  auto jid = Jid::parse(text);
  if (jid) return jid;
  return fail(Errc::kUsage, "'" + text + "' is no address: " + jid.error().to_string() +
                                ". balcony jid explain shows more");
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
