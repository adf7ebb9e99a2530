// Tokens that clients log in with instead of a password (XEP-0484), kept with their account. One a
// shard; what is asked for an account is done on the account's home shard.
//
// Kept as they are: who logs in by token proves it with an HMAC, for which a hash is not enough.
// They are 32 random bytes, end after [auth] token_lifetime, and with the account's password.
#pragma once

#include "server/shard_context.h"
#include "server/token_slots.h"
#include "stream/receiving_stream.h"

#include <balcony/jid.h>
#include <balcony/result.h>
#include <balcony/task.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace balcony::server {

// The store of an account's tokens: the key is the client's id.
inline constexpr std::string_view kTokenStore = "tokens";

class LoginTokens {
 public:
  explicit LoginTokens(ShardContext& context) : context_(context) {}

  // Whether the peer has a token of the account, for what stream::VerifyToken says. Waits as long
  // as the account's recent failures have earned. Errors: kSaslAccountDisabled;
  // kSaslCredentialsExpired: it has, and its time is over; storage errors.
  Task<Result<std::optional<stream::UsedToken>>> verify(Jid account, stream::VerifyToken what);

  // Makes a token for a client. The one that it uses stays valid until the new one is used; of
  // clients beyond [auth] tokens_per_account those whose tokens end first lose theirs.
  // Errors: kSaslAccountDisabled, storage errors.
  Task<Result<stream::FastToken>> issue(Jid account, stream::IssueToken what);

  // Makes all tokens of the account worthless. Returns how many clients had some.
  Task<Result<std::size_t>> revoke(Jid account);

  // The account's clients, by id.
  Task<Result<std::vector<std::pair<std::string, TokenClient>>>> list(Jid account);

 private:
  struct Kept {
    TokenClient client;
    std::uint64_t version = 0;  // 0: nothing is stored
  };

  ShardContext& home_of(const Jid& account);
  Task<Result<std::optional<stream::UsedToken>>> verify_at_home(Jid account,
                                                                stream::VerifyToken what);
  Task<Result<stream::FastToken>> issue_at_home(Jid account, stream::IssueToken what);
  Task<Result<std::size_t>> revoke_at_home(Jid account);
  Task<Result<Kept>> read(Jid account, std::string id);
  Task<Result<>> write(Jid account, std::string id, Kept kept);
  Task<Result<>> make_room(Jid account, std::string id);

  ShardContext& context_;
};

}  // namespace balcony::server
