#include "stanza/rsm.h"

#include "base/number.h"
#include "stanza/ns.h"

namespace balcony::rsm {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";

// xs:int of §7, without sign; white space around it collapses.
Result<std::uint32_t> read_int(std::string_view text, std::string_view what) {
  const std::size_t first = text.find_first_not_of(kWhiteSpace);
  if (first != std::string_view::npos) {
    text = text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
  }
  const auto number = read_number<std::int32_t>(text);
  if (number.value_or(-1) < 0) {
    return fail(Errc::kBadRequest, std::string("<").append(what).append("/> holds no number"));
  }
  return static_cast<std::uint32_t>(*number);
}

Result<> read_child(xml::ElementView set, std::string_view name,
                    std::optional<std::uint32_t>& number) {
  if (const xml::ElementView child = set.child(name)) {
    BALCONY_ASSIGN(number, read_int(child.text(), name));
  }
  return {};
}

Result<> read_uid(xml::ElementView set, std::string_view name, std::optional<std::string>& uid) {
  const xml::ElementView child = set.child(name);
  if (!child) return {};
  uid = child.text();
  if (uid->size() > kUidBytesMax) {
    return fail(Errc::kBadRequest,
                std::string("the id in <").append(name).append("/> is too long"));
  }
  return {};
}

Result<> check_name(xml::ElementView set) {
  if (!set.is(ns::kRsm, "set")) return fail(Errc::kBadRequest, "the element is no RSM <set/>");
  return {};
}

void write_number(xml::ElementRef set, std::string_view name,
                  const std::optional<std::uint32_t>& number) {
  if (number) set.append_text_element(name, std::to_string(*number));
}

void write_uid(xml::ElementRef set, std::string_view name, const std::optional<std::string>& uid) {
  if (uid) set.append_text_element(name, *uid);
}

}  // namespace

Result<Request> read_request(xml::ElementView set) {
  BALCONY_CHECK(check_name(set));
  Request request;
  BALCONY_CHECK(read_child(set, "max", request.max));
  BALCONY_CHECK(read_uid(set, "after", request.after));
  BALCONY_CHECK(read_uid(set, "before", request.before));
  BALCONY_CHECK(read_child(set, "index", request.index));
  if (request.index && (request.after || request.before)) {
    return fail(Errc::kBadRequest, "<index/> does not go with <after/> or <before/>");
  }
  return request;
}

Result<Response> read_response(xml::ElementView set) {
  BALCONY_CHECK(check_name(set));
  Response response;
  BALCONY_CHECK(read_uid(set, "first", response.first));
  BALCONY_CHECK(read_uid(set, "last", response.last));
  BALCONY_CHECK(read_child(set, "count", response.count));
  if (const auto index = set.child("first").find_attr("index")) {
    BALCONY_ASSIGN(response.first_index, read_int(*index, "first"));
  }
  return response;
}

Result<Request> find_request(xml::ElementView payload) {
  const xml::ElementView set = payload.child(ns::kRsm, "set");
  if (!set) return Request{};
  return read_request(set);
}

Result<Response> find_response(xml::ElementView payload) {
  const xml::ElementView set = payload.child(ns::kRsm, "set");
  if (!set) return Response{};
  return read_response(set);
}

xml::Element write(const Request& request) {
  xml::Element set(ns::kRsm, "set");
  write_number(set.ref(), "max", request.max);
  write_uid(set.ref(), "after", request.after);
  write_uid(set.ref(), "before", request.before);
  write_number(set.ref(), "index", request.index);
  return set;
}

xml::Element write(const Response& response) {
  xml::Element set(ns::kRsm, "set");
  if (response.first) {
    xml::ElementRef first = set.append("first");
    first.append_text(*response.first);
    if (response.first_index) first.set("index", std::to_string(*response.first_index));
  }
  write_uid(set.ref(), "last", response.last);
  write_number(set.ref(), "count", response.count);
  return set;
}

}  // namespace balcony::rsm
