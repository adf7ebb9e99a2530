#include "modules/disco.h"

#include "base/base64.h"
#include "sasl/crypto.h"
#include "stanza/ns.h"

#include <algorithm>
#include <array>
#include <vector>

namespace balcony::modules {
namespace {

std::string joined(const std::array<std::string_view, 4>& parts) {
  std::string text(parts[0]);
  for (std::size_t i = 1; i < parts.size(); ++i) text.append("/").append(parts[i]);
  return text;
}

// XEP-0115 §5.1 steps 2 and 3: category/type/lang/name, sorted by the first, then by the next: not
// as one text, where a slash would count.
std::vector<std::string> identities(xml::ElementView query) {
  std::vector<std::array<std::string_view, 4>> all;
  for (const xml::ElementView identity : query.children(ns::kDiscoInfo, "identity")) {
    all.push_back({identity.attr("category"), identity.attr("type"),
                   identity.attr(xml::kXmlNs, "lang"), identity.attr("name")});
  }
  std::ranges::sort(all);
  std::vector<std::string> texts;
  for (const auto& identity : all) texts.push_back(joined(identity));
  return texts;
}

// Step 6 and 7: each form that has a FORM_TYPE, sorted by it; its fields sorted by name, their
// values sorted.
std::vector<std::string> forms(xml::ElementView query) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const xml::ElementView x : query.children(ns::kDataForms, "x")) {
    auto form = read_data_form(x);
    if (!form || form->form_type().empty()) continue;
    std::string text(form->form_type());
    text += '<';
    std::ranges::sort(form->fields, {}, &FormField::var);
    for (FormField& field : form->fields) {
      if (field.var == "FORM_TYPE") continue;
      text.append(field.var).append("<");
      std::ranges::sort(field.values);
      for (const std::string& value : field.values) text.append(value).append("<");
    }
    all.emplace_back(form->form_type(), std::move(text));
  }
  std::ranges::sort(all);
  std::vector<std::string> texts;
  for (auto& [type, text] : all) texts.push_back(std::move(text));
  return texts;
}

}  // namespace

xml::Element disco_info(router::Server& server, const router::User* account, const Jid& from) {
  xml::Element query(ns::kDiscoInfo, "query");
  xml::ElementRef identity = query.append("identity");
  identity.set("category", account ? "account" : "server");
  identity.set("type", account ? "registered" : "im");
  if (!account) {
    identity.set("name", "Balcony");
    // Said here, or it would be that of the stream, and so would the hashes (XEP-0390 §4.1).
    identity.set(xml::kXmlNs, "lang", "en");
  }
  const auto& features = account ? server.account_features() : server.server_features();
  for (const std::string& feature : features) query.append("feature").set("var", feature);
  server.events().fire(router::DiscoInfo{account, from, {}, query});
  return query;
}

void add_info_form(xml::Element& query, const DataForm& form) {
  DataForm whole = form;
  for (const xml::ElementView x : query.children(ns::kDataForms, "x")) {
    auto there = read_data_form(x);
    if (!there || there->form_type() != form.form_type()) continue;
    for (const FormField& field : form.fields) {
      if (!there->find(field.var)) there->fields.push_back(field);
    }
    whole = *std::move(there);
    query.ref().remove_child(x);
    break;
  }
  query.append(write_data_form(whole));
}

std::string caps_hash(xml::ElementView query) {
  std::string text;
  for (const std::string& identity : identities(query)) text.append(identity).append("<");
  std::vector<std::string> features;
  for (const xml::ElementView feature : query.children(ns::kDiscoInfo, "feature")) {
    features.emplace_back(feature.attr("var"));
  }
  std::ranges::sort(features);
  for (const std::string& feature : features) text.append(feature).append("<");
  for (const std::string& form : forms(query)) text.append(form);
  return base64_encode(sasl::digest(sasl::ScramHash::kSha1, text));
}

bool is_caps_node(router::Server& server, std::string_view node) {
  if (!node.starts_with(kCapsNode) || node.substr(kCapsNode.size()).substr(0, 1) != "#")
    return false;
  return node.substr(kCapsNode.size() + 1) == caps_hash(disco_info(server, nullptr, server.host()));
}

}  // namespace balcony::modules
