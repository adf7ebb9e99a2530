#include "app/balconyd/demo.h"

#include "base/random.h"
#include "net/free_port.h"
#include "server/accounts.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <system_error>

namespace balcony::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAddress = "127.0.0.1";
constexpr std::uint16_t kMetricsPort = 9280;
constexpr const char* kPasswords = "demo-passwords";  // in a folder that stays

Result<fs::path> make_temporary_folder() {
  std::error_code error;
  std::string name = (fs::temp_directory_path(error) / "balcony-demo-XXXXXX").string();
  if (error || !::mkdtemp(name.data())) {
    return fail(Errc::kIo, std::string("cannot make a temporary folder: ") + std::strerror(errno));
  }
  return fs::path(name);
}

std::string in_quotes(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// How a person would call the program beside this one.
std::string program(const std::string& name) {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  const fs::path beside = self.parent_path() / name;
  if (error || !fs::exists(beside, error)) return name;
  const fs::path relative = fs::proximate(beside, error);
  return error || relative.string().starts_with("..") ? beside.string() : relative.string();
}

Task<Result<>> make_account(server::ShardContext& at, std::string jid, std::string password) {
  BALCONY_CO_ASSIGN(const Jid account, Jid::parse(jid));
  BALCONY_CO_ASSIGN(const bool there, co_await at.accounts->exists(account));
  if (there) co_return co_await at.accounts->set_password(account, std::move(password));
  co_return co_await at.accounts->create(account, std::move(password));
}

}  // namespace

Demo::Demo(Demo&& other) noexcept
    : data_(std::move(other.data_)),
      temporary_(std::exchange(other.temporary_, false)),
      port_(other.port_),
      tls_port_(other.tls_port_),
      metrics_port_(other.metrics_port_),
      text_(std::move(other.text_)),
      accounts_(std::move(other.accounts_)) {}

Demo::~Demo() {
  if (!temporary_) return;
  std::error_code error;
  fs::remove_all(data_, error);
}

Result<Demo> Demo::prepare(const DemoOptions& options) {
  Demo demo;
  if (options.data.empty()) {
    BALCONY_ASSIGN(demo.data_, make_temporary_folder());
    demo.temporary_ = true;
  } else {
    std::error_code error;
    demo.data_ = fs::absolute(options.data, error);
    fs::create_directories(demo.data_, error);
    if (error) return fail(Errc::kIo, "cannot make " + options.data + ": " + error.message());
  }
  demo.port_ = find_free_port(kAddress, options.port);
  demo.tls_port_ = find_free_port(kAddress, static_cast<std::uint16_t>(demo.port_ + 1));
  if (demo.port_ == 0 || demo.tls_port_ == 0) {
    return fail(Errc::kIo, "no free port from " + std::to_string(options.port) + " on");
  }
  demo.metrics_port_ = find_free_port(kAddress, kMetricsPort);
  const auto listener = [](const char* kind, std::uint16_t port) {
    return std::string("[[listen]]\nkind = \"") + kind + "\"\naddress = \"" + kAddress +
           "\"\nport = " + std::to_string(port) + '\n';
  };
  demo.text_ =
      "data = " + in_quotes(demo.data_.string()) + '\n' + listener("c2s", demo.port_) +
      listener("c2s-tls", demo.tls_port_) + "[storage]\nbackend = \"" +
      (demo.temporary_ ? "memory" : "sqlite") +
      "\"\n[log]\nlevel = \"error\"\n[metrics]\nport = " + std::to_string(demo.metrics_port_) +
      "\n[hosts.localhost]\n";
  BALCONY_CHECK(demo.load_passwords());
  return demo;
}

Result<> Demo::load_passwords() {
  const fs::path path = data_ / kPasswords;
  std::ifstream before(path);
  for (const char* const name : {"alice", "bob"}) {
    std::string password;
    if (!(before >> password)) password = system_random().token(9);
    accounts_.push_back({std::string(name) + "@localhost", password});
  }
  before.close();
  if (temporary_) return {};
  std::ofstream file(path);
  for (const Account& account : accounts_) file << account.password << '\n';
  file.close();
  if (!file) return fail(Errc::kIo, "cannot write " + path.string());
  return {};
}

Result<> Demo::make_accounts(server::Server& server) {
  for (const Account& account : accounts_) {
    BALCONY_CHECK(server.call<Result<>>(0, [&account](server::ShardContext& at) {
      return make_account(at, account.jid, account.password);
    }));
  }
  return {};
}

std::string Demo::banner() const {
  const std::string port = std::to_string(port_);
  const std::string place = std::string(kAddress) + ':' + port;
  const auto balcony = [&](const Account& account) {
    return "  BALCONY_PASSWORD=" + account.password + " " + program("balcony") + " -u " +
           account.jid + " --server " + place + " --ca " +
           (data_ / "certificates" / "localhost.crt").string();
  };
  std::string out = "\nBalcony runs, for this machine only: " + place + " (STARTTLS), " + kAddress +
                    ':' + std::to_string(tls_port_) + " (TLS).\n";
  out += temporary_ ? "Everything is in memory and gone when it ends (Ctrl-C).\n"
                    : "Everything is kept in " + data_.string() + ". Ctrl-C ends it.\n";
  out += "\n";
  for (const Account& account : accounts_) {
    out += "  " + account.jid +
           std::string(16 - std::min<std::size_t>(15, account.jid.size()), ' ') + "password " +
           account.password + '\n';
  }
  const Account& alice = accounts_.front();
  const Account& bob = accounts_.back();
  out += "\nTo try, each in a terminal of its own:\n" + balcony(bob) + " listen\n" +
         balcony(alice) + " send " + bob.jid + " \"Hello\"\n";
  out += "  " + program("balconyctl") + " --control " + (data_ / "control.sock").string() +
         " session list\n";
  if (metrics_port_ != 0) {
    out += "  curl http://" + std::string(kAddress) + ':' + std::to_string(metrics_port_) +
           "/metrics\n";
  }
  out += "  profanity -a " + alice.jid + "   then: /connect " + alice.jid + " server " + kAddress +
         " port " + port + " tls trust\n";
  out += "  gajim: log in as " + alice.jid + ", Advanced: host " + kAddress + ", port " + port +
         "; accept the certificate\n";
  return out;
}

}  // namespace balcony::app
