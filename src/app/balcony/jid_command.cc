// `balcony jid explain`.
#include "app/balcony/commands.h"
#include "app/balcony/exit_code.h"
#include "app/balcony/jid_explain.h"
#include "app/balcony/output.h"

#include <nlohmann/json.hpp>

namespace balcony::cli {

int explain(const Globals& globals, const std::string& jid) {
  const JidExplanation explanation = explain_jid(jid);
  const int code = explanation.prepared ? kOk : kFailed;
  if (!globals.json) {
    for (const std::string& line : to_lines(explanation)) say(printable(line));
    return code;
  }
  nlohmann::json parts = nlohmann::json::array();
  for (const JidPart& part : explanation.parts) {
    nlohmann::json steps = nlohmann::json::array();
    for (const JidStep& step : part.steps) {
      steps.push_back({{"rule", step.rule}, {"before", step.before}, {"after", step.after}});
    }
    parts.push_back({{"part", part.name},
                     {"given", part.given},
                     {"prepared", part.prepared},
                     {"steps", std::move(steps)}});
  }
  nlohmann::json line = {{"parts", std::move(parts)}, {"notes", explanation.notes}};
  if (explanation.prepared) {
    line["jid"] = *explanation.prepared;
  } else {
    line["error"] = to_string(explanation.prepared.error().code);
  }
  say_json(line);
  return code;
}

}  // namespace balcony::cli
