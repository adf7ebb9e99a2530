#include "stream/component.h"

#include "stream/receiving_test_support.h"

#include <gmock/gmock.h>

namespace balcony::stream::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kDomain = "irc.example.org";
constexpr std::string_view kSecret = "wherefore";
constexpr std::string_view kOpenComponent =
    "<stream:stream xmlns='jabber:component:accept' "
    "xmlns:stream='http://etherx.jabber.org/streams' to='irc.example.org'>";

std::optional<std::string> secret_of(std::string_view domain) {
  if (domain != kDomain) return std::nullopt;
  return std::string(kSecret);
}

struct Accepting {
  void feed(std::string_view bytes) {
    reader.feed(machine, bytes, [this](AcceptingActions actions) { perform(std::move(actions)); });
  }
  void perform(AcceptingActions actions) {
    for (AcceptingAction& action : actions) std::visit([this](auto& a) { on(a); }, action);
  }
  void on(Send& send) { out += send.bytes; }
  void on(SecretProved&) { perform(machine.on_home(refusal)); }
  void on(SecretWrong&) {
    ++slowed;
    perform(machine.on_slowed());
  }
  void on(EndStream& end) {
    ended = true;
    error = std::move(end.error);
  }
  std::string take() { return std::exchange(out, {}); }

  SeededRandom random{1};
  AcceptingComponent machine{secret_of, random};
  Reader<AcceptingComponent> reader;
  std::optional<StreamError> refusal;
  std::string out;
  int slowed = 0;
  bool ended = false;
  std::optional<StreamError> error;
};

struct Component {
  explicit Component(std::string_view secret = kSecret,
                     AskForAcknowledgements ask = AskForAcknowledgements::kNo)
      : machine(std::string(kDomain), std::string(secret), ask) {}
  void feed(std::string_view bytes) {
    reader.feed(machine, bytes, [this](ComponentActions actions) { perform(std::move(actions)); });
  }
  void perform(ComponentActions actions) {
    for (ComponentAction& action : actions) std::visit([this](auto& a) { on(a); }, action);
  }
  void on(Send& send) { out += send.bytes; }
  void on(ComponentAccepted& how) {
    accepted = true;
    acknowledges = how.acknowledges;
  }
  void on(ComponentFailed& what) { failed = std::move(what.error); }
  std::string take() { return std::exchange(out, {}); }

  InitiatingComponent machine;
  Reader<InitiatingComponent> reader;
  std::string out;
  bool accepted = false;
  bool acknowledges = false;
  std::optional<Error> failed;
};

void talk(Component& component, Accepting& server) {
  component.perform(component.machine.on_start());
  while (!component.out.empty() || !server.out.empty()) {
    if (!component.out.empty()) server.feed(component.take());
    if (!server.out.empty()) component.feed(server.take());
  }
}

// XEP-0114 §3, with a known digest.
TEST(ComponentHandshake, IsTheHashOfIdAndSecret) {
  EXPECT_EQ(component_handshake("abc", ""), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(component_handshake("a", "bc"), component_handshake("abc", ""));
}

TEST(ComponentHandshake, BothEndsAgree) {
  Accepting server;
  Component component;
  talk(component, server);
  EXPECT_TRUE(component.accepted);
  EXPECT_FALSE(server.ended);
  EXPECT_EQ(server.machine.state(), AcceptingComponent::State::kAccepted);
  EXPECT_EQ(server.machine.domain(), kDomain);
  EXPECT_EQ(server.machine.id(), component.machine.id());
  EXPECT_EQ(server.machine.id().size(), 22U);
}

TEST(ComponentHandshake, AWrongSecretIsSlowedAndRefused) {
  Accepting server;
  Component component("therefore");
  talk(component, server);
  EXPECT_FALSE(component.accepted);
  ASSERT_TRUE(component.failed);
  EXPECT_EQ(component.failed->code, Errc::kNotAuthorized);
  EXPECT_EQ(server.slowed, 1);
  ASSERT_TRUE(server.error);
  EXPECT_EQ(server.error->condition, StreamCondition::kNotAuthorized);
}

TEST(ComponentHandshake, OneTooManyIsAConflict) {
  Accepting server;
  server.refusal = StreamError{StreamCondition::kConflict, ""};
  Component component;
  talk(component, server);
  ASSERT_TRUE(component.failed);
  EXPECT_EQ(component.failed->code, Errc::kConflict);
}

TEST(AcceptingComponent, AnswersAHeaderWithoutVersion) {
  Accepting server;
  server.feed(kOpenComponent);
  EXPECT_THAT(server.out, StartsWith("<?xml version='1.0'?><stream:stream "
                                     "xmlns='jabber:component:accept' "
                                     "xmlns:stream='http://etherx.jabber.org/streams' "
                                     "from='irc.example.org' id='"));
}

TEST(AcceptingComponent, RefusesWhatIsNoHandshake) {
  struct Case {
    std::string sent;
    StreamCondition condition;
  };
  const std::string open(kOpenComponent);
  const Case kCases[] = {
      {"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
       "to='irc.example.org'>",
       StreamCondition::kInvalidNamespace},
      {"<stream xmlns='jabber:component:accept' to='irc.example.org'>",
       StreamCondition::kInvalidNamespace},
      {"<s:steam xmlns='jabber:component:accept' xmlns:s='http://etherx.jabber.org/streams'>",
       StreamCondition::kBadFormat},
      {"<stream:stream xmlns='jabber:component:accept' "
       "xmlns:stream='http://etherx.jabber.org/streams'>",
       StreamCondition::kHostUnknown},
      {"<stream:stream xmlns='jabber:component:accept' "
       "xmlns:stream='http://etherx.jabber.org/streams' to='example.org'>",
       StreamCondition::kHostUnknown},
      {"<stream:stream xmlns='jabber:component:accept' "
       "xmlns:stream='http://etherx.jabber.org/streams' to='irc.example.org/a'>",
       StreamCondition::kHostUnknown},
      {open + "<message from='irc.example.org' to='romeo@example.org'/>",
       StreamCondition::kNotAuthorized},
      {open + "<handshake xmlns='jabber:server'/>", StreamCondition::kNotAuthorized},
      {open + "<handshake/>", StreamCondition::kNotAuthorized},
      {open + "<a></b>", StreamCondition::kNotWellFormed},
      {open + "<!-- -->", StreamCondition::kRestrictedXml},
  };
  for (const Case& c : kCases) {
    Accepting server;
    server.feed(c.sent);
    ASSERT_TRUE(server.error) << c.sent;
    EXPECT_EQ(server.error->condition, c.condition) << c.sent;
    EXPECT_THAT(server.out, StartsWith("<?xml version='1.0'?><stream:stream ")) << c.sent;
    EXPECT_THAT(server.out, HasSubstr("</stream:error></stream:stream>")) << c.sent;
    EXPECT_EQ(server.out.find("stream:stream ", 40), std::string::npos) << "two headers";
  }
}

// The domain is prepared before it is compared (SAFETY: authority is decided on the prepared JID).
TEST(AcceptingComponent, PreparesTheDomain) {
  Accepting server;
  server.feed(
      "<stream:stream xmlns='jabber:component:accept' "
      "xmlns:stream='http://etherx.jabber.org/streams' to='IRC.Example.ORG'>");
  EXPECT_EQ(server.machine.domain(), kDomain);
}

// The digest is written in lowercase (XEP-0114 §3).
TEST(AcceptingComponent, TakesTheDigestAsItIsToBeWritten) {
  Accepting server;
  server.feed(kOpenComponent);
  std::string digest = component_handshake(server.machine.id(), kSecret);
  for (char& c : digest) c = static_cast<char>(std::toupper(c));
  server.feed("<handshake>" + digest + "</handshake>");
  EXPECT_EQ(server.slowed, 1);
}

TEST(AcceptingComponent, EndsWhenThePeerDoes) {
  Accepting server;
  server.feed(kOpenComponent);
  server.take();
  server.feed("</stream:stream>");
  EXPECT_EQ(server.out, "</stream:stream>");
  EXPECT_TRUE(server.ended);
  EXPECT_FALSE(server.error);
}

TEST(InitiatingComponent, RefusesAServerThatSpeaksSomethingElse) {
  for (const char* header :
       {"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
        "id='x'>",
        "<stream:stream xmlns='jabber:component:accept' "
        "xmlns:stream='http://etherx.jabber.org/streams'><handshake/>",
        "<stream:stream xmlns='jabber:component:accept' "
        "xmlns:stream='http://etherx.jabber.org/streams' id='x'><presence/>"}) {
    Component component;
    component.perform(component.machine.on_start());
    component.take();
    component.feed(header);
    ASSERT_TRUE(component.failed) << header;
    EXPECT_EQ(component.failed->code, Errc::kMalformed);
    EXPECT_THAT(component.out, HasSubstr("</stream:error></stream:stream>"));
    EXPECT_FALSE(component.accepted);
  }
}

TEST(InitiatingComponent, TellsWhyTheServerEndsTheStream) {
  Component component;
  component.perform(component.machine.on_start());
  component.feed(
      "<stream:stream xmlns='jabber:component:accept' "
      "xmlns:stream='http://etherx.jabber.org/streams'><stream:error><host-unknown "
      "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>");
  ASSERT_TRUE(component.failed);
  EXPECT_EQ(component.failed->code, Errc::kNotFound);
}

// A component that has proved its secret and asks for acknowledgements.
struct Asking {
  Asking() {
    component.perform(component.machine.on_start());
    component.feed(
        "<stream:stream xmlns='jabber:component:accept' "
        "xmlns:stream='http://etherx.jabber.org/streams' from='irc.example.org' id='x'>");
    component.feed("<handshake/>");
  }
  Component component{kSecret, AskForAcknowledgements::kYes};
};

// XEP-0198 §3.
TEST(InitiatingComponent, AsksForAcknowledgements) {
  Asking agreed;
  EXPECT_THAT(agreed.component.take(), HasSubstr("<enable xmlns='urn:xmpp:sm:3'/>"));
  EXPECT_FALSE(agreed.component.accepted);
  agreed.component.feed("<message from='a@b' to='x@irc.example.org'><body>early</body></message>");
  agreed.component.feed("<enabled xmlns='urn:xmpp:sm:3'/>");
  EXPECT_TRUE(agreed.component.accepted);
  EXPECT_TRUE(agreed.component.acknowledges);
  ASSERT_EQ(agreed.component.machine.take_early().size(), 1U);
  EXPECT_TRUE(agreed.component.machine.take_early().empty());

  Asking refused;
  refused.component.feed("<failed xmlns='urn:xmpp:sm:3'/>");
  EXPECT_TRUE(refused.component.accepted);
  EXPECT_FALSE(refused.component.acknowledges);
}

TEST(InitiatingComponent, KnowsThatItWasRefusedBecauseItAsked) {
  for (const std::string_view answer :
       {"<stream:error><unsupported-stanza-type xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
        "</stream:error>",
        "</stream:stream>", "<unheard-of/>"}) {
    Asking asking;
    asking.component.feed(answer);
    EXPECT_FALSE(asking.component.accepted);
    EXPECT_TRUE(asking.component.failed) << answer;
    EXPECT_TRUE(asking.component.machine.was_asking()) << answer;
  }
  Component earlier(kSecret, AskForAcknowledgements::kYes);
  earlier.perform(earlier.machine.on_start());
  earlier.feed("</stream:stream>");
  EXPECT_TRUE(earlier.failed);
  EXPECT_FALSE(earlier.machine.was_asking());
}

}  // namespace
}  // namespace balcony::stream::testing
