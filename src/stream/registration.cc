#include "stream/registration.h"

#include "stanza/ns.h"

#include <utility>

namespace balcony::stream {
namespace {

constexpr std::string_view kOutOfBand = "jabber:x:oob";  // XEP-0066

void add_missing(std::string& missing, std::string_view name) {
  if (!missing.empty()) missing += ", ";
  missing += name;
}

Result<xml::Element> complete(xml::Element query, const std::string& missing) {
  if (missing.empty()) return query;
  return fail(Errc::kNotAcceptable, "the server asks for more to register: " + missing);
}

// XEP-0077 §4, XEP-0004 §3.2.
Result<xml::Element> fill_data_form(xml::ElementView form, const RegistrationFields& values) {
  xml::Element query(ns::kRegister, "query");
  xml::ElementRef submitted = query.append(ns::kDataForms, "x").set("type", "submit");
  std::string missing;
  for (const xml::ElementView field : form.children(ns::kDataForms, "field")) {
    const std::string_view name = field.attr("var");
    if (name.empty() || field.attr("type") == "fixed") continue;
    const auto given = values.find(name);
    std::string value;
    if (given != values.end()) {
      value = given->second;
    } else if (field.attr("type") == "hidden") {
      value = field.child_text(ns::kDataForms, "value");  // FORM_TYPE and what the server keeps
    } else {
      if (field.child(ns::kDataForms, "required")) add_missing(missing, name);
      continue;
    }
    submitted.append("field").set("var", name).append_text_element("value", value);
  }
  return complete(std::move(query), missing);
}

}  // namespace

Result<xml::Element> fill_registration(xml::ElementView form, const RegistrationFields& fields) {
  if (form.child(ns::kRegister, "registered")) {
    return fail(Errc::kConflict, "this account is registered already");
  }
  if (const xml::ElementView data = form.child(ns::kDataForms, "x")) {
    return fill_data_form(data, fields);
  }
  if (const xml::ElementView elsewhere = form.child(kOutOfBand, "x")) {
    return fail(Errc::kRedirect,
                "the server registers accounts at " + elsewhere.child_text(kOutOfBand, "url"));
  }
  xml::Element query(ns::kRegister, "query");
  std::string missing;
  std::size_t asked = 0;
  for (const xml::ElementView field : form.children()) {
    if (field.ns() != ns::kRegister || field.name() == "instructions") continue;
    ++asked;
    if (field.name() == "key") {  // XEP-0077 §3.1 of old: sent back as it came
      query.append_text_element("key", field.text());
    } else if (const auto given = fields.find(field.name()); given != fields.end()) {
      query.append_text_element(field.name(), given->second);
    } else {
      add_missing(missing, field.name());
    }
  }
  if (asked == 0) {
    return fail(Errc::kNotAcceptable, "the server registers no accounts this way. It says: " +
                                          form.child_text(ns::kRegister, "instructions"));
  }
  return complete(std::move(query), missing);
}

}  // namespace balcony::stream
