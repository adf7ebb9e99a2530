// What the program prints: results on standard output, everything else on standard error.
#pragma once

#include <balcony/client.h>

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace balcony::cli {

// `text` without what could steer a terminal: control characters but line feed and tab become
// U+FFFD. Whatever comes from a peer passes through here.
std::string printable(std::string_view text);

// One line on standard output, at once.
void say(std::string_view line);
// One line of JSON on standard output, at once.
void say_json(const nlohmann::json& line);
// One line on standard error, behind the program's name.
void complain(std::string_view line);

nlohmann::json to_json(const Message& message);
nlohmann::json to_json(const Presence& presence);
nlohmann::json to_json(const RosterItem& item);
nlohmann::json to_json(const DiscoInfo& info);
nlohmann::json to_json(const DiscoItem& item);

std::string to_line(const Message& message);
std::string to_line(const Presence& presence);
std::string to_line(const RosterItem& item);

}  // namespace balcony::cli
