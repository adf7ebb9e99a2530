#include "modules/caps2.h"

#include "base/base64.h"
#include "sasl/crypto.h"
#include "stanza/ns.h"

#include <algorithm>
#include <vector>

namespace balcony::modules {
namespace {

// XEP-0390 §8.1: characters that XML cannot hold, so that nobody can forge a border.
constexpr char kEndOfPart = '\x1c';  // features, identities, extensions
constexpr char kEndOfForm = '\x1d';
constexpr char kEndOfGroup = '\x1e';  // an identity, a field
constexpr char kEndOfText = '\x1f';

std::string joined(std::vector<std::string> texts, char end) {
  std::ranges::sort(texts);
  std::string all;
  for (const std::string& text : texts) all += text;
  all += end;
  return all;
}

std::string ended(std::string_view text) {
  return std::string(text) + kEndOfText;
}

std::string identity(xml::ElementView element) {
  return ended(element.attr("category")) + ended(element.attr("type")) + ended(element.lang()) +
         ended(element.attr("name")) + kEndOfGroup;
}

std::string field(xml::ElementView element) {
  std::vector<std::string> values;
  for (const auto value : element.children(ns::kDataForms, "value")) {
    values.push_back(ended(value.text()));
  }
  return ended(element.attr("var")) + joined(std::move(values), kEndOfGroup);
}

Result<std::string> form(xml::ElementView x) {
  std::vector<std::string> fields;
  bool typed = false;
  for (const xml::ElementView child : x.children()) {
    if (child.is(ns::kDataForms, "reported") || child.is(ns::kDataForms, "item")) {
      return fail(Errc::kMalformed, "a table has no hash");
    }
    if (!child.is(ns::kDataForms, "field")) continue;
    typed = typed || (child.attr("var") == "FORM_TYPE" && child.attr("type") == "hidden");
    fields.push_back(field(child));
  }
  if (!typed) return fail(Errc::kMalformed, "the form has no FORM_TYPE");
  return joined(std::move(fields), kEndOfForm);
}

}  // namespace

Result<std::string> caps2_input(xml::ElementView query) {
  std::vector<std::string> features, identities, extensions;
  for (const xml::ElementView child : query.children()) {
    if (child.is(ns::kDiscoInfo, "feature")) {
      features.push_back(ended(child.attr("var")));
    } else if (child.is(ns::kDiscoInfo, "identity")) {
      identities.push_back(identity(child));
    } else if (child.is(ns::kDataForms, "x")) {
      BALCONY_ASSIGN(std::string made, form(child));
      extensions.push_back(std::move(made));
    } else {
      return fail(Errc::kMalformed, "something that is not hashed stands in the answer");
    }
  }
  return joined(std::move(features), kEndOfPart) + joined(std::move(identities), kEndOfPart) +
         joined(std::move(extensions), kEndOfPart);
}

Result<std::string> caps2_hash(xml::ElementView query) {
  BALCONY_ASSIGN(const std::string input, caps2_input(query));
  return base64_encode(sasl::digest(sasl::ScramHash::kSha256, input));
}

std::string caps2_node(std::string_view hash) {
  return std::string(ns::kCaps2).append("#sha-256.").append(hash);
}

}  // namespace balcony::modules
