#include "app/balcony/jid_explain.h"

#include "precis/idna.h"
#include "precis/mapping.h"
#include "precis/utf8.h"

#include <balcony/jid.h>

#include <functional>

namespace balcony::cli {
namespace {

using Map = std::function<void(std::u32string&)>;
struct Rule {
  const char* name;
  Map map;
};

// RFC 7622 §3.3: the UsernameCaseMapped profile of RFC 8265 §3.3, in the order of its rules.
const std::vector<Rule>& local_rules() {
  static const std::vector<Rule> rules = {
      {"width mapping (RFC 8265 §3.3, rule 1)", precis::map_width},
      {"case mapping (RFC 8265 §3.3, rule 3)", precis::map_case},
      {"normalisation, NFC (RFC 8265 §3.3, rule 4)",
       [](std::u32string& t) { precis::normalise(t, precis::Form::kNfc); }},
  };
  return rules;
}

// RFC 7622 §3.4: the OpaqueString profile of RFC 8265 §4.2.
const std::vector<Rule>& resource_rules() {
  static const std::vector<Rule> rules = {
      {"spaces become U+0020 (RFC 8265 §4.2, rule 2)", precis::map_spaces},
      {"normalisation, NFC (RFC 8265 §4.2, rule 4)",
       [](std::u32string& t) { precis::normalise(t, precis::Form::kNfc); }},
  };
  return rules;
}

std::vector<JidStep> steps_of(std::string_view text, const std::vector<Rule>& rules) {
  std::vector<JidStep> steps;
  auto points = decode_utf8(text);
  if (!points) return steps;
  for (const Rule& rule : rules) {
    const std::string before = encode_utf8(*points);
    rule.map(*points);
    std::string after = encode_utf8(*points);
    if (after != before) steps.push_back({rule.name, before, std::move(after)});
  }
  return steps;
}

JidPart domain_part(std::string_view given, JidExplanation& explanation) {
  JidPart part{"domainpart", std::string(given), {}, "IDNA2008 (RFC 7622 §3.2)", {}};
  const auto prepared = precis::prepare_domain(given);
  if (!prepared) return part;
  part.prepared = *prepared;
  if (*prepared != given) {
    part.steps.push_back({"mapping of UTS #46, without a trailing dot, A-labels to U-labels",
                          std::string(given), *prepared});
  }
  const auto ascii = precis::domain_to_ascii(*prepared);
  if (precis::is_ip_literal(*prepared)) {
    explanation.notes.emplace_back("the domainpart is an address, not a name");
  } else if (ascii && *ascii != *prepared) {
    explanation.notes.push_back("in the DNS and in certificates the domain is " + *ascii);
  }
  return part;
}

}  // namespace

JidExplanation explain_jid(std::string_view text) {
  JidExplanation explanation;
  const auto whole = Jid::parse(text);
  explanation.prepared = whole ? Result<std::string>(whole->str()) : fail(whole.error());
  // RFC 7622 §3.1: the first '/' ends the bare part, the first '@' before it the localpart.
  const auto slash = text.find('/');
  std::string_view bare = text.substr(0, slash);
  const auto at = bare.find('@');
  if (at != std::string_view::npos) {
    const std::string_view given = bare.substr(0, at);
    bare.remove_prefix(at + 1);
    JidPart part{"localpart",
                 std::string(given),
                 {},
                 "UsernameCaseMapped (RFC 8265 §3.3), without \"&'/:<>@ (RFC 7622 §3.3.1)",
                 steps_of(given, local_rules())};
    if (const auto alone = Jid::make(given, "x"); alone && !given.empty()) {
      part.prepared = alone->local();
      const std::string plain = unescape_localpart(part.prepared);
      if (plain != part.prepared) {
        explanation.notes.push_back("the localpart is escaped (XEP-0106) and stands for " + plain);
      }
    }
    explanation.parts.push_back(std::move(part));
  }
  explanation.parts.push_back(domain_part(bare, explanation));
  if (slash != std::string_view::npos) {
    const std::string_view given = text.substr(slash + 1);
    JidPart part{"resourcepart",
                 std::string(given),
                 {},
                 "OpaqueString (RFC 8265 §4.2)",
                 steps_of(given, resource_rules())};
    if (const auto alone = Jid::make({}, "x", given)) part.prepared = alone->resource();
    explanation.parts.push_back(std::move(part));
  }
  return explanation;
}

std::vector<std::string> to_lines(const JidExplanation& explanation) {
  std::vector<std::string> lines;
  for (const JidPart& part : explanation.parts) {
    lines.push_back(part.name + ": " + (part.given.empty() ? "(empty)" : part.given));
    lines.push_back("  by " + part.rule);
    for (const JidStep& step : part.steps) {
      lines.push_back("  " + step.rule + ": " + step.before + " → " + step.after);
    }
    if (part.prepared.empty()) {
      lines.emplace_back("  refused");
    } else {
      lines.push_back("  prepared: " + part.prepared + " (" + std::to_string(part.prepared.size()) +
                      " of 1023 bytes)");
    }
  }
  if (explanation.prepared) {
    lines.push_back("address: " + *explanation.prepared);
  } else {
    lines.push_back("no address: " + explanation.prepared.error().to_string());
  }
  for (const std::string& note : explanation.notes) lines.push_back("note: " + note);
  return lines;
}

}  // namespace balcony::cli
