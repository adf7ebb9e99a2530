// Any element, as a data form, a result set and a delay: what is read is written and read again to
// the same value. The bytes themselves, as a date or time: the same.
#include "base/assert.h"
#include "stanza/data_form.h"
#include "stanza/datetime.h"
#include "stanza/delay.h"
#include "stanza/rsm.h"
#include "xml/parser.h"

#include <cstddef>
#include <cstdint>

namespace {

using namespace balcony;

void check_form(xml::ElementView element) {
  const auto form = read_data_form(element);
  if (!form) return;
  const auto again = read_data_form(write_data_form(*form));
  BALCONY_ASSERT(again && *again == *form, "a form survives writing");
  for (const FormField& field : form->fields) {
    if (const auto value = form->boolean(field.var); value && *value) {
      BALCONY_ASSERT(form->text(field.var), "a boolean has a text");
    }
    if (const auto all = form->jids(field.var); all) {
      BALCONY_ASSERT(all->size() <= field.values.size(), "no address out of nothing");
    }
  }
  // A form is an answer to itself unless it asks for something that it does not have.
  DataForm submit = *form;
  submit.type = FormType::kSubmit;
  const auto fits = validate(*form, submit);
  BALCONY_ASSERT(fits || !fits.error().detail.empty(), "a refusal says why");
}

void check_rsm(xml::ElementView element) {
  if (const auto request = rsm::read_request(element)) {
    const auto again = rsm::read_request(rsm::write(*request));
    BALCONY_ASSERT(again && *again == *request, "a request survives writing");
  }
  auto response = rsm::read_response(element);
  if (!response) return;
  if (!response->first) response->first_index.reset();
  const auto again = rsm::read_response(rsm::write(*response));
  BALCONY_ASSERT(again && *again == *response, "a response survives writing");
}

void check_delay(xml::ElementView element) {
  const auto delay = read_delay(element);
  if (!delay) return;
  const auto again = read_delay(write_delay(*delay));
  BALCONY_ASSERT(again && *again == *delay, "a delay survives writing");
}

void check_times(std::string_view text) {
  if (const auto moment = parse_datetime(text)) {
    const auto again = parse_datetime(format_datetime(*moment));
    BALCONY_ASSERT(again && *again == *moment, "a moment survives writing");
  }
  if (const auto time = parse_time(text)) {
    const auto again = parse_time(format_time(*time));
    BALCONY_ASSERT(again && *again == *time, "a time survives writing");
  }
  if (const auto date = parse_date(text)) {
    BALCONY_ASSERT(format_date(*date) == text, "a date has one form");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_times(text);
  const auto element = xml::parse(text);
  if (!element) return 0;
  check_form(*element);
  check_rsm(*element);
  check_delay(*element);
  for (const xml::ElementView child : element->children()) {
    check_form(child);
    check_rsm(child);
    check_delay(child);
  }
  return 0;
}
