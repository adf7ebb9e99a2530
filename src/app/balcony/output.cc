#include "app/balcony/output.h"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace balcony::cli {
namespace {

void write_line(std::FILE* file, std::string_view line) {
  std::string text(line);
  text += '\n';
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

bool is_control(unsigned char c) {
  return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
}

void add(nlohmann::json& object, const char* name, std::string_view value) {
  if (!value.empty()) object[name] = value;
}

}  // namespace

std::string printable(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string clean;
  clean.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F, the second set of controls, are C2 80 to C2 9F in UTF-8.
    const bool second_set =
        c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (second_set) ++i;
    if (second_set || is_control(c)) {
      clean += kReplacement;
    } else {
      clean += text[i];
    }
  }
  return clean;
}

void say(std::string_view line) {
  write_line(stdout, line);
}

void say_json(const nlohmann::json& line) {
  write_line(stdout, line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void complain(std::string_view line) {
  write_line(stderr, std::string("balcony: ") + std::string(line));
}

nlohmann::json to_json(const Message& message) {
  nlohmann::json json = {{"kind", "message"}, {"from", message.from.str()}};
  add(json, "type", message.type);
  add(json, "id", message.id);
  add(json, "subject", message.subject);
  add(json, "thread", message.thread);
  add(json, "body", message.body);
  return json;
}

nlohmann::json to_json(const Presence& presence) {
  nlohmann::json json = {{"kind", "presence"}, {"from", presence.from.str()}};
  json["type"] = presence.type.empty() ? "available" : presence.type;
  add(json, "show", presence.show);
  add(json, "status", presence.status);
  json["priority"] = presence.priority;
  return json;
}

nlohmann::json to_json(const RosterItem& item) {
  return {{"jid", item.jid.str()}, {"name", item.name},
          {"groups", item.groups}, {"subscription", to_string(item.subscription)},
          {"ask", item.ask},       {"approved", item.approved}};
}

nlohmann::json to_json(const DiscoInfo& info) {
  nlohmann::json identities = nlohmann::json::array();
  for (const auto& identity : info.identities) {
    identities.push_back(
        {{"category", identity.category}, {"type", identity.type}, {"name", identity.name}});
  }
  return {{"identities", std::move(identities)}, {"features", info.features}};
}

nlohmann::json to_json(const DiscoItem& item) {
  nlohmann::json json = {{"jid", item.jid.str()}};
  add(json, "node", item.node);
  add(json, "name", item.name);
  return json;
}

std::string to_line(const Message& message) {
  std::string line = message.from.str() + ": ";
  if (message.type == "error") line += "[error] ";
  if (!message.subject.empty()) line += "(" + message.subject + ") ";
  return printable(line + message.body);
}

std::string to_line(const Presence& presence) {
  std::string line = presence.from.str();
  line += presence.type.empty() ? " is available" : " is " + std::string(presence.type);
  if (!presence.show.empty()) line += " (" + presence.show + ")";
  if (!presence.status.empty()) line += ": " + presence.status;
  return printable(line);
}

std::string to_line(const RosterItem& item) {
  std::string line = item.jid.str() + "  " + std::string(to_string(item.subscription));
  if (item.ask) line += " (asked)";
  if (!item.name.empty()) line += "  " + item.name;
  for (std::size_t i = 0; i < item.groups.size(); ++i) {
    line += (i == 0 ? "  [" : ", ") + item.groups[i];
  }
  if (!item.groups.empty()) line += "]";
  return printable(line);
}

}  // namespace balcony::cli
