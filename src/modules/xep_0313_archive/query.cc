#include "modules/xep_0313_archive/query.h"

#include "stanza/data_form.h"
#include "stanza/datetime.h"
#include "stanza/ns.h"

#include <algorithm>
#include <array>

namespace balcony::modules {
namespace {

constexpr std::string_view kFullText = "{urn:xmpp:fulltext:0}fulltext";  // XEP-0431 §3

struct Field {
  std::string_view var;
  FieldType type;
};
constexpr std::array kFields = {
    Field{"with", FieldType::kJidSingle},
    Field{"start", FieldType::kTextSingle},
    Field{"end", FieldType::kTextSingle},
    Field{"before-id", FieldType::kTextSingle},
    Field{"after-id", FieldType::kTextSingle},
    Field{"ids", FieldType::kListMulti},
    Field{"include-groupchat", FieldType::kBoolean},
    Field{kFullText, FieldType::kTextSingle},
};

Result<> check_fields(const DataForm& form) {
  if (form.type != FormType::kSubmit) return fail(Errc::kBadRequest, "the form is not submitted");
  if (form.form_type() != ns::kMam) return fail(Errc::kBadRequest, "the FORM_TYPE is another");
  for (const FormField& field : form.fields) {
    const bool known = std::ranges::find(kFields, field.var, &Field::var) != kFields.end();
    if (known || field.var == "FORM_TYPE") continue;
    // XEP-0313 §4.1.6
    return fail(Errc::kFeatureNotImplemented, "no archive here knows the field " + field.var);
  }
  return {};
}

Result<std::optional<WallTime>> read_time(const DataForm& form, std::string_view var) {
  const auto text = form.text(var);
  if (!text || text->empty()) return std::nullopt;
  BALCONY_ASSIGN(const WallTime time, parse_datetime(*text));
  return time;
}

Result<> read_form(const DataForm& form, ArchiveAsk& ask) {
  BALCONY_CHECK(check_fields(form));
  if (const auto with = form.text("with"); with && !with->empty()) {
    auto jid = Jid::parse(*with);
    if (!jid) return fail(Errc::kBadRequest, "with: " + jid.error().to_string());
    ask.with = *std::move(jid);
  }
  BALCONY_ASSIGN(ask.start, read_time(form, "start"));
  BALCONY_ASSIGN(ask.end, read_time(form, "end"));
  ask.after_id = form.text("after-id").value_or("");
  ask.before_id = form.text("before-id").value_or("");
  ask.words = form.text(kFullText).value_or("");
  ask.ids = form.list("ids");
  std::ranges::sort(ask.ids);
  const auto doubled = std::ranges::unique(ask.ids);
  ask.ids.erase(doubled.begin(), doubled.end());
  if (ask.ids.size() > kQueryIdsMax) return fail(Errc::kResourceConstraint, "too many ids");
  return {};
}

}  // namespace

Result<ArchiveAsk> read_archive_query(xml::ElementView query) {
  ArchiveAsk ask;
  ask.query_id = query.find_attr("queryid");
  // It comes back in each result.
  if (ask.query_id && ask.query_id->size() > kQueryIdBytesMax) {
    return fail(Errc::kBadRequest, "the queryid is too long");
  }
  BALCONY_ASSIGN(const std::optional<DataForm> form, find_data_form(query));
  if (form) BALCONY_CHECK(read_form(*form, ask));
  BALCONY_ASSIGN(ask.page, rsm::find_request(query));
  if (ask.page.index) {
    // XEP-0059 §2.6
    return fail(Errc::kFeatureNotImplemented, "no page can be asked for by its number");
  }
  ask.flip = static_cast<bool>(query.child("flip-page"));
  return ask;
}

xml::Element archive_query_form() {
  xml::Element query(ns::kMam, "query");
  xml::ElementRef form = query.append(ns::kDataForms, "x").set("type", "form");
  form.append("field")
      .set("type", "hidden")
      .set("var", "FORM_TYPE")
      .append_text_element("value", ns::kMam);
  for (const Field& field : kFields) {
    xml::ElementRef shown = form.append("field");
    shown.set("type", to_string(field.type)).set("var", field.var);
    if (field.type != FieldType::kListMulti) continue;
    // §4.1.6: the list of ids is open, and never told.
    xml::ElementRef validate = shown.append(ns::kDataFormValidation, "validate");
    validate.set("datatype", "xs:string").append("open");
  }
  return query;
}

}  // namespace balcony::modules
