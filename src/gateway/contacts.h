// Who has which address of a gateway in the roster, with a subscription: what the gateway knows
// from the presence that it was sent (RFC 6121 §3), as a component cannot read rosters.
//
// Kept in the gateway's database, at most so many for each user. On the gateway's loop.
#pragma once

#include "gateway/database.h"

#include <balcony/result.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace balcony::gateway {

class Contacts {
 public:
  // Makes the table where it is missing. `per_user_max`: addresses of one user. Errors: kIo.
  static Result<Contacts> open(Database& database, std::size_t per_user_max);

  // `user` is a bare JID. Adding what is there already is no error. Errors: kResourceConstraint:
  // the user has as many as may be; kIo, kDiskFull.
  Result<> add(std::string_view user, std::string_view address);
  void remove(std::string_view user, std::string_view address);

  bool has(std::string_view user, std::string_view address);
  bool has_any(std::string_view user);

  // All pairs of user and address behind `after` in their order, at most `most`.
  using Pair = std::pair<std::string, std::string>;
  std::vector<Pair> page(const Pair& after, std::size_t most);

 private:
  Contacts(Database& database, std::size_t per_user_max)
      : database_(&database), per_user_max_(per_user_max) {}
  std::int64_t count(std::string_view sql, std::vector<Cell> parameters);

  Database* database_;
  std::size_t per_user_max_;
};

}  // namespace balcony::gateway
