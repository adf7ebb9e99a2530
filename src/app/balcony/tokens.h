// What `balcony` keeps to log in without the password (XEP-0484): beside accounts.toml, in
// tokens/JID/, for each stored account some slots with an installation's id and its token.
//
// A process has one slot for itself as long as it runs: two processes with the same id would be the
// same client to the server, which ends the older one (XEP-0386 §3.2). One thread.
#pragma once

#include <balcony/client.h>
#include <balcony/result.h>

#include <optional>
#include <string>

namespace balcony::cli {

class TokenSlot {
 public:
  // The first slot of the account that no other process has; null when there is none, or no place
  // for it: then the password does. What cannot be read of it is made anew.
  static std::optional<TokenSlot> take(const std::string& folder, const std::string& jid);

  TokenSlot(TokenSlot&& other) noexcept;
  TokenSlot& operator=(TokenSlot&& other) = delete;
  ~TokenSlot();

  // Asks for tokens, and uses the one that is kept. Its handler keeps what comes: the slot must
  // outlive the client.
  void use(ClientOptions& options) const;
  void follow(Client& client);

  const std::string& id() const { return id_; }
  const std::optional<LoginToken>& token() const { return token_; }
  // Keeps a new token, or forgets the one that was. In a file of mode 600. Errors: kIo.
  Result<> keep(const std::optional<LoginToken>& token);

 private:
  TokenSlot(std::string path, int lock);
  void read();

  std::string path_;
  int lock_;
  std::string id_;
  std::optional<LoginToken> token_;
};

// Forgets all of an account.
void forget_tokens(const std::string& folder, const std::string& jid);

}  // namespace balcony::cli
