#include "stanza/data_form.h"

#include "stanza/ns.h"

#include <algorithm>
#include <array>
#include <unordered_set>

namespace balcony {
namespace {

constexpr std::array<std::string_view, 4> kFormTypes = {"form", "submit", "cancel", "result"};
constexpr std::array<std::string_view, 10> kFieldTypes = {
    "boolean",    "fixed",       "hidden",     "jid-multi",    "jid-single",
    "list-multi", "list-single", "text-multi", "text-private", "text-single"};

// Takes one form apart; counts what it finds against the limits.
class Reader {
 public:
  explicit Reader(const FormLimits& limits) : limits_(limits) {}

  Result<DataForm> read(xml::ElementView x) {
    const auto type = std::ranges::find(kFormTypes, x.attr("type"));
    if (type == kFormTypes.end()) return fail(Errc::kMalformed, "the type of a form is unknown");
    DataForm form(static_cast<FormType>(type - kFormTypes.begin()));
    for (const xml::ElementView child : x.children()) {
      if (child.ns() == ns::kDataForms) BALCONY_CHECK(read_child(child, form));
    }
    BALCONY_CHECK(check_names(form.fields));
    return form;
  }

 private:
  Result<> read_child(xml::ElementView child, DataForm& form) {
    const std::string_view name = child.name();
    if (name == "field") {
      BALCONY_ASSIGN(FormField field, read_field(child));
      form.fields.push_back(std::move(field));
    } else if (name == "title") {
      BALCONY_ASSIGN(form.title, read_text(child));
    } else if (name == "instructions") {
      BALCONY_ASSIGN(std::string line, read_text(child));
      BALCONY_CHECK(count(values_, limits_.values_max, "lines"));
      form.instructions.push_back(std::move(line));
    } else if (name == "reported") {
      if (!form.reported.empty()) return fail(Errc::kMalformed, "a form has two tables");
      BALCONY_ASSIGN(form.reported, read_fields(child));
    } else if (name == "item") {
      BALCONY_ASSIGN(std::vector<FormField> item, read_fields(child));
      BALCONY_CHECK(count(fields_, limits_.fields_max, "items"));
      form.items.push_back(std::move(item));
    }
    return {};
  }

  Result<std::vector<FormField>> read_fields(xml::ElementView row) {
    std::vector<FormField> fields;
    for (const xml::ElementView child : row.children(ns::kDataForms, "field")) {
      BALCONY_ASSIGN(FormField field, read_field(child));
      fields.push_back(std::move(field));
    }
    BALCONY_CHECK(check_names(fields));
    return fields;
  }

  Result<FormField> read_field(xml::ElementView element) {
    BALCONY_CHECK(count(fields_, limits_.fields_max, "fields"));
    FormField field;
    BALCONY_ASSIGN(field.var, copy(element.attr("var")));
    BALCONY_ASSIGN(field.label, copy(element.attr("label")));
    if (const auto name = element.find_attr("type")) {
      const auto type = std::ranges::find(kFieldTypes, *name);
      // §3.3: text-single is to be assumed for a type that is not known.
      field.type = type == kFieldTypes.end() ? FieldType::kTextSingle
                                             : static_cast<FieldType>(type - kFieldTypes.begin());
    }
    if (field.var.empty() && field.type != FieldType::kFixed) {
      return fail(Errc::kMalformed, "a field has no name");  // §3.2
    }
    for (const xml::ElementView child : element.children()) {
      if (child.ns() == ns::kDataForms) BALCONY_CHECK(read_field_child(child, field));
    }
    return field;
  }

  Result<> read_field_child(xml::ElementView child, FormField& field) {
    const std::string_view name = child.name();
    if (name == "value") {
      BALCONY_CHECK(count(values_, limits_.values_max, "values"));
      BALCONY_ASSIGN(std::string value, read_text(child));
      field.values.push_back(std::move(value));
    } else if (name == "option") {
      BALCONY_CHECK(count(options_, limits_.options_max, "options"));
      const xml::ChildRange values = child.children(ns::kDataForms, "value");
      if (std::ranges::distance(values.begin(), values.end()) != 1) {  // §3.2
        return fail(Errc::kMalformed, "an option of field '" + field.var + "' has not one value");
      }
      BALCONY_ASSIGN(std::string value, read_text(*values.begin()));
      BALCONY_ASSIGN(std::string label, copy(child.attr("label")));
      field.options.emplace_back(std::move(value), std::move(label));
    } else if (name == "desc") {
      BALCONY_ASSIGN(field.desc, read_text(child));
    } else if (name == "required") {
      field.required = true;
    }
    return {};
  }

  // §3.2: a name is unique in its form, or in its row of a table.
  static Result<> check_names(const std::vector<FormField>& fields) {
    std::unordered_set<std::string_view> names;
    for (const FormField& field : fields) {
      if (!field.var.empty() && !names.insert(field.var).second) {
        return fail(Errc::kMalformed, "there are two fields '" + field.var + "'");
      }
    }
    return {};
  }

  Result<std::string> read_text(xml::ElementView element) { return copy(element.text()); }

  Result<std::string> copy(std::string_view text) {
    if (text.size() > limits_.bytes_max - bytes_) {
      return fail(Errc::kPolicyViolation, "the form has too much text");
    }
    bytes_ += text.size();
    return std::string(text);
  }

  static Result<> count(std::size_t& counter, std::size_t max, std::string_view what) {
    if (counter == max) {
      return fail(Errc::kPolicyViolation, std::string("the form has too many ").append(what));
    }
    ++counter;
    return {};
  }

  const FormLimits limits_;
  std::size_t fields_ = 0;
  std::size_t options_ = 0;
  std::size_t values_ = 0;
  std::size_t bytes_ = 0;
};

void write_field(xml::ElementRef parent, const FormField& field) {
  xml::ElementRef element = parent.append("field");
  if (!field.var.empty()) element.set("var", field.var);
  if (field.type) element.set("type", to_string(*field.type));
  if (!field.label.empty()) element.set("label", field.label);
  if (!field.desc.empty()) element.append_text_element("desc", field.desc);
  if (field.required) element.append("required");
  for (const std::string& value : field.values) element.append_text_element("value", value);
  for (const FieldOption& option : field.options) {
    xml::ElementRef child = element.append("option");
    if (!option.label.empty()) child.set("label", option.label);
    child.append_text_element("value", option.value);
  }
}

}  // namespace

std::string_view to_string(FormType type) noexcept {
  return kFormTypes[static_cast<std::size_t>(type)];
}

std::string_view to_string(FieldType type) noexcept {
  return kFieldTypes[static_cast<std::size_t>(type)];
}

Result<DataForm> read_data_form(xml::ElementView x, const FormLimits& limits) {
  if (!x.is(ns::kDataForms, "x")) return fail(Errc::kMalformed, "the element is no data form");
  return Reader(limits).read(x);
}

Result<std::optional<DataForm>> find_data_form(xml::ElementView parent, const FormLimits& limits) {
  const xml::ElementView x = parent.child(ns::kDataForms, "x");
  if (!x) return std::nullopt;
  BALCONY_ASSIGN(DataForm form, read_data_form(x, limits));
  return form;
}

xml::Element write_data_form(const DataForm& form) {
  xml::Element x(ns::kDataForms, "x");
  x.set("type", to_string(form.type));
  if (!form.title.empty()) x.append_text_element("title", form.title);
  for (const std::string& line : form.instructions) x.append_text_element("instructions", line);
  for (const FormField& field : form.fields) write_field(x.ref(), field);
  if (!form.reported.empty()) {
    const xml::ElementRef reported = x.append("reported");
    for (const FormField& field : form.reported) write_field(reported, field);
  }
  for (const std::vector<FormField>& item : form.items) {
    const xml::ElementRef row = x.append("item");
    for (const FormField& field : item) write_field(row, field);
  }
  return x;
}

}  // namespace balcony
