#include "stream/stream_management.h"

#include "stanza/ns.h"
#include "xml/parser.h"
#include "xml/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace balcony::stream {
namespace {

using ::testing::HasSubstr;

xml::Element sm(std::string_view name, std::string_view h = {}) {
  xml::Element element(ns::kStreamManagement, name);
  if (!h.empty()) element.set("h", h);
  return element;
}

StreamManagement started() {
  StreamManagement machine;
  machine.start_sending();
  machine.start_receiving();
  return machine;
}

TEST(StreamManagement, CountsFromWhereItBegins) {
  StreamManagement machine;
  machine.received();
  EXPECT_TRUE(machine.sent({"<message/>"}));
  EXPECT_EQ(machine.h(), 0u);
  EXPECT_EQ(machine.unacknowledged(), 0u);
  machine.start_receiving();
  machine.received();
  machine.received();
  EXPECT_EQ(machine.h(), 2u);
  EXPECT_EQ(machine.on_element(sm("r")).reply, "<a xmlns='urn:xmpp:sm:3' h='2'/>");
  EXPECT_EQ(StreamManagement::ask(), "<r xmlns='urn:xmpp:sm:3'/>");
}

TEST(StreamManagement, ForgetsWhatIsAcknowledged) {
  StreamManagement machine = started();
  for (const char* text : {"<a1/>", "<a22/>", "<a333/>"}) ASSERT_TRUE(machine.sent({text}));
  EXPECT_EQ(machine.unacknowledged_bytes(), 18u);
  auto effect = machine.on_element(sm("a", "2"));
  EXPECT_EQ(effect.forgotten, 2u);
  EXPECT_EQ(effect.reply, "");
  EXPECT_FALSE(effect.error);
  EXPECT_EQ(machine.unacknowledged_bytes(), 7u);
  EXPECT_EQ(machine.on_element(sm("a", "2")).forgotten, 0u);
  EXPECT_EQ(machine.on_element(sm("a", "3")).forgotten, 1u);
  EXPECT_EQ(machine.unacknowledged_bytes(), 0u);
}

TEST(StreamManagement, RefusesWhatWasNotSent) {
  StreamManagement machine = started();
  ASSERT_TRUE(machine.sent({"<a/>"}));
  auto effect = machine.on_element(sm("a", "2"));
  ASSERT_TRUE(effect.error);
  EXPECT_EQ(effect.error->condition, StreamCondition::kUndefinedCondition);
  EXPECT_THAT(effect.reply,
              HasSubstr("<handled-count-too-high xmlns='urn:xmpp:sm:3' h='2' send-count='1'/>"));
  EXPECT_THAT(effect.reply, HasSubstr("<undefined-condition "));
  EXPECT_EQ(machine.unacknowledged(), 1u);
  // Back to a count from before is the same lie, modulo 2^32.
  ASSERT_TRUE(machine.acknowledged(1));
  EXPECT_EQ(machine.acknowledged(0).error().code, Errc::kPolicyViolation);
}

TEST(StreamManagement, WrapsAround) {
  StreamManagement machine;
  machine.continue_from(0xFFFFFFFE, 0xFFFFFFFE);
  for (int i = 0; i < 4; ++i) {
    machine.received();
    ASSERT_TRUE(machine.sent({"<a" + std::to_string(i) + "/>"}));
  }
  EXPECT_EQ(machine.h(), 2u);
  EXPECT_EQ(machine.on_element(sm("a", "4294967295")).forgotten, 1u);
  EXPECT_EQ(machine.on_element(sm("a", "0")).forgotten, 1u);
  EXPECT_EQ(machine.on_element(sm("a", "3")).error->condition,
            StreamCondition::kUndefinedCondition);
  EXPECT_EQ(machine.resume(1).value(), "<a3/>");
  EXPECT_EQ(machine.on_element(sm("a", "2")).forgotten, 1u);
  EXPECT_EQ(machine.unacknowledged(), 0u);
}

TEST(StreamManagement, BadCounts) {
  for (const char* h : {"-1", "4294967296", "1.0", " 1", "one"}) {
    StreamManagement machine = started();
    const auto effect = machine.on_element(sm("a", h));
    ASSERT_TRUE(effect.error) << h;
    EXPECT_EQ(effect.error->condition, StreamCondition::kBadFormat) << h;
  }
  EXPECT_TRUE(started().on_element(sm("a")).error);
}

TEST(StreamManagement, OutOfTurn) {
  const std::string kFailed =
      "<failed xmlns='urn:xmpp:sm:3'><unexpected-request "
      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>";
  StreamManagement machine;
  EXPECT_EQ(machine.on_element(sm("r")).reply, kFailed);
  EXPECT_EQ(machine.on_element(sm("a", "0")).reply, kFailed);
  EXPECT_EQ(machine.on_element(sm("enable")).reply, kFailed);
  EXPECT_EQ(machine.on_element(sm("failed")).reply, "");
  machine = started();
  EXPECT_EQ(machine.on_element(sm("resume", "0")).reply, kFailed);
  EXPECT_EQ(machine.on_element(sm("enabled")).reply, "");
}

TEST(StreamManagement, LimitsBothCountAndBytes) {
  StreamManagement few({.stanzas_max = 2, .bytes_max = 100});
  few.start_sending();
  EXPECT_TRUE(few.sent({"<a/>"}));
  EXPECT_TRUE(few.sent({"<a/>"}));
  EXPECT_EQ(few.sent({"<a/>"}).error().code, Errc::kOverloaded);
  EXPECT_EQ(few.unacknowledged(), 3u);
  StreamManagement small({.stanzas_max = 100, .bytes_max = 10});
  small.start_sending();
  EXPECT_TRUE(small.sent({"<message/>"}));
  EXPECT_EQ(small.sent({"<a/>"}).error().code, Errc::kOverloaded);
}

TEST(StreamManagement, ResumesInOrder) {
  StreamManagement machine = started();
  for (const char* text : {"<a/>", "<b/>", "<c/>"}) ASSERT_TRUE(machine.sent({text}));
  EXPECT_EQ(machine.resume(1).value(), "<b/><c/>");
  EXPECT_EQ(machine.unacknowledged(), 2u);
  EXPECT_FALSE(machine.resume(4));
  const auto left = machine.take_unacknowledged();
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].text, "<b/>");
  EXPECT_EQ(left[1].text, "<c/>");
  EXPECT_FALSE(machine.is_sending());
  EXPECT_EQ(machine.unacknowledged_bytes(), 0u);
}

TEST(StreamManagementElements, ReadAndWritten) {
  EXPECT_EQ(xml::to_string(write_enable(true)), "<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
  EXPECT_EQ(xml::to_string(write_enabled("", 0)), "<enabled xmlns='urn:xmpp:sm:3'/>");
  const auto enabled = read_enabled(write_enabled("id1", 300, "[::1]:5222"));
  ASSERT_TRUE(enabled);
  EXPECT_EQ(enabled->id, "id1");
  EXPECT_EQ(enabled->max_seconds, 300u);
  EXPECT_EQ(enabled->location, "[::1]:5222");
  EXPECT_TRUE(read_enabled(sm("enabled"))->id.empty());
  EXPECT_FALSE(read_enabled(sm("failed")));
  xml::Element no_id = sm("enabled");
  no_id.set("resume", "1");
  EXPECT_FALSE(read_enabled(no_id));

  EXPECT_EQ(read_resume(write_resume("id1", 0xFFFFFFFF))->h, 0xFFFFFFFF);
  EXPECT_EQ(read_resume(write_resumed("id1", 7))->previd, "id1");
  EXPECT_FALSE(read_resume(write_resume("", 7)));
  EXPECT_FALSE(read_resume(sm("resume")));
  EXPECT_FALSE(read_resume(sm("r", "1")));

  const xml::Element failed = write_failed(Errc::kItemNotFound, 21);
  EXPECT_EQ(StreamManagement::read_h(failed), 21u);
  EXPECT_TRUE(failed.child(ns::kStanzas, "item-not-found"));
  EXPECT_FALSE(write_failed(Errc::kUnexpectedRequest).has_attr("h"));
}

}  // namespace
}  // namespace balcony::stream
