// Data forms (XEP-0004 2.13.1) with their FORM_TYPE (XEP-0068): questions, answers and tables.
//
//   DataForm form(FormType::kForm, "jabber:bot");
//   form.add("public", FieldType::kBoolean, "Public bot?").required = true;
//   ...
//   BALCONY_ASSIGN(const DataForm answer, read_data_form(x));
//   BALCONY_CHECK(validate(form, answer));
//   BALCONY_ASSIGN(const std::optional<bool> is_public, answer.boolean("public"));
//
// Used by every module that is configured or searched, and by the client library. Values; any
// thread, as long as nobody writes.
#pragma once

#include <balcony/element.h>
#include <balcony/jid.h>
#include <balcony/result.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace balcony {

enum class FormType : std::uint8_t { kForm, kSubmit, kCancel, kResult };  // §3.1

enum class FieldType : std::uint8_t {  // §3.3
  kBoolean,
  kFixed,
  kHidden,
  kJidMulti,
  kJidSingle,
  kListMulti,
  kListSingle,
  kTextMulti,
  kTextPrivate,
  kTextSingle,
};

// The attribute's value: "text-single".
std::string_view to_string(FormType type) noexcept;
std::string_view to_string(FieldType type) noexcept;

struct FieldOption {
  FieldOption(std::string value_, std::string label_ = {})
      : value(std::move(value_)), label(std::move(label_)) {}

  std::string value;
  std::string label;  // for people; may be empty

  friend bool operator==(const FieldOption&, const FieldOption&) = default;
};

struct FormField {
  FormField() = default;
  explicit FormField(std::string var_, std::optional<FieldType> type_ = {}, std::string label_ = {})
      : var(std::move(var_)), type(type_), label(std::move(label_)) {}

  std::string var;                // its name; may be empty in a fixed field only
  std::optional<FieldType> type;  // none: by context (§3.2), text-single in a form
  std::string label;              // for people, as is desc; both may be empty
  std::string desc;
  bool required = false;
  std::vector<std::string> values;   // defaults in a form, else data
  std::vector<FieldOption> options;  // of list-single and list-multi

  friend bool operator==(const FormField&, const FormField&) = default;
};

struct DataForm {
  explicit DataForm(FormType type_ = FormType::kSubmit) : type(type_) {}
  // With a FORM_TYPE, as a hidden field (XEP-0068 §3).
  DataForm(FormType type_, std::string_view form_type);

  FormType type;
  std::string title;
  std::vector<std::string> instructions;
  std::vector<FormField> fields;
  // A table of results (§3.4): its head and its rows.
  std::vector<FormField> reported;
  std::vector<std::vector<FormField>> items;

  // Building. The references last until the next field is added.
  FormField& add(std::string_view var, FieldType type_, std::string_view label = {});
  // The setters replace the values of a field that is there, or add one without type.
  FormField& set(std::string_view var, std::string_view value);
  FormField& set_list(std::string_view var, std::vector<std::string> values);
  FormField& set_boolean(std::string_view var, bool value);
  void add_fixed(std::string_view text);

  // The value of FORM_TYPE; empty when there is none, or one that does not count because it is not
  // hidden (XEP-0068 §4.2: in a submission it counts anyway).
  std::string_view form_type() const;

  // The field of that name, or null.
  const FormField* find(std::string_view var) const;

  // Reading. `nullopt` means that the field is missing or has no value; nothing else is said about
  // the difference (§3.6). The errors are kNotAcceptable (§4) and name the field.
  std::optional<std::string> text(std::string_view var) const;  // lines joined by '\n'
  Result<std::optional<bool>> boolean(std::string_view var) const;
  Result<std::optional<std::int64_t>> integer(std::string_view var) const;
  Result<std::optional<Jid>> jid(std::string_view var) const;
  Result<std::vector<Jid>> jids(std::string_view var) const;  // each once (§3.3)
  std::vector<std::string> list(std::string_view var) const;

  friend bool operator==(const DataForm&, const DataForm&) = default;
};

// What a form may hold at most; a larger one is refused while it is read.
struct FormLimits {
  std::size_t fields_max = 4096;       // with those of the table
  std::size_t options_max = 4096;      // of all fields together
  std::size_t values_max = 16384;      // of all fields together
  std::size_t bytes_max = 512 * 1024;  // names, labels, values and all other text
};

// Reads <x xmlns='jabber:x:data'/>. A field of unknown type is text-single (§3.3); children that
// are not known, such as media (XEP-0221), are ignored; <item/> may stand before <reported/>.
// Errors: kMalformed for another element, an unknown type of form, a field without 'var' that is
//         not fixed, two fields of one name, an option without exactly one value, two tables;
//         kPolicyViolation for a form beyond the limits.
Result<DataForm> read_data_form(xml::ElementView x, const FormLimits& limits = {});

// The form that is a child of `parent`; nullopt when there is none.
Result<std::optional<DataForm>> find_data_form(xml::ElementView parent,
                                               const FormLimits& limits = {});

xml::Element write_data_form(const DataForm& form);

// Whether `submit` answers `form`: the same FORM_TYPE, every required field with a value, and each
// value as the type in `form` demands: one value only where one may be, booleans, addresses, list
// entries out of the options. Fields that `form` does not have are ignored (§3.1), and so is their
// type in `submit`.
// Errors: kNotAcceptable (§4), and the sentence names the field.
Result<> validate(const DataForm& form, const DataForm& submit);

}  // namespace balcony
