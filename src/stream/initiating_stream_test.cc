// The initiating machine against the receiving one. Servers that break the rules are in
// initiating_stream_refusals_test.cc.
#include "stream/initiating_stream.h"

#include "base/base64.h"
#include "stream/test_support.h"

#include <gmock/gmock.h>

namespace balcony::stream::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class EveryMechanism : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryMechanism, LogsIn) {
  const bool plus = GetParam().ends_with("-PLUS");
  FakePolicy policy;
  policy.names = {plus ? GetParam().substr(0, GetParam().size() - 5) : GetParam()};
  InitiatingOptions options = juliet("balcony");
  options.anonymous = GetParam() == "ANONYMOUS";
  Pair pair(policy, std::move(options));
  if (!plus) pair.bindings.clear();
  pair.run();
  ASSERT_TRUE(pair.client.bound) << pair.transcript;
  EXPECT_EQ(pair.client.bound->mechanism, GetParam());
  EXPECT_EQ(pair.client.bound->jid.local(), GetParam() == "ANONYMOUS" ? "guest" : "juliet");
  EXPECT_EQ(pair.client.bound->jid.resource(), "balcony");
  EXPECT_EQ(pair.client.bound->keys.has_value(), GetParam().starts_with("SCRAM"));
  EXPECT_TRUE(pair.client.bound->features.child(ns::kBind, "bind"));
  EXPECT_EQ(pair.client.bound->server_lang, "en");
  EXPECT_EQ(pair.server.machine.state(), ReceivingStream::State::kBound);
}

INSTANTIATE_TEST_SUITE_P(Login, EveryMechanism,
                         ::testing::Values("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512",
                                           "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS",
                                           "SCRAM-SHA-512-PLUS", "PLAIN", "ANONYMOUS"),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(InitiatingStream, TakesTheStrongestAndTheServersResource) {
  FakePolicy policy;
  Pair pair(policy, juliet());
  pair.run();
  ASSERT_TRUE(pair.client.bound);
  EXPECT_EQ(pair.client.bound->mechanism, "SCRAM-SHA-512-PLUS");
  EXPECT_EQ(pair.client.bound->jid.str(), "juliet@capulet.example/made-here");
}

TEST(InitiatingStream, ACertificateIsTheLoginWhereItCounts) {
  FakePolicy policy;
  policy.trusted_host = kHost;
  const Jid nurse = Jid::make("nurse", kHost).value();
  for (const std::size_t addresses : {1U, 2U}) {
    InitiatingOptions options = juliet();
    options.password.clear();
    options.certificate_addresses = addresses;
    Pair pair(policy, std::move(options));
    pair.server.shown.emplace();
    pair.server.shown->host = kHost;
    pair.server.shown->addresses = {Jid::make("juliet", kHost).value()};
    if (addresses == 2) pair.server.shown->addresses.push_back(nurse);
    pair.run();
    ASSERT_TRUE(pair.client.bound) << pair.transcript;
    EXPECT_EQ(pair.client.bound->mechanism, "EXTERNAL");
    EXPECT_EQ(pair.client.bound->jid.local(), "juliet");
    // XEP-0178 §2, 10: an address is named only where there are several.
    const std::string named = base64_encode("juliet@capulet.example");
    EXPECT_EQ(pair.transcript.contains(named), addresses == 2) << pair.transcript;
  }
}

TEST(InitiatingStream, SaysWhoItIsOnlyInsideTls) {
  FakePolicy policy;
  Pair pair(policy, juliet());
  pair.run();
  const auto first = pair.transcript.find("<stream:stream");
  const auto second = pair.transcript.find("<stream:stream", first + 1);
  EXPECT_THAT(pair.transcript.substr(first, second - first), Not(HasSubstr("juliet")));
  EXPECT_THAT(pair.transcript, HasSubstr("from='juliet@capulet.example' to='capulet.example'"));
  EXPECT_THAT(pair.transcript, HasSubstr("from='capulet.example' to='juliet@capulet.example'"));
}

TEST(InitiatingStream, WrongPassword) {
  for (const char* mechanism : {"SCRAM-SHA-256", "PLAIN"}) {
    FakePolicy policy;
    policy.names = {mechanism};
    InitiatingOptions options = juliet();
    options.password = "wrong";
    Pair pair(policy, std::move(options));
    pair.run();
    ASSERT_TRUE(pair.client.failed);
    EXPECT_EQ(pair.client.failed->error.code, Errc::kSaslNotAuthorized);
    EXPECT_TRUE(pair.client.ended);
    EXPECT_EQ(pair.server.failures, std::vector{Errc::kSaslNotAuthorized});
    EXPECT_TRUE(pair.server.ended);
  }
}

TEST(InitiatingStream, KeysDoInPlaceOfThePassword) {
  FakePolicy policy;
  Pair first(policy, juliet());
  first.run();
  ASSERT_TRUE(first.client.bound);
  InitiatingOptions options = juliet();
  options.password.clear();
  options.keys = first.client.bound->keys;
  Pair second(policy, std::move(options));
  second.run();
  EXPECT_TRUE(second.client.bound) << second.client.failed->error.to_string();
}

TEST(InitiatingStream, NeedsStartTls) {
  FakePolicy policy;
  ReceivingOptions server;
  server.tls_available = false;
  server.tls_required = false;
  Pair pair(policy, juliet(), server);
  pair.run();
  ASSERT_TRUE(pair.client.failed);
  EXPECT_EQ(pair.client.failed->error.code, Errc::kTls);
  EXPECT_THAT(pair.transcript, Not(HasSubstr("<auth")));
}

TEST(InitiatingStream, PlaintextOnlyWhereNobodyMinds) {
  FakePolicy policy;
  ReceivingOptions server;
  server.tls_required = false;
  InitiatingOptions options = juliet();
  options.tls = TlsPolicy::kPlaintext;
  Pair pair(policy, options, server);
  pair.run();
  ASSERT_TRUE(pair.client.bound);
  EXPECT_EQ(pair.client.bound->mechanism, "SCRAM-SHA-512");
  EXPECT_THAT(pair.transcript, Not(HasSubstr("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
                                             "<auth")));

  server.tls_required = true;
  Pair strict(policy, options, server);
  strict.run();
  ASSERT_TRUE(strict.client.failed);
  EXPECT_EQ(strict.client.failed->error.code, Errc::kTls);

  policy.names = {"PLAIN"};
  server.tls_required = false;
  Pair clear(policy, options, server);
  clear.run();
  ASSERT_TRUE(clear.client.failed);
  EXPECT_EQ(clear.client.failed->error.code, Errc::kSaslMechanismTooWeak);
  EXPECT_THAT(clear.transcript, Not(HasSubstr("<auth")));
}

TEST(InitiatingStream, NoPlainToAServerThatIsNotVerified) {
  FakePolicy policy;
  policy.names = {"PLAIN"};
  Pair pair(policy, juliet());
  pair.verified = false;
  pair.run();
  ASSERT_TRUE(pair.client.failed);
  EXPECT_EQ(pair.client.failed->error.code, Errc::kSaslMechanismTooWeak);
}

TEST(InitiatingStream, PinnedMechanismIsNotLowered) {
  FakePolicy policy;
  policy.names = {"PLAIN"};
  InitiatingOptions options = juliet();
  options.pinned_mechanism = "SCRAM-SHA-256";
  Pair pair(policy, std::move(options));
  pair.run();
  ASSERT_TRUE(pair.client.failed);
  EXPECT_EQ(pair.client.failed->error.code, Errc::kSaslMechanismTooWeak);
}

TEST(InitiatingStream, DirectTls) {
  FakePolicy policy;
  ReceivingOptions server;
  server.direct_tls = true;
  InitiatingOptions options = juliet();
  options.tls = TlsPolicy::kDirect;
  Pair pair(policy, std::move(options), server);
  pair.server_direct_tls = true;
  pair.run();
  EXPECT_TRUE(pair.client.bound);
  EXPECT_THAT(pair.transcript, Not(HasSubstr("starttls")));
}

TEST(InitiatingStream, LegacySession) {
  FakePolicy policy;
  policy.legacy_session = true;
  Pair pair(policy, juliet());
  pair.run();
  EXPECT_TRUE(pair.client.bound);
  EXPECT_THAT(pair.transcript,
              HasSubstr("<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>"));
}

TEST(InitiatingStream, ResourceConflict) {
  FakePolicy policy;
  Pair pair(policy, juliet("taken"));
  pair.run();
  ASSERT_TRUE(pair.client.failed);
  EXPECT_EQ(pair.client.failed->error.code, Errc::kConflict);
  EXPECT_EQ(pair.client.failed->error.detail, "the resource is taken");
}

TEST(InitiatingStream, UnknownHost) {
  FakePolicy policy;
  Pair pair(policy, InitiatingOptions(*Jid::parse("romeo@montague.example")));
  pair.run();
  ASSERT_TRUE(pair.client.failed);
  EXPECT_EQ(pair.client.failed->error.code, Errc::kNotFound);
  ASSERT_TRUE(pair.client.failed->stream_error);
  EXPECT_EQ(pair.client.failed->stream_error->condition, StreamCondition::kHostUnknown);
}

TEST(InitiatingStream, RegistersThenLogsIn) {
  FakePolicy policy;
  policy.open_registration = true;
  InitiatingOptions options = juliet();
  options.register_first = true;
  Pair pair(policy, options);
  pair.run();
  EXPECT_TRUE(pair.client.registered);
  EXPECT_TRUE(pair.client.bound);
  EXPECT_EQ(pair.server.registration.view().child_text(ns::kRegister, "username"), "juliet");
  EXPECT_EQ(pair.server.registration.view().child_text(ns::kRegister, "password"),
            sasl::testing::kPassword);

  Pair again(policy, options);
  again.server.account_exists = true;
  again.run();
  ASSERT_TRUE(again.client.failed);
  EXPECT_EQ(again.client.failed->error.code, Errc::kConflict);

  Pair email(policy, options);
  email.server.asks_for_email = true;
  email.run();
  ASSERT_TRUE(email.client.failed);
  EXPECT_EQ(email.client.failed->error.code, Errc::kNotAcceptable);
  EXPECT_THAT(email.client.failed->error.detail, HasSubstr("email"));

  options.registration_fields["email"] = "juliet@capulet.example";
  Pair given(policy, options);
  given.server.asks_for_email = true;
  given.run();
  EXPECT_TRUE(given.client.bound);
}

}  // namespace
}  // namespace balcony::stream::testing
