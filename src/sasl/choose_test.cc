#include "sasl/choose.h"

#include "sasl/mechanism.h"

#include <gtest/gtest.h>

namespace balcony::sasl {
namespace {

using Names = std::vector<std::string>;

const Names kAll = {"PLAIN",         "SCRAM-SHA-1",   "SCRAM-SHA-1-PLUS",   "SCRAM-SHA-256",
                    "SCRAM-SHA-512", "EXTERNAL",      "SCRAM-SHA-256-PLUS", "ANONYMOUS",
                    "DIGEST-MD5",    "X-UNKNOWN-PLUS"};
const Names kNoPlus = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-1", "SCRAM-SHA-512"};
const Names kBoth = {"tls-server-end-point", "tls-exporter"};

ChoicePolicy policy() {
  ChoicePolicy out;
  out.tls = true;
  out.channel_bindings = {{std::string(kTlsExporter), "e"}, {std::string(kTlsServerEndPoint), "c"}};
  return out;
}

ChoicePolicy unbound() {
  ChoicePolicy out;
  out.tls = true;
  return out;
}

Errc error_of(const Names& offered, const Names& types, const ChoicePolicy& how) {
  const auto choice = choose_mechanism(offered, types, how);
  EXPECT_FALSE(choice) << choice->mechanism;
  return choice ? Errc::kUndefinedCondition : choice.error().code;
}

TEST(Choose, TheBestThatBinds) {
  const auto choice = choose_mechanism(kAll, kBoth, policy());
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->mechanism, "SCRAM-SHA-256-PLUS");
  EXPECT_EQ(choice->flag, BindingFlag::kUsed);
  ASSERT_TRUE(choice->binding);
  EXPECT_EQ(choice->binding->type, kTlsExporter);  // ours comes first, whatever their order
  EXPECT_EQ(choice->binding->data, "e");
  EXPECT_EQ(choose_mechanism(kAll, Names{"tls-server-end-point"}, policy())->binding->type,
            kTlsServerEndPoint);
}

TEST(Choose, ACertificateComesFirst) {
  ChoicePolicy certified = policy();
  certified.certificate = true;
  EXPECT_EQ(choose_mechanism(kAll, kBoth, certified)->mechanism, kExternal);
  // Where it does not let in, the password does.
  EXPECT_EQ(choose_mechanism(kNoPlus, Names{}, certified)->mechanism, "SCRAM-SHA-512");
}

TEST(Choose, OrderOfPreference) {
  Names offered = {"PLAIN",
                   "SCRAM-SHA-1",
                   "SCRAM-SHA-256",
                   "SCRAM-SHA-512",
                   "SCRAM-SHA-1-PLUS",
                   "SCRAM-SHA-256-PLUS",
                   "SCRAM-SHA-512-PLUS"};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(choose_mechanism(offered, kBoth, policy())->mechanism, offered.back());
    offered.pop_back();
  }
  while (!offered.empty()) {
    EXPECT_EQ(choose_mechanism(offered, {}, policy())->mechanism, offered.back());
    offered.pop_back();
  }
}

TEST(Choose, ClientThatCannotBindSaysN) {
  const auto choice = choose_mechanism(kAll, kBoth, unbound());
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->mechanism, "SCRAM-SHA-512");
  EXPECT_EQ(choice->flag, BindingFlag::kNotSupported);
  EXPECT_FALSE(choice->binding);
}

TEST(Choose, ServerThatCannotBindHearsY) {
  const auto choice = choose_mechanism(kNoPlus, {}, policy());
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->mechanism, "SCRAM-SHA-512");
  EXPECT_EQ(choice->flag, BindingFlag::kNotAdvertised);
}

TEST(Choose, AnnouncementsThatContradictEachOther) {
  // XEP-0440 §3: types, but no mechanism.
  EXPECT_EQ(error_of(kNoPlus, kBoth, policy()), Errc::kSaslMechanismTooWeak);
  EXPECT_TRUE(choose_mechanism(kNoPlus, kBoth, unbound()));
  // Mechanisms, but no types: SASL2 forbids it, SASL1 tries what every server has.
  auto sasl2 = policy();
  sasl2.sasl2 = true;
  EXPECT_EQ(error_of(kAll, {}, sasl2), Errc::kSaslMechanismTooWeak);
  EXPECT_EQ(choose_mechanism(kAll, {}, policy())->binding->type, kTlsServerEndPoint);
  auto exporter_only = policy();
  exporter_only.channel_bindings.pop_back();
  EXPECT_EQ(error_of(kAll, {}, exporter_only), Errc::kSaslMechanismTooWeak);
  // No type in common: suspicious only if the one that every server has is missing. Then SCRAM must
  // show what was announced (XEP-0474 §6), and PLAIN, which cannot, is out.
  const auto odd = choose_mechanism(kAll, Names{"tls-unique"}, policy());
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->mechanism, "SCRAM-SHA-512");
  EXPECT_TRUE(odd->needs_offer_proof);
  EXPECT_EQ(error_of({"SCRAM-SHA-1-PLUS", "PLAIN"}, {"tls-unique"}, policy()),
            Errc::kSaslMechanismTooWeak);
  const auto choice = choose_mechanism(kAll, Names{"tls-server-end-point"}, exporter_only);
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->mechanism, "SCRAM-SHA-512");
  EXPECT_EQ(choice->flag, BindingFlag::kNotSupported);
  EXPECT_FALSE(choice->needs_offer_proof);
}

TEST(Choose, PlainOnlyUnderTls) {
  auto how = unbound();
  const Names plain = {"PLAIN"};
  EXPECT_EQ(choose_mechanism(plain, {}, how)->mechanism, "PLAIN");
  how.plain = false;
  EXPECT_EQ(error_of(plain, {}, how), Errc::kSaslMechanismTooWeak);
  how.plain = true;
  how.tls = false;
  EXPECT_EQ(error_of(plain, {}, how), Errc::kSaslMechanismTooWeak);
  EXPECT_EQ(choose_mechanism(kNoPlus, {}, how)->mechanism, "SCRAM-SHA-512");
  how.tls = true;
  EXPECT_EQ(choose_mechanism(plain, {}, policy())->flag, BindingFlag::kNotSupported);
}

TEST(Choose, ExternalAndAnonymousOnlyWhenAskedFor) {
  const Names others = {"EXTERNAL", "ANONYMOUS", "DIGEST-MD5"};
  EXPECT_EQ(error_of(others, {}, unbound()), Errc::kSaslInvalidMechanism);
  EXPECT_EQ(error_of({}, {}, unbound()), Errc::kSaslInvalidMechanism);
  auto how = unbound();
  how.identity = ChoicePolicy::Identity::kCertificate;
  EXPECT_EQ(choose_mechanism(kAll, {}, how)->mechanism, "EXTERNAL");
  EXPECT_EQ(error_of(kNoPlus, {}, how), Errc::kSaslInvalidMechanism);
  how.identity = ChoicePolicy::Identity::kNobody;
  EXPECT_EQ(choose_mechanism(kAll, {}, how)->mechanism, "ANONYMOUS");
}

TEST(Choose, NothingWeakerThanPinned) {
  auto how = policy();
  how.pinned = "SCRAM-SHA-256-PLUS";
  EXPECT_EQ(choose_mechanism(kAll, kBoth, how)->mechanism, "SCRAM-SHA-256-PLUS");
  EXPECT_EQ(error_of(kNoPlus, {}, how), Errc::kSaslMechanismTooWeak);
  how.pinned = "SCRAM-SHA-256";
  EXPECT_EQ(choose_mechanism(kNoPlus, {}, how)->mechanism, "SCRAM-SHA-512");
  EXPECT_EQ(error_of({"SCRAM-SHA-1", "PLAIN"}, {}, how), Errc::kSaslMechanismTooWeak);
}

TEST(Mechanism, ScramNames) {
  for (const ScramHash hash : kScramHashes) {
    for (const bool plus : {false, true}) {
      const ScramName name{hash, plus};
      EXPECT_EQ(scram_name(to_string(name)), name);
    }
  }
  EXPECT_EQ(to_string(ScramName{ScramHash::kSha256, true}), "SCRAM-SHA-256-PLUS");
  for (const std::string_view bad : {"", "SCRAM-", "SCRAM-PLUS", "SCRAM--PLUS", "SCRAM-SHA-1-",
                                     "SCRAM-SHA-1-plus", "SHA-1", "XSCRAM-SHA-1"}) {
    EXPECT_FALSE(scram_name(bad)) << bad;
  }
}

}  // namespace
}  // namespace balcony::sasl
