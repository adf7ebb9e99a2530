// Which mail belongs to which message: Message-ID, References and <thread/> (XEP-0201), replies
// (XEP-0461), and where a report about a mail of ours has to go.
//
// Kept in the gateway's database, so many mails for each user; the oldest are forgotten. On the
// gateway's loop.
#pragma once

#include "gateway/database.h"

#include <balcony/result.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::gateway::mail {

// A mail, out or in, with its message.
struct ThreadedMail {
  std::string message_id;  // without < and >
  std::string user;        // bare JID
  std::string address;     // of the other one
  std::string thread;      // of the message
  std::string stanza;      // its id
  std::string subject;
  std::vector<std::string> references;  // before this mail, the oldest first
  std::string resource;                 // of the user who wrote it; empty: it came in
  std::int64_t at = 0;                  // milliseconds of wall time
  bool ours = false;                    // the gateway sent it
};

class Threads {
 public:
  // Errors: kIo, kDiskFull.
  static Result<Threads> open(Database& database, std::size_t per_user_max);

  // Errors: kIo, kDiskFull.
  Result<> add(const ThreadedMail& mail);

  std::optional<ThreadedMail> by_message_id(std::string_view user, std::string_view message_id);
  // Whether the gateway has sent a mail of this id, for whomever.
  bool is_ours(std::string_view message_id);
  std::optional<ThreadedMail> by_stanza(std::string_view user, std::string_view address,
                                        std::string_view stanza);
  // The last mail between the two, of one thread or of any.
  std::optional<ThreadedMail> last_in(std::string_view user, std::string_view address,
                                      std::string_view thread);
  std::optional<ThreadedMail> last(std::string_view user, std::string_view address);
  // Whether the user has written to the address, as far as is remembered.
  bool has_written(std::string_view user, std::string_view address);

 private:
  Threads(Database& database, std::size_t per_user_max)
      : database_(&database), per_user_max_(per_user_max) {}
  std::optional<ThreadedMail> find(std::string_view where, std::vector<Cell> parameters);

  Database* database_;
  std::size_t per_user_max_;
};

}  // namespace balcony::gateway::mail
