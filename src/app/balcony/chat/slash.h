// The commands of `balcony chat`: what is typed behind a slash. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace balcony::cli::chat {

enum class Slash {
  kHelp,
  kMessage,
  kClose,
  kWho,
  kAdd,
  kRemove,
  kRename,
  kApprove,
  kDeny,
  kBlock,
  kUnblock,
  kAway,
  kBusy,
  kBack,
  kHistory,
  kQuit
};

struct SlashCommand {
  Slash command;
  std::string_view name;
  std::string_view arguments;
  std::string_view help;
};

// All of them, in the order of /help.
std::span<const SlashCommand> slash_commands();

struct SlashLine {
  Slash command;
  std::string first;  // the first word behind the command
  std::string rest;   // what is behind that
};

// Whether a line is a command: it begins with one slash. "//" begins a text with a slash, and so
// does "/me ", which is for the other side (XEP-0245).
bool is_command(std::string_view line);
// What a command says; nothing: there is no such command. A name may be cut short where it is
// clear.
std::optional<SlashLine> read_command(std::string_view line);

}  // namespace balcony::cli::chat
