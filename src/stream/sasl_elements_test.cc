#include "stream/sasl_elements.h"

#include "stanza/ns.h"
#include "stream/actions.h"

#include <gtest/gtest.h>

namespace balcony::stream {
namespace {

xml::Element auth(std::string_view text) {
  xml::Element element(ns::kSasl, "auth");
  element.append_text(text);
  return element;
}

TEST(SaslElements, AnInitialResponseMayBeAbsentEmptyOrData) {
  EXPECT_EQ(read_initial_response(auth("")).value(), std::nullopt);
  EXPECT_EQ(read_initial_response(auth("=")).value(), "");
  EXPECT_EQ(read_initial_response(auth("YQ==")).value(), "a");
  EXPECT_EQ(read_initial_response(auth("YQ")).error().code, Errc::kSaslIncorrectEncoding);
}

TEST(SaslElements, WhatIsWrittenReadsBack) {
  for (const std::string_view data : {"", "a", "n,,n=juliet,r=abc"}) {
    xml::Element first(ns::kSasl, "auth"), later(ns::kSasl, "response");
    append_initial_response(first, data);
    append_sasl(later, data);
    EXPECT_EQ(read_initial_response(first).value(), data);
    EXPECT_EQ(read_sasl(later).value(), data);
  }
  xml::Element later(ns::kSasl, "response");
  append_sasl(later, "");
  EXPECT_EQ(later.text(), "");  // RFC 6120 §6.4.3
}

TEST(SaslElements, FailuresAreReadAsTheyWereMeant) {
  using enum Errc;
  for (const Errc code :
       {kSaslAborted, kSaslAccountDisabled, kSaslCredentialsExpired, kSaslEncryptionRequired,
        kSaslIncorrectEncoding, kSaslInvalidAuthzid, kSaslInvalidMechanism, kSaslMalformedRequest,
        kSaslMechanismTooWeak, kSaslNotAuthorized, kSaslTemporaryAuthFailure}) {
    const Error read = read_sasl_failure(write_sasl_failure(code));
    EXPECT_EQ(read.code, code);
    EXPECT_FALSE(read.detail.empty());
  }
  EXPECT_EQ(written(write_sasl_failure(kNotAuthorized)),
            "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>");
  EXPECT_EQ(read_sasl_failure(write_sasl_failure(kIo)).code, kSaslTemporaryAuthFailure);
}

TEST(SaslElements, TheServersTextIsTheSentence) {
  xml::Element failure = write_sasl_failure(Errc::kSaslAccountDisabled);
  failure.append_text_element("text", "Ask the porter.");
  EXPECT_EQ(read_sasl_failure(failure).detail, "Ask the porter.");
  xml::Element unknown(ns::kSasl, "failure");
  unknown.append("bad-mood");
  EXPECT_EQ(read_sasl_failure(unknown).code, Errc::kSaslNotAuthorized);
}

}  // namespace
}  // namespace balcony::stream
