// The elements of urn:xmpp:sm:3, read and written.
#include "base/number.h"
#include "stanza/ns.h"
#include "stream/stream_management.h"

namespace balcony::stream {
namespace {

bool read_boolean(std::string_view text) {
  return text == "true" || text == "1";
}

}  // namespace

Result<StanzaCount> StreamManagement::read_h(xml::ElementView element) {
  const auto h = read_number<std::uint32_t>(element.attr("h"));
  if (!h) return fail(Errc::kBadRequest, "h is no count of stanzas");
  return *h;
}

xml::Element write_enable(bool resume) {
  xml::Element element(ns::kStreamManagement, "enable");
  if (resume) element.set("resume", "true");
  return element;
}

xml::Element write_enabled(std::string_view id, std::uint32_t max_seconds,
                           std::string_view location) {
  xml::Element element(ns::kStreamManagement, "enabled");
  if (id.empty()) return element;
  element.set("id", id).set("resume", "true").set("max", std::to_string(max_seconds));
  if (!location.empty()) element.set("location", location);
  return element;
}

xml::Element write_resume(std::string_view previd, StanzaCount h) {
  xml::Element element(ns::kStreamManagement, "resume");
  element.set("previd", previd).set("h", std::to_string(h));
  return element;
}

xml::Element write_resumed(std::string_view previd, StanzaCount h) {
  xml::Element element(ns::kStreamManagement, "resumed");
  element.set("previd", previd).set("h", std::to_string(h));
  return element;
}

xml::Element write_failed(Errc condition, std::optional<StanzaCount> h) {
  xml::Element element(ns::kStreamManagement, "failed");
  if (h) element.set("h", std::to_string(*h));
  element.append(ns::kStanzas, to_string(condition));
  return element;
}

Result<Enabled> read_enabled(xml::ElementView element) {
  if (!element.is(ns::kStreamManagement, "enabled")) {
    return fail(Errc::kBadRequest, "this is no <enabled/>");
  }
  Enabled enabled;
  enabled.location = element.attr("location");
  enabled.max_seconds = read_number<std::uint32_t>(element.attr("max"));
  if (!read_boolean(element.attr("resume"))) return enabled;
  enabled.id = element.attr("id");
  if (enabled.id.empty()) return fail(Errc::kBadRequest, "a stream to resume needs an id");
  return enabled;
}

Result<Resume> read_resume(xml::ElementView element) {
  if (element.ns() != ns::kStreamManagement ||
      (element.name() != "resume" && element.name() != "resumed")) {
    return fail(Errc::kBadRequest, "this is no <resume/>");
  }
  BALCONY_ASSIGN(const StanzaCount h, StreamManagement::read_h(element));
  if (element.attr("previd").empty()) return fail(Errc::kBadRequest, "previd is missing");
  return Resume{std::string(element.attr("previd")), h};
}

xml::Element write_handled_count_too_high(StanzaCount h, StanzaCount sent) {
  xml::Element error = write_stream_error({StreamCondition::kUndefinedCondition, ""});
  error.append(ns::kStreamManagement, "handled-count-too-high")
      .set("h", std::to_string(h))
      .set("send-count", std::to_string(sent));
  return error;
}

}  // namespace balcony::stream
