// Options that every gateway has: its domain, whom it serves, who may write, and how much.
//
// A gateway's own options derive from GatewayOptions. Plain values.
#pragma once

#include "base/options.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::gateway {

// Values of who_may_write.
inline constexpr std::string_view kContacts = "contacts";
inline constexpr std::string_view kUsers = "users";
inline constexpr std::string_view kAnyone = "anyone";

struct GatewayOptions {
  std::string domain;              // of the component
  std::vector<std::string> users;  // domains whose users are served; none: the domain above ours
  std::string who_may_write{kContacts};
  std::int64_t contacts_per_user = 1'000;
  std::int64_t messages_per_minute = 20;  // of one user
  std::int64_t messages_at_once = 30;
};

// Their declarations, for a struct that derives from GatewayOptions.
template <class Options>
std::vector<OptionSpec> common_options() {
  using Text = std::string Options::*;
  using List = std::vector<std::string> Options::*;
  using Number = std::int64_t Options::*;
  return {
      option("domain", static_cast<Text>(&Options::domain),
             "The gateway's own domain, such as \"mail.example.org\"; no host and no component of "
             "this server. Required."),
      option("users", static_cast<List>(&Options::users),
             "Domains whose users are served; none: the one above `domain`."),
      option("who_may_write", static_cast<Text>(&Options::who_may_write),
             "\"contacts\": a user and the addresses in the roster, both ways; \"users\": users to "
             "everybody, and whom they have written to may answer; \"anyone\": everybody, both "
             "ways.",
             {std::string(kContacts), std::string(kUsers), std::string(kAnyone)}),
      option("contacts_per_user", static_cast<Number>(&Options::contacts_per_user), 1, 100'000,
             "Addresses at the gateway that one user may have in the roster."),
      option("messages_per_minute", static_cast<Number>(&Options::messages_per_minute), 1, 100'000,
             "Messages that one user may send, and may be sent, in a minute."),
      option("messages_at_once", static_cast<Number>(&Options::messages_at_once), 1, 100'000,
             "Messages that may come at once before `messages_per_minute` counts."),
  };
}

// The domains whose users are served, prepared: `users`, or what is above `domain`
// ("mail.example.org": "example.org"). Errors: kConfig where one is no domain, or there is none.
Result<std::vector<std::string>> served_domains(const GatewayOptions& options);

}  // namespace balcony::gateway
