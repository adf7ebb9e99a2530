#include "app/balcony/tokens.h"

#include "app/balcony/accounts.h"
#include "app/balcony/output.h"
#include "base/base64.h"
#include "base/number.h"
#include "base/random.h"

#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace balcony::cli {
namespace {

constexpr int kSlots = 8;  // of an account: processes that run at the same time

std::string folder_of(const std::string& folder, const std::string& jid) {
  return folder + "/tokens/" + jid;
}

// RFC 9562 §5.4: a UUID of chance alone.
std::string make_uuid() {
  std::string bytes(16, '\0');
  system_random().fill(std::as_writable_bytes(std::span(bytes)));
  bytes[6] = static_cast<char>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3F) | 0x80);
  std::string text = hex_encode(bytes);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) text.insert(at, "-");
  return text;
}

bool is_private(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && (status.st_mode & 077) == 0;
}

}  // namespace

TokenSlot::TokenSlot(std::string path, int lock) : path_(std::move(path)), lock_(lock) {
  read();
  if (id_.empty()) id_ = make_uuid();
}

TokenSlot::TokenSlot(TokenSlot&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      id_(std::move(other.id_)),
      token_(std::move(other.token_)) {}

TokenSlot::~TokenSlot() {
  if (lock_ >= 0) ::close(lock_);
}

std::optional<TokenSlot> TokenSlot::take(const std::string& folder, const std::string& jid) {
  const std::string here = folder_of(folder, jid);
  if (!make_private_folder(here)) return std::nullopt;
  for (int n = 1; n <= kSlots; ++n) {
    const std::string path = here + "/" + std::to_string(n);
    const int lock = ::open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) return std::nullopt;
    if (::flock(lock, LOCK_EX | LOCK_NB) == 0) return TokenSlot(path, lock);
    ::close(lock);
  }
  return std::nullopt;
}

// Four lines: id, mechanism, token, milliseconds since 1970; the last three only with a token.
void TokenSlot::read() {
  if (!is_private(path_)) return;
  std::ifstream file(path_);
  std::string id;
  if (!std::getline(file, id) || id.size() != make_uuid().size()) return;
  id_ = id;
  LoginToken token;
  std::string expiry;
  if (!std::getline(file, token.mechanism) || !std::getline(file, token.token) ||
      !std::getline(file, expiry)) {
    return;
  }
  const auto millis = read_number<std::int64_t>(expiry);
  if (!millis || token.token.empty()) return;
  token.expiry = decltype(token.expiry)(std::chrono::milliseconds(*millis));
  token_ = std::move(token);
}

Result<> TokenSlot::keep(const std::optional<LoginToken>& token) {
  token_ = token;
  std::string text = id_ + '\n';
  if (token) {
    text += token->mechanism + '\n' + token->token + '\n';
    text += std::to_string(token->expiry.time_since_epoch().count()) + '\n';
  }
  return write_private(path_, text);
}

void TokenSlot::use(ClientOptions& options) const {
  options.user_agent_id = id_;
  options.want_token = true;
  options.token = token_;
}

void TokenSlot::follow(Client& client) {
  client.on_token([this](const std::optional<LoginToken>& token) {
    if (auto kept = keep(token); !kept) {
      complain("the next login needs the password: " + kept.error().detail);
    }
  });
}

void forget_tokens(const std::string& folder, const std::string& jid) {
  std::error_code ignored;
  std::filesystem::remove_all(folder_of(folder, jid), ignored);
}

}  // namespace balcony::cli
