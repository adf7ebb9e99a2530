// The commands of the program `balcony`: each a task that uses a connected client and gives the
// exit code, or a function that needs no connection. command_line.cc reads their arguments.
#pragma once

#include "app/balcony/accounts.h"

#include <balcony/client.h>
#include <balcony/runtime.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace balcony::cli {

// What all commands share.
struct Globals {
  std::string jid;
  std::string account;
  std::string password_file;
  std::string server;
  std::string ca_file;
  std::string tls;  // empty: starttls, or what the account says
  bool insecure = false;
  bool json = false;
  double timeout_seconds = 0;  // 0: the command's own

  std::chrono::milliseconds timeout_or(std::chrono::milliseconds otherwise) const {
    if (timeout_seconds <= 0) return otherwise;
    return std::chrono::milliseconds(static_cast<std::int64_t>(timeout_seconds * 1000));
  }
};

struct LoginArguments {
  std::string jid;
  std::string password_env;
  std::string password_command;
  bool unchecked = false;
  bool standard = false;
};
struct SendArguments {
  std::string to;
  std::optional<std::string> body;  // nothing: standard input
  std::vector<std::string> also_to;
  std::string subject;
  std::string type = "chat";
};
struct ListenArguments {
  std::size_t count = 0;  // 0: for ever
  bool presence = false;
  std::string exec;  // a shell command for each message; empty: none
};
struct RosterArguments {
  enum class Action { kList, kAdd, kRemove, kRename } action = Action::kList;
  std::string jid;
  std::string name;
  std::vector<std::string> groups;
};
struct PresenceArguments {
  enum class Action { kWatch, kSet, kSubscribe, kApprove, kDeny, kUnsubscribe };
  Action action = Action::kWatch;
  std::string jid;
  std::string show;
  std::string status;
  double wait_seconds = 2;
};
struct BlockArguments {
  std::vector<std::string> jids;  // none: show who is blocked
  bool unblock = false;
  bool all = false;
};
struct VCardArguments {
  std::string of;  // empty: the own one
  bool change = false;
  std::map<std::string, std::string> fields;  // by the names of the options
};
struct PasswdArguments {
  std::string new_password_file;
};
struct PingArguments {
  std::string to;  // empty: the server
  std::size_t count = 1;
};
struct DiscoArguments {
  std::string to;  // empty: the server
  std::string node;
  bool items = false;
  bool tree = false;
};
struct RawArguments {
  std::optional<std::string> xml;  // nothing: standard input
  std::size_t count = 0;           // end after so many elements; 0: no such end
  double wait_seconds = 2;         // after the end of input
};

// Commands take their arguments by value: they are read when the caller's are gone.
Task<int> send(Client& client, Globals globals, SendArguments arguments);
Task<int> listen(Client& client, Globals globals, ListenArguments arguments);
Task<int> roster(Client& client, Globals globals, RosterArguments arguments);
Task<int> presence(Client& client, Globals globals, PresenceArguments arguments);
Task<int> block(Client& client, Globals globals, BlockArguments arguments);
Task<int> vcard(Client& client, Globals globals, VCardArguments arguments);
Task<int> passwd(Client& client, Globals globals, PasswdArguments arguments);
Task<int> ping(Client& client, Globals globals, PingArguments arguments);
Task<int> disco(Client& client, Globals globals, DiscoArguments arguments);
Task<int> version(Client& client, Globals globals, std::string of);
Task<int> raw(Client& client, Globals globals, RawArguments arguments);
// The full-screen client; `with` opens a conversation, may be empty.
Task<int> run_chat(Client& client, Globals globals, std::string with);

// Stores the account, after a login that shows that it works. Runs a loop of its own.
int login(Globals globals, LoginArguments arguments);
int list_accounts(const Globals& globals);
int logout(const std::string& name);
int explain(const Globals& globals, const std::string& jid);

// The options that `globals` make, with what is stored of the account. Reads the password: from
// --password-file, BALCONY_PASSWORD, where the account has it, or the terminal.
// Errors: kUsage, kConfig, kNotFound, kJid….
Result<ClientOptions> client_options(const Globals& globals);
// Asks for a password on the terminal, without showing it. Errors: kUsage: there is none.
Result<std::string> password_from_terminal(const std::string& prompt);

// An address of the command line; empty: `otherwise`.
Result<Jid> address_or(const std::string& text, Jid otherwise);

// Whether SIGINT or SIGTERM came. The first call begins to listen for them.
bool was_interrupted();

}  // namespace balcony::cli
