// What the tests of the receiving machine share: a client's half of a dialogue as text, and servers
// that stand inside TLS or behind a login.
#pragma once

#include "base/base64.h"
#include "stream/test_support.h"

#include <string>
#include <string_view>

namespace balcony::stream::testing {

inline constexpr std::string_view kClientOpen =
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams' to='capulet.example' version='1.0'>";
inline constexpr std::string_view kStartTls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
inline constexpr std::string_view kAbort = "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";

inline std::string auth(std::string_view mechanism, std::string_view text) {
  return "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='" + std::string(mechanism) +
         "'>" + std::string(text) + "</auth>";
}
inline std::string plain(std::string_view user, std::string_view password,
                         std::string_view authzid = "") {
  std::string message(authzid);
  message.append(1, '\0').append(user).append(1, '\0').append(password);
  return auth("PLAIN", base64_encode(message));
}
inline std::string failure(std::string_view condition) {
  return "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><" + std::string(condition) +
         "/></failure>";
}
inline std::string stream_error_of(std::string_view condition) {
  return "<stream:error><" + std::string(condition) +
         " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>";
}

struct ServerInsideTls : ServerEnd {
  explicit ServerInsideTls(const FakePolicy& policy, ReceivingOptions options = {})
      : ServerEnd(policy, options) {
    feed(kClientOpen);
    feed(kStartTls);
    begin_tls({sasl::testing::exporter()});
    take();
    feed(kClientOpen);
  }
};

struct LoggedIn : ServerInsideTls {
  explicit LoggedIn(const FakePolicy& policy) : ServerInsideTls(policy) {
    take();
    feed(plain("juliet", sasl::testing::kPassword));
    take();
    feed(kClientOpen);
  }
};

}  // namespace balcony::stream::testing
