#include "xml/whole_stanza.h"

#include "xml/writer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace balcony::xml {
namespace {

constexpr std::string_view kHeader =
    "<s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams' xmlns:p='urn:p'>";

// What a stream has: stanzas as they are written again, other events, the error.
class WholeStanzaTest : public ::testing::Test {
 protected:
  std::vector<std::string> read(std::string_view stream, bool takes) {
    taken = 0;
    std::vector<std::string> all;
    Splitter splitter(limits);
    splitter.feed(stream);
    StreamHeader header;
    while (true) {
      const Scope scope = scope_of(header);
      if (auto whole = takes ? take_whole_stanza(splitter, scope, limits) : std::nullopt) {
        ++taken;
        all.push_back(std::string(whole->bytes) + " = " + to_string(whole->element));
        continue;
      }
      const auto event = splitter.next();
      if (!event) {
        all.push_back(event.error().to_string() + " before " + std::string(splitter.rest()));
        return all;
      }
      if (event->kind == SplitKind::kNeedMore) return all;
      if (event->kind == SplitKind::kStreamHeader) {
        header = *parse_stream_header(event->bytes, limits);
      } else if (event->kind == SplitKind::kStanza) {
        const auto element = parse(event->bytes, scope, limits);
        all.push_back(std::string(event->bytes) + " = " +
                      (element ? to_string(*element) : element.error().to_string()));
      } else {
        all.push_back(event->kind == SplitKind::kStreamEnd ? "end" : "space");
      }
    }
  }
  // How many were taken at once of `stanzas` in a stream, which must give the same either way.
  int taken_of(std::string_view stanzas) {
    const std::string stream = std::string(kHeader) + std::string(stanzas);
    EXPECT_EQ(read(stream, true), read(stream, false)) << stanzas;
    read(stream, true);
    return taken;
  }

  Limits limits;
  int taken = 0;
};

TEST_F(WholeStanzaTest, TakesWhatIsUsual) {
  EXPECT_EQ(taken_of("<message to='a@b'><body>x</body></message>"), 1);
  EXPECT_EQ(taken_of("<presence/>"), 1);
  EXPECT_EQ(taken_of("<presence/><iq type='get'><q xmlns='urn:q'/></iq> <presence/>\n"), 3);
  EXPECT_EQ(taken_of("<message><p:message/></message>"), 1);
  EXPECT_EQ(taken_of("<message><messages></messages></message>"), 1);
  EXPECT_EQ(taken_of("<a><![CDATA[</b>]]></a>"), 1);
}

TEST_F(WholeStanzaTest, LeavesTheRestToTheSplitter) {
  EXPECT_EQ(taken_of("<message><message>x</message></message>"), 0) << "ends later";
  EXPECT_EQ(taken_of("<message><![CDATA[</message>]]></message>"), 0);
  EXPECT_EQ(taken_of("<presence a='>'/><presence></presence>"), 1) << "the second one";
  EXPECT_EQ(taken_of("<presence a='/>'/>"), 0);
  EXPECT_EQ(taken_of("<p:a></p:a>"), 0) << "prefixes";
  EXPECT_EQ(taken_of("<message><body>" + std::string(5000, 'x') + "</body></message>"), 0);
  EXPECT_EQ(taken_of("<message><body>not yet"), 0);
  EXPECT_EQ(taken_of("<mess"), 0);
  EXPECT_EQ(taken_of("<"), 0);
  EXPECT_EQ(taken_of("</s:stream>"), 0);
  EXPECT_EQ(taken_of("</s:stream><presence/>"), 0) << "after the end";
}

TEST_F(WholeStanzaTest, ErrorsStandWhereTheyStand) {
  for (const std::string_view bad :
       {"<a><b></a>", "<a b='1' b='2'/>", "<a>&x;</a>", "<a><!-- --></a>", "<a>\x01</a>",
        "<a>\xFF</a>", "<a b=<></a>", "<a><?p?></a>", "<?p?>", "<!--", "<a/ >", "<a</a>",
        "<1></1>"}) {
    EXPECT_EQ(taken_of(std::string("<presence/>") + std::string(bad) + "<presence/>"), 1) << bad;
  }
  // Prefixes are the parser's: the splitter finds a stanza there, and goes on.
  EXPECT_EQ(taken_of("<a><x:b/></a><presence/>"), 1);
}

TEST_F(WholeStanzaTest, LimitsHold) {
  limits.depth_max = 2;
  limits.nodes_max = 3;
  limits.attributes_max = 3;
  EXPECT_EQ(taken_of("<a><b><c/></b></a>"), 0);
  EXPECT_EQ(taken_of("<a><b/><b/><b/></a>"), 0);
  EXPECT_EQ(taken_of("<a b='' c='' d='' e=''/>"), 0);
  limits.stanza_bytes_max = 150;
  EXPECT_EQ(taken_of("<a>" + std::string(143, 'x') + "</a>"), 1);
  EXPECT_EQ(taken_of("<a>" + std::string(144, 'x') + "</a>"), 0);
}

}  // namespace
}  // namespace balcony::xml
