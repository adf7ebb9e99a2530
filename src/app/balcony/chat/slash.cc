#include "app/balcony/chat/slash.h"

#include <array>

namespace balcony::cli::chat {
namespace {

constexpr std::array<SlashCommand, 16> kCommands = {{
    {Slash::kHelp, "help", "", "shows this"},
    {Slash::kMessage, "msg", "WHO [TEXT]", "opens a conversation, and says something"},
    {Slash::kClose, "close", "", "closes the conversation"},
    {Slash::kHistory, "history", "[COUNT]", "shows older messages, from the server's archive"},
    {Slash::kWho, "who", "", "shows who is there, and how"},
    {Slash::kAdd, "add", "JID [NAME]", "adds a contact and asks to see them"},
    {Slash::kRename, "rename", "WHO NAME", "calls a contact something else"},
    {Slash::kRemove, "remove", "WHO", "removes a contact"},
    {Slash::kApprove, "approve", "WHO", "lets somebody see when you are there"},
    {Slash::kDeny, "deny", "WHO", "does not let them"},
    {Slash::kBlock, "block", "WHO", "hears nothing from them any more"},
    {Slash::kUnblock, "unblock", "WHO", "hears them again"},
    {Slash::kAway, "away", "[TEXT]", "says that you are away"},
    {Slash::kBusy, "busy", "[TEXT]", "says that you want not to be disturbed"},
    {Slash::kBack, "back", "[TEXT]", "says that you are there again"},
    {Slash::kQuit, "quit", "", "ends; Ctrl-C too"},
}};

std::string_view take_word(std::string_view& text) {
  const auto start = text.find_first_not_of(' ');
  if (start == std::string_view::npos) return text = {};
  text.remove_prefix(start);
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  if (!text.empty()) text.remove_prefix(1);
  return word;
}

}  // namespace

std::span<const SlashCommand> slash_commands() {
  return kCommands;
}

bool is_command(std::string_view line) {
  return line.starts_with('/') && !line.starts_with("//") && !line.starts_with("/me ");
}

std::optional<SlashLine> read_command(std::string_view line) {
  line.remove_prefix(1);
  const std::string_view name = take_word(line);
  if (name.empty()) return std::nullopt;
  const SlashCommand* found = nullptr;
  for (const SlashCommand& command : kCommands) {
    if (!command.name.starts_with(name)) continue;
    if (command.name == name) {
      found = &command;
      break;
    }
    if (found != nullptr) return std::nullopt;
    found = &command;
  }
  if (found == nullptr) return std::nullopt;
  const std::string first(take_word(line));
  return SlashLine{found->command, first, std::string(line)};
}

}  // namespace balcony::cli::chat
