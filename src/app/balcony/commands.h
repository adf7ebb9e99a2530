// The commands of the program `balcony`: each a task that uses a connected client and gives the
// exit code. main.cc reads their arguments.
#pragma once

#include <balcony/client.h>
#include <balcony/runtime.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace balcony::cli {

// What all commands share.
struct Globals {
  std::string jid;
  std::string password_file;
  std::string server;
  std::string ca_file;
  std::string tls = "starttls";
  bool insecure = false;
  bool json = false;
  double timeout_seconds = 0;  // 0: the command's own

  std::chrono::milliseconds timeout_or(std::chrono::milliseconds otherwise) const {
    if (timeout_seconds <= 0) return otherwise;
    return std::chrono::milliseconds(static_cast<std::int64_t>(timeout_seconds * 1000));
  }
};

struct SendArguments {
  std::string to;
  std::optional<std::string> body;  // nothing: standard input
  std::string subject;
  std::string type = "chat";
};
struct ListenArguments {
  std::size_t count = 0;  // 0: for ever
  bool presence = false;
};
struct RosterArguments {
  enum class Action { kList, kAdd, kRemove } action = Action::kList;
  std::string jid;
  std::string name;
  std::vector<std::string> groups;
};
struct PingArguments {
  std::string to;  // empty: the server
  std::size_t count = 1;
};
struct DiscoArguments {
  std::string to;  // empty: the server
  std::string node;
  bool items = false;
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
Task<int> ping(Client& client, Globals globals, PingArguments arguments);
Task<int> disco(Client& client, Globals globals, DiscoArguments arguments);
Task<int> raw(Client& client, Globals globals, RawArguments arguments);

// The options that `globals` make. Reads the password: from BALCONY_PASSWORD, the file or the
// terminal. Errors: kUsage, kNotFound, kJid….
Result<ClientOptions> client_options(const Globals& globals);

// Whether SIGINT or SIGTERM came. The first call begins to listen for them.
bool was_interrupted();

}  // namespace balcony::cli
