// module list and explain.
#include "server/commands.h"
#include "server/config_reference.h"

#include <algorithm>

namespace balcony::server {
namespace {

std::string specs_of(const router::ModuleSpec& spec) {
  std::string out;
  for (const router::Spec& one : spec.specs) out += (out.empty() ? "" : ", ") + to_string(one);
  return out;
}

// "all", "none", or the hosts where the module is on.
std::string hosts_of(const Config& config, const std::string& module) {
  std::string out;
  std::size_t on = 0;
  for (const HostConfig& host : config.hosts) {
    if (!host.modules.contains(module)) continue;
    ++on;
    out += (out.empty() ? "" : " ") + host.domain;
  }
  if (on == 0) return "none";
  return on == config.hosts.size() ? "all" : out;
}

ModuleList sorted(const ModuleList& modules) {
  ModuleList list = modules;
  std::ranges::sort(list, {}, [](const router::ModuleSpec* spec) { return spec->name; });
  return list;
}

Task<Result<Value>> list_modules(const CommandContext& context, const CommandArgs&) {
  for (const router::ModuleSpec* spec : sorted(*context.modules)) {
    Value row;
    row.set("name", spec->name);
    row.set("hosts", hosts_of(*context.config, spec->name));
    row.set("specifications", specs_of(*spec));
    row.set("summary", spec->summary);
    co_await context.row(std::move(row));
  }
  co_return Value();
}

// An option with its value on each host where it is not the default.
Value describe(const OptionSpec& option, const router::ModuleSpec& spec, const Config& config) {
  const auto defaults = spec.options.make();
  Value row;
  row.set("option", option.name);
  row.set("type", describe_type(option));
  const std::string usual = format_option(option, option.get(defaults.get()));
  row.set("default", usual);
  std::string set;
  for (const HostConfig& host : config.hosts) {
    const auto on = host.modules.find(spec.name);
    if (on == host.modules.end()) continue;
    const std::string value = format_option(option, option.get(on->second.get()));
    if (value != usual) set += (set.empty() ? "" : ", ") + host.domain + ": " + value;
  }
  row.set("set", set);
  row.set("help", option.help);
  return row;
}

Task<Result<Value>> explain_module(const CommandContext& context, const CommandArgs& args) {
  const std::string name = args.text("name");
  const auto found =
      std::ranges::find(*context.modules, name, [](const auto* spec) { return spec->name; });
  if (found == context.modules->end()) {
    std::vector<std::string> names;
    for (const router::ModuleSpec* spec : *context.modules) names.push_back(spec->name);
    const std::string nearest = nearest_name(name, names);
    co_return fail(Errc::kItemNotFound,
                   "there is no module " + name.substr(0, 60) +
                       (nearest.empty() ? "" : "; did you mean " + nearest + "?"));
  }
  const router::ModuleSpec& spec = **found;
  Value result;
  result.set("name", spec.name);
  result.set("summary", spec.summary);
  result.set("specifications", specs_of(spec));
  result.set("hosts", hosts_of(*context.config, spec.name));
  Value::List options;
  for (const OptionSpec& option : spec.options.options) {
    options.push_back(describe(option, spec, *context.config));
  }
  result.set("options", std::move(options));
  co_return result;
}

}  // namespace

std::vector<CommandSpec> module_commands() {
  return {
      {"module list",
       "Lists the modules, what they implement and on which hosts they are on.",
       {},
       "",
       {"module list"},
       Role::kObserver,
       Needs::kConfig,
       list_modules},
      {"module explain",
       "Tells what one module does and its options.",
       {{"name", ArgType::kText, "The module."}},
       "",
       {"module explain ping"},
       Role::kObserver,
       Needs::kConfig,
       explain_module},
  };
}

}  // namespace balcony::server
