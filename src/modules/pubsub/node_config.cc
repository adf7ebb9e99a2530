#include "modules/pubsub/node_config.h"

#include "stanza/ns.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace balcony::modules::pubsub {
namespace {

using Values = std::vector<std::string>;

constexpr std::array<std::string_view, 4> kAccessNames = {"open", "presence", "roster",
                                                          "whitelist"};
constexpr std::array<std::string_view, 3> kSendLastNames = {"never", "on_sub",
                                                            "on_sub_and_presence"};
constexpr std::array<std::string_view, 2> kMessageTypes = {"normal", "headline"};
constexpr std::size_t kTextBytesMax = 1024;
constexpr std::size_t kGroupsMax = 100;

struct FieldRule {
  std::string_view name;  // after "pubsub#"
  FieldType type;
  std::string_view label;
  Values (*get)(const NodeConfig&);
  // Whether the value can be.
  bool (*set)(NodeConfig&, const Values&, const ServiceLimits&);
  std::span<const std::string_view> choices = {};
};

std::optional<bool> boolean_value(const Values& values) {
  if (values.size() != 1) return std::nullopt;
  if (values[0] == "1" || values[0] == "true") return true;
  if (values[0] == "0" || values[0] == "false") return false;
  return std::nullopt;
}

template <bool NodeConfig::* kMember>
Values get_flag(const NodeConfig& config) {
  return {config.*kMember ? "1" : "0"};
}

template <bool NodeConfig::* kMember>
bool set_flag(NodeConfig& config, const Values& values, const ServiceLimits&) {
  const auto value = boolean_value(values);
  if (value) config.*kMember = *value;
  return value.has_value();
}

template <std::string NodeConfig::* kMember>
Values get_text(const NodeConfig& config) {
  return {config.*kMember};
}

template <std::string NodeConfig::* kMember>
bool set_text(NodeConfig& config, const Values& values, const ServiceLimits&) {
  if (values.size() > 1 || (!values.empty() && values[0].size() > kTextBytesMax)) return false;
  config.*kMember = values.empty() ? std::string{} : values[0];
  return true;
}

template <class Enum>
bool set_choice(Enum& member, const Values& values, std::span<const std::string_view> names) {
  if (values.size() != 1) return false;
  const auto at = std::ranges::find(names, values[0]);
  if (at == names.end()) return false;
  member = static_cast<Enum>(at - names.begin());
  return true;
}

Values get_access(const NodeConfig& config) {
  return {std::string(kAccessNames.at(std::to_underlying(config.access)))};
}
bool set_access(NodeConfig& config, const Values& values, const ServiceLimits&) {
  return set_choice(config.access, values, kAccessNames);
}

Values get_groups(const NodeConfig& config) {
  return config.roster_groups;
}
bool set_groups(NodeConfig& config, const Values& values, const ServiceLimits&) {
  const auto long_one = [](const std::string& group) { return group.size() > kTextBytesMax; };
  if (values.size() > kGroupsMax || std::ranges::any_of(values, long_one)) return false;
  config.roster_groups = values;
  return true;
}

Values get_items_max(const NodeConfig& config) {
  return {config.items_max == NodeConfig::kMax ? "max" : std::to_string(config.items_max)};
}
bool set_items_max(NodeConfig& config, const Values& values, const ServiceLimits& limits) {
  if (values.size() != 1) return false;
  const std::string& text = values[0];
  std::uint32_t number = NodeConfig::kMax;
  if (text != "max") {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return false;
    if (number == 0 || number > limits.items_max) return false;
  }
  config.items_max = number;
  return true;
}

Values get_send_last(const NodeConfig& config) {
  return {std::string(kSendLastNames.at(std::to_underlying(config.send_last)))};
}
bool set_send_last(NodeConfig& config, const Values& values, const ServiceLimits&) {
  return set_choice(config.send_last, values, kSendLastNames);
}

Values get_message_type(const NodeConfig& config) {
  return {config.headline ? "headline" : "normal"};
}
bool set_message_type(NodeConfig& config, const Values& values, const ServiceLimits&) {
  return set_choice(config.headline, values, kMessageTypes);
}

// What cannot be changed; a client may still say it.
template <const std::string_view& kOnly>
Values get_only(const NodeConfig&) {
  return {std::string(kOnly)};
}
template <const std::string_view& kOnly>
bool set_only(NodeConfig&, const Values& values, const ServiceLimits&) {
  return values.size() == 1 && values[0] == kOnly;
}
constexpr std::string_view kLeaf = "leaf";
constexpr std::string_view kPublishers = "publishers";
constexpr std::string_view kNoEnd = "max";
Values get_no(const NodeConfig&) {
  return {"0"};
}
bool set_no(NodeConfig&, const Values& values, const ServiceLimits&) {
  return boolean_value(values) == std::optional(false);
}
Values get_yes(const NodeConfig&) {
  return {"1"};
}
bool set_yes(NodeConfig&, const Values& values, const ServiceLimits&) {
  return boolean_value(values) == std::optional(true);
}

constexpr std::array kOnlyLeaf = {kLeaf};
constexpr std::array kOnlyPublishers = {kPublishers};

using enum FieldType;
// XEP-0060 §16.4.4. The last ones have one value each, which clients can see and confirm.
const std::array kRules = {
    FieldRule{"title", kTextSingle, "Name for people", get_text<&NodeConfig::title>,
              set_text<&NodeConfig::title>},
    FieldRule{"description", kTextSingle, "What is published here",
              get_text<&NodeConfig::description>, set_text<&NodeConfig::description>},
    FieldRule{"type", kTextSingle, "Namespace of the payload", get_text<&NodeConfig::type>,
              set_text<&NodeConfig::type>},
    FieldRule{"access_model", kListSingle, "Who may read and subscribe", get_access, set_access,
              kAccessNames},
    FieldRule{"roster_groups_allowed", kTextMulti, "Groups of the roster that may", get_groups,
              set_groups},
    FieldRule{"persist_items", kBoolean, "Keep items", get_flag<&NodeConfig::persist_items>,
              set_flag<&NodeConfig::persist_items>},
    FieldRule{"max_items", kTextSingle, "Items to keep; 'max': as many as the server allows",
              get_items_max, set_items_max},
    FieldRule{"send_last_published_item", kListSingle, "When to send the last item", get_send_last,
              set_send_last, kSendLastNames},
    FieldRule{"deliver_notifications", kBoolean, "Notify of what happens",
              get_flag<&NodeConfig::deliver_notifications>,
              set_flag<&NodeConfig::deliver_notifications>},
    FieldRule{"deliver_payloads", kBoolean, "Notify with the payload",
              get_flag<&NodeConfig::deliver_payloads>, set_flag<&NodeConfig::deliver_payloads>},
    FieldRule{"notify_config", kBoolean, "Notify of a new configuration",
              get_flag<&NodeConfig::notify_config>, set_flag<&NodeConfig::notify_config>},
    FieldRule{"notify_delete", kBoolean, "Notify when the node is deleted",
              get_flag<&NodeConfig::notify_delete>, set_flag<&NodeConfig::notify_delete>},
    FieldRule{"notify_retract", kBoolean, "Notify when items are deleted",
              get_flag<&NodeConfig::notify_retract>, set_flag<&NodeConfig::notify_retract>},
    FieldRule{"notification_type", kListSingle, "Type of the messages that notify",
              get_message_type, set_message_type, kMessageTypes},
    FieldRule{"publish_model", kListSingle, "Who may publish", get_only<kPublishers>,
              set_only<kPublishers>, kOnlyPublishers},
    FieldRule{"node_type", kListSingle, "Kind of node", get_only<kLeaf>, set_only<kLeaf>,
              kOnlyLeaf},
    FieldRule{"item_expire", kTextSingle, "When items end", get_only<kNoEnd>, set_only<kNoEnd>},
    FieldRule{"subscribe", kBoolean, "Allow subscriptions", get_yes, set_yes},
    FieldRule{"purge_offline", kBoolean, "Delete items when the publisher goes", get_no, set_no},
    FieldRule{"notify_sub", kBoolean, "Notify the owner of subscribers", get_no, set_no},
    FieldRule{"presence_based_delivery", kBoolean, "Notify only who is available", get_no, set_no},
};

const FieldRule* rule_of(std::string_view var) {
  constexpr std::string_view kPrefix = "pubsub#";
  if (!var.starts_with(kPrefix)) return nullptr;
  var.remove_prefix(kPrefix.size());
  const auto at = std::ranges::find(kRules, var, &FieldRule::name);
  return at == kRules.end() ? nullptr : &*at;
}

std::string var_of(const FieldRule& rule) {
  return "pubsub#" + std::string(rule.name);
}

}  // namespace

DataForm config_form(const NodeConfig& config, FormType type) {
  DataForm form(type, ns::kPubsubNodeConfig);
  for (const FieldRule& rule : kRules) {
    if (type != FormType::kForm) {
      form.set_list(var_of(rule), rule.get(config));
      continue;
    }
    FormField& field = form.add(var_of(rule), rule.type, rule.label);
    field.values = rule.get(config);
    for (const std::string_view choice : rule.choices)
      field.options.emplace_back(std::string(choice));
  }
  return form;
}

DataForm metadata_form(const NodeConfig& config, const Jid& owner, std::uint32_t items) {
  DataForm form(FormType::kResult, ns::kPubsubMetadata);
  if (!config.title.empty()) form.set("pubsub#title", config.title);
  if (!config.description.empty()) form.set("pubsub#description", config.description);
  if (!config.type.empty()) form.set("pubsub#type", config.type);
  form.set("pubsub#owner", owner.str());
  form.set("pubsub#access_model", get_access(config).front());
  form.set("pubsub#publish_model", kPublishers);
  form.set("pubsub#max_items", get_items_max(config).front());
  form.set("pubsub#num_items", std::to_string(items));
  return form;
}

ConfigChange change_config(NodeConfig config, const DataForm& form, const ServiceLimits& limits,
                           UnknownFields unknown) {
  ConfigChange change{std::move(config), ConfigProblem::kNone, {}};
  for (const FormField& field : form.fields) {
    if (field.var == "FORM_TYPE") continue;
    const FieldRule* rule = rule_of(field.var);
    if (!rule) {
      if (unknown == UnknownFields::kIgnored) continue;
      change.problem = ConfigProblem::kUnknownField;
    } else if (!rule->set(change.config, field.values, limits)) {
      change.problem =
          rule->set == set_access ? ConfigProblem::kAccessModel : ConfigProblem::kValue;
    } else {
      continue;
    }
    change.field = field.var;
    break;
  }
  return change;
}

bool meets_preconditions(const NodeConfig& config, const DataForm& form,
                         const ServiceLimits& limits) {
  const ConfigChange change = change_config(config, form, limits, UnknownFields::kRefused);
  return change.problem == ConfigProblem::kNone && change.config == config;
}

}  // namespace balcony::modules::pubsub
