// What is in a data form: building, typed reading, and whether an answer fits its form.
#include "base/number.h"
#include "stanza/data_form.h"

#include <algorithm>
#include <unordered_set>

namespace balcony {
namespace {

constexpr std::string_view kFormTypeVar = "FORM_TYPE";

std::unexpected<Error> refuse(std::string_view var, std::string_view why) {
  return fail(Errc::kNotAcceptable, std::string("field '").append(var).append("' ").append(why));
}

// The lexical forms of XML Schema's boolean.
std::optional<bool> parse_boolean(std::string_view text) {
  if (text == "1" || text == "true") return true;
  if (text == "0" || text == "false") return false;
  return std::nullopt;
}

bool has_value(const FormField& field) {
  return std::ranges::any_of(field.values, [](const std::string& value) { return !value.empty(); });
}

bool is_multi(FieldType type) {
  switch (type) {
    case FieldType::kListMulti:
    case FieldType::kJidMulti:
    case FieldType::kTextMulti:
    case FieldType::kHidden: return true;
    default: return false;
  }
}

bool offers(const FormField& asked, std::string_view value) {
  return std::ranges::find(asked.options, value, &FieldOption::value) != asked.options.end();
}

Result<> check_value(const FormField& asked, FieldType type, const std::string& value) {
  switch (type) {
    case FieldType::kBoolean:
      if (!parse_boolean(value)) return refuse(asked.var, "is neither true nor false");
      break;
    case FieldType::kJidSingle:
    case FieldType::kJidMulti:
      if (const auto jid = Jid::parse(value); !jid) {
        return refuse(asked.var, "is no address: " + jid.error().detail);
      }
      break;
    case FieldType::kListSingle:
    case FieldType::kListMulti:
      if (!offers(asked, value)) return refuse(asked.var, "is none of the options");
      break;
    default: break;
  }
  return {};
}

Result<> check_field(const FormField& asked, const FormField& given) {
  const FieldType type = asked.type.value_or(FieldType::kTextSingle);
  if (type == FieldType::kFixed) return {};
  // §3.6: an empty value is none, unless it is one of the options.
  const bool empty_option = !given.values.empty() && offers(asked, "");
  if (!has_value(given) && !empty_option) {
    if (asked.required) return refuse(asked.var, "is required");
    return {};
  }
  if (!is_multi(type) && given.values.size() > 1) return refuse(asked.var, "has several values");
  for (const std::string& value : given.values) BALCONY_CHECK(check_value(asked, type, value));
  return {};
}

}  // namespace

DataForm::DataForm(FormType type_, std::string_view form_type) : type(type_) {
  add(kFormTypeVar, FieldType::kHidden).values.emplace_back(form_type);
}

FormField& DataForm::add(std::string_view var, FieldType type_, std::string_view label) {
  return fields.emplace_back(std::string(var), type_, std::string(label));
}

FormField& DataForm::set_list(std::string_view var, std::vector<std::string> values) {
  const auto at = std::ranges::find(fields, var, &FormField::var);
  FormField& field = at != fields.end() ? *at : fields.emplace_back(std::string(var));
  field.values = std::move(values);
  return field;
}

FormField& DataForm::set(std::string_view var, std::string_view value) {
  return set_list(var, std::vector<std::string>{std::string(value)});
}

FormField& DataForm::set_boolean(std::string_view var, bool value) {
  return set(var, value ? "1" : "0");
}

void DataForm::add_fixed(std::string_view text) {
  add({}, FieldType::kFixed).values.emplace_back(text);
}

std::string_view DataForm::form_type() const {
  const FormField* field = find(kFormTypeVar);
  if (!field || field->values.empty()) return {};
  // XEP-0068 §4.2, §4.3: outside of a submission the field must be hidden.
  if (type != FormType::kSubmit && field->type != FieldType::kHidden) return {};
  return field->values.front();
}

const FormField* DataForm::find(std::string_view var) const {
  if (var.empty()) return nullptr;  // fixed fields without a name are no answer to anything
  const auto at = std::ranges::find(fields, var, &FormField::var);
  return at != fields.end() ? &*at : nullptr;
}

std::optional<std::string> DataForm::text(std::string_view var) const {
  const FormField* field = find(var);
  if (!field || field->values.empty()) return std::nullopt;
  std::string text = field->values.front();
  for (std::size_t at = 1; at < field->values.size(); ++at) {
    text.append(1, '\n').append(field->values[at]);
  }
  return text;
}

Result<std::optional<bool>> DataForm::boolean(std::string_view var) const {
  const FormField* field = find(var);
  if (!field || !has_value(*field)) return std::nullopt;
  const auto value = parse_boolean(field->values.front());
  if (!value || field->values.size() > 1) return refuse(var, "is neither true nor false");
  return value;
}

Result<std::optional<std::int64_t>> DataForm::integer(std::string_view var) const {
  const FormField* field = find(var);
  if (!field || !has_value(*field)) return std::nullopt;
  const auto number = read_number<std::int64_t>(field->values.front());
  if (!number || field->values.size() > 1) return refuse(var, "is no number");
  return number;
}

Result<std::optional<Jid>> DataForm::jid(std::string_view var) const {
  BALCONY_ASSIGN(std::vector<Jid> all, jids(var));
  if (all.size() > 1) return refuse(var, "has several values");
  if (all.empty()) return std::nullopt;
  return std::move(all.front());
}

Result<std::vector<Jid>> DataForm::jids(std::string_view var) const {
  std::vector<Jid> all;
  std::unordered_set<Jid> seen;
  const FormField* field = find(var);
  if (!field || !has_value(*field)) return all;
  for (const std::string& value : field->values) {
    auto jid = Jid::parse(value);
    if (!jid) return refuse(var, "is no address: " + jid.error().detail);
    if (seen.insert(*jid).second) all.push_back(*std::move(jid));  // §3.3: duplicates are ignored
  }
  return all;
}

std::vector<std::string> DataForm::list(std::string_view var) const {
  const FormField* field = find(var);
  return field ? field->values : std::vector<std::string>{};
}

Result<> validate(const DataForm& form, const DataForm& submit) {
  if (submit.type != FormType::kSubmit) {
    return fail(Errc::kNotAcceptable, "the form is not of type 'submit'");
  }
  // XEP-0068 §4: a submission without FORM_TYPE is taken by the rules that hold otherwise.
  const std::string_view given = submit.form_type();
  if (!given.empty() && given != form.form_type()) return refuse(kFormTypeVar, "is another one");
  const FormField nothing;
  for (const FormField& asked : form.fields) {
    if (asked.var == kFormTypeVar) continue;
    const FormField* answer = submit.find(asked.var);
    BALCONY_CHECK(check_field(asked, answer ? *answer : nothing));
  }
  return {};
}

}  // namespace balcony
