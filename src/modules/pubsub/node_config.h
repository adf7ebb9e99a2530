// The configuration of a node as a data form (XEP-0060 §8.2, §16.4.4), and as preconditions of a
// publication (§7.1.5). One table of fields serves all of it. Pure; any thread.
#pragma once

#include "modules/pubsub/node.h"
#include "stanza/data_form.h"

#include <cstdint>
#include <string>

namespace balcony::modules::pubsub {

// The fields with the values of `config`. kForm: to be filled in by a person, with labels and
// options; else only the values. FORM_TYPE is that of node configuration.
DataForm config_form(const NodeConfig& config, FormType type);

// What everybody may know of a node, for disco#info (XEP-0060 §5.4).
DataForm metadata_form(const NodeConfig& config, const Jid& owner, std::uint32_t items);

enum class ConfigProblem : std::uint8_t {
  kNone,
  kUnknownField,  // a field that is none of ours, where `unknown` says that it matters
  kAccessModel,   // an access model that there is not
  kValue,         // any other value that cannot be
};

struct ConfigChange {
  NodeConfig config;
  ConfigProblem problem = ConfigProblem::kNone;
  std::string field;  // that has the problem
};

enum class UnknownFields : std::uint8_t { kIgnored, kRefused };

// `config` with what `form` says. Fields that the form does not have stay (XEP-0004 §3.2).
ConfigChange change_config(NodeConfig config, const DataForm& form, const ServiceLimits& limits,
                           UnknownFields unknown = UnknownFields::kIgnored);

// Whether `config` is already what `form` asks for (XEP-0060 §7.1.5); an unknown field is not met.
bool meets_preconditions(const NodeConfig& config, const DataForm& form,
                         const ServiceLimits& limits);

}  // namespace balcony::modules::pubsub
