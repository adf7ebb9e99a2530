#include "server/commands.h"

#include "base/assert.h"

#include <algorithm>

namespace balcony::server {
namespace {

Result<> check_lines(const ArgSpec& spec, const Value& value) {
  const Value* lines = value.find("lines");
  const bool good =
      lines && lines->list() &&
      std::ranges::all_of(*lines->list(), [](const Value& v) { return v.text() != nullptr; });
  if (!good) return fail(Errc::kUsage, spec.name + " must hold lines of text");
  return {};
}

Result<> check_value(const ArgSpec& spec, const Value& value) {
  switch (spec.type) {
    case ArgType::kFlag:
      if (!value.flag()) return fail(Errc::kUsage, spec.name + " must be true or false");
      return {};
    case ArgType::kLines: return check_lines(spec, value);
    case ArgType::kText:
    case ArgType::kSecret:
    case ArgType::kJid: break;
  }
  if (!value.text()) return fail(Errc::kUsage, spec.name + " must be a text");
  if (!spec.choices.empty() &&
      std::ranges::find(spec.choices, *value.text()) == spec.choices.end()) {
    std::string all;
    for (const std::string& choice : spec.choices) all += (all.empty() ? "" : ", ") + choice;
    return fail(Errc::kUsage, spec.name + " must be one of " + all);
  }
  if (spec.type != ArgType::kJid) return {};
  if (const auto jid = Jid::parse(*value.text()); !jid) {
    return fail(Errc::kUsage, '"' + *value.text() + "\" is no address: " + jid.error().detail);
  }
  return {};
}

}  // namespace

Result<CommandArgs> CommandArgs::check(const std::vector<ArgSpec>& specs, const Value& given) {
  if (!given.members() && !given.is_null()) {
    return fail(Errc::kUsage, "arguments must have names");
  }
  if (given.members()) {
    for (const Value::Member& member : *given.members()) {
      if (std::ranges::find(specs, member.name, &ArgSpec::name) == specs.end()) {
        return fail(Errc::kUsage, "unknown argument " + member.name.substr(0, 60));
      }
    }
  }
  for (const ArgSpec& spec : specs) {
    const Value* value = given.find(spec.name);
    if (value) {
      BALCONY_CHECK(check_value(spec, *value));
    } else if (spec.required) {
      return fail(Errc::kUsage, spec.name + " is missing");
    }
  }
  CommandArgs args;
  args.given_ = given;
  return args;
}

bool CommandArgs::flag(std::string_view name) const {
  const Value* value = given_.find(name);
  return value && value->flag() && *value->flag();
}

Jid CommandArgs::jid(std::string_view name) const {
  auto jid = Jid::parse(text(name));
  BALCONY_ASSERT(jid.has_value(), "a command asks for an argument that it has not declared a JID");
  return *std::move(jid);
}

Lines CommandArgs::lines(std::string_view name) const {
  Lines out;
  const Value* value = given_.find(name);
  if (!value) return out;
  if (value->find("first")) out.first = value->number_of("first");
  const Value* more = value->find("more");
  out.more = more && more->flag() && *more->flag();
  for (const Value& line : *value->find("lines")->list()) out.lines.push_back(*line.text());
  return out;
}

const std::vector<CommandSpec>& all_commands() {
  static const std::vector<CommandSpec> kAll = [] {
    std::vector<CommandSpec> all = user_commands();
    for (auto* const group : {&session_commands, &component_commands, &s2s_commands,
                              &statistics_commands, &module_commands, &process_commands}) {
      std::ranges::move(group(), std::back_inserter(all));
    }
    all.push_back(host_command());
    return all;
  }();
  return kAll;
}

const CommandSpec* find_command(std::string_view name) {
  const auto found = std::ranges::find(all_commands(), name, &CommandSpec::name);
  return found == all_commands().end() ? nullptr : &*found;
}

Task<Result<Value>> run_command(const CommandContext& context, std::string name, Value given) {
  const CommandSpec* spec = find_command(name);
  if (!spec) co_return fail(Errc::kUsage, "there is no command \"" + name.substr(0, 60) + '"');
  BALCONY_CO_ASSIGN(const CommandArgs args, CommandArgs::check(spec->args, given));
  co_return co_await spec->run(context, args);
}

}  // namespace balcony::server
