// `balcony jid explain`: what an address consists of, what preparation did to each part and by
// which rule, or which rule it breaks. Pure functions.
#pragma once

#include <balcony/result.h>

#include <string>
#include <string_view>
#include <vector>

namespace balcony::cli {

// What happened to a part of an address.
struct JidStep {
  std::string rule;  // "case mapping (RFC 8265 §3.3, rule 3)"
  std::string before;
  std::string after;
};
struct JidPart {
  std::string name;  // "localpart"
  std::string given;
  std::string prepared;        // empty when it is refused
  std::string rule;            // which profile
  std::vector<JidStep> steps;  // only those that changed something
};
struct JidExplanation {
  std::vector<JidPart> parts;
  Result<std::string> prepared = fail(Errc::kJidEmpty);  // the whole, or which rule was broken
  std::vector<std::string> notes;                        // what else there is to know
};

JidExplanation explain_jid(std::string_view text);

// The same for people, one fact a line.
std::vector<std::string> to_lines(const JidExplanation& explanation);

}  // namespace balcony::cli
