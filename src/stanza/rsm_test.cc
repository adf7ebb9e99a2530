#include "stanza/rsm.h"

#include "stanza/ns.h"
#include "xml/parser.h"

#include <gtest/gtest.h>

namespace balcony::rsm {
namespace {

xml::Element set(std::string_view inside) {
  return xml::parse("<set xmlns='http://jabber.org/protocol/rsm'>" + std::string(inside) + "</set>")
      .value();
}

// XEP-0059 §2, each request.
TEST(Rsm, RequestsOfXep0059) {
  const std::pair<std::string_view, Request> kRequests[] = {
      {"<max>10</max>", {.max = 10}},
      {"<max>10</max><after>peterpan@neverland.lit</after>",
       {.max = 10, .after = "peterpan@neverland.lit"}},
      {"<max>10</max><before>peter@pixyland.org</before>",
       {.max = 10, .before = "peter@pixyland.org"}},
      {"<max>10</max><before/>", {.max = 10, .before = ""}},
      {"<max>10</max><index>371</index>", {.max = 10, .index = 371}},
      {"<max>0</max>", {.max = 0}},
      {"", {}},
      {"<after>a</after><before>b</before>", {.after = "a", .before = "b"}},
      {"<max> 10\n</max><unknown>1</unknown>", {.max = 10}},
      {"<max>2147483647</max>", {.max = 2147483647}},
  };
  for (const auto& [inside, request] : kRequests) {
    EXPECT_EQ(read_request(set(inside)).value(), request) << inside;
    EXPECT_EQ(read_request(write(request)).value(), request) << inside;
    EXPECT_EQ(request.backwards(), request.before.has_value());
  }
}

// XEP-0059 §2, each response.
TEST(Rsm, ResponsesOfXep0059) {
  const std::pair<std::string_view, Response> kResponses[] = {
      {"<first index='0'>stpeter@jabber.org</first><last>peterpan@neverland.lit</last>"
       "<count>800</count>",
       {"stpeter@jabber.org", "peterpan@neverland.lit", 0, 800}},
      {"<first index='371'>peter@pixyland.org</first><last>peter@rabbit.lit</last>"
       "<count>800</count>",
       {"peter@pixyland.org", "peter@rabbit.lit", 371, 800}},
      {"<count>790</count>", {{}, {}, {}, 790}},
      {"<first>a</first><last>a</last>", {"a", "a", {}, {}}},
      {"", {}},
  };
  for (const auto& [inside, response] : kResponses) {
    EXPECT_EQ(read_response(set(inside)).value(), response) << inside;
    EXPECT_EQ(read_response(write(response)).value(), response) << inside;
  }
}

TEST(Rsm, RefusesWhatIsNone) {
  for (const std::string_view bad :
       {"<max/>", "<max>ten</max>", "<max>-1</max>", "<max>1.5</max>", "<max>2147483648</max>",
        "<max>99999999999999999999</max>", "<max>1 0</max>", "<index/>", "<index>x</index>",
        "<max>10</max><index>0</index><after>a</after>", "<index>0</index><before/>"}) {
    const auto request = read_request(set(bad));
    ASSERT_FALSE(request) << bad;
    EXPECT_EQ(request.error().code, Errc::kBadRequest) << bad;
  }
  EXPECT_FALSE(read_response(set("<count>many</count>")));
  EXPECT_FALSE(read_response(set("<first index='x'>a</first>")));
  EXPECT_FALSE(read_request(xml::Element("other", "set")));
  EXPECT_FALSE(read_request(xml::Element(ns::kRsm, "other")));
  const std::string longest(kUidBytesMax, 'a');
  EXPECT_TRUE(read_request(set("<after>" + longest + "</after>")));
  EXPECT_EQ(read_request(set("<after>" + longest + "a</after>")).error().code, Errc::kBadRequest);
}

TEST(Rsm, FindsItInThePayload) {
  const auto query = xml::parse(
      "<query xmlns='jabber:iq:search'><nick>Pete</nick>"
      "<set xmlns='http://jabber.org/protocol/rsm'><max>10</max></set></query>");
  EXPECT_EQ(find_request(query->view()).value().max, 10U);
  const xml::Element none("jabber:iq:search", "query");
  EXPECT_EQ(find_request(none).value(), Request{});
  EXPECT_EQ(find_response(none).value(), Response{});
}

}  // namespace
}  // namespace balcony::rsm
