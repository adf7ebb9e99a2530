// Result Set Management (XEP-0059 1.0): asking for a part of a long list, and saying which part it
// is. Both halves of <set xmlns='http://jabber.org/protocol/rsm'/>. Values; any thread.
//
//   BALCONY_ASSIGN(const rsm::Request page, rsm::find_request(query));
//   const std::size_t count = std::min<std::size_t>(page.max.value_or(50), 250);
#pragma once

#include <balcony/element.h>
#include <balcony/result.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace balcony::rsm {

// Unique ids are opaque; longer ones are refused.
inline constexpr std::size_t kUidBytesMax = 4096;

// What is asked for. Nothing set: the whole list, as far as the answering side likes.
struct Request {
  std::optional<std::uint32_t> max;    // items at most; 0 asks for the count only (§2.7)
  std::optional<std::string> after;    // behind this id (§2.2); empty: from the first item on
  std::optional<std::string> before;   // before this id (§2.3); empty: the last page (§2.5)
  std::optional<std::uint32_t> index;  // from this position on (§2.6)

  // Whether a page is read from its end: the last `max` items before `before`, still in order.
  bool backwards() const { return before.has_value(); }

  friend bool operator==(const Request&, const Request&) = default;
};

// What came of it. `first` and `last` are both set, or neither when the page is empty (§2.2).
struct Response {
  std::optional<std::string> first;
  std::optional<std::string> last;
  std::optional<std::uint32_t> first_index;  // the position of `first` in the whole list
  std::optional<std::uint32_t> count;        // of the whole list

  friend bool operator==(const Response&, const Response&) = default;
};

// Reads a <set/>. What it does not know it ignores.
// Errors: kBadRequest for another element, a number that is none or above 2147483647 (xs:int), an
// id that is too long, or <index/> beside <after/> or <before/>, which §2.6 excludes.
Result<Request> read_request(xml::ElementView set);
Result<Response> read_response(xml::ElementView set);

// The same for the <set/> child of `payload`; an empty Request or Response when there is none.
Result<Request> find_request(xml::ElementView payload);
Result<Response> find_response(xml::ElementView payload);

xml::Element write(const Request& request);
xml::Element write(const Response& response);

}  // namespace balcony::rsm
