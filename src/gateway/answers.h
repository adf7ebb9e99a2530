// What a gateway's domain and its addresses answer to requests: service discovery (XEP-0030), small
// vCards (XEP-0054), the prompt for an address (XEP-0100 §6.3), and that nobody need register
// (XEP-0077).
//
// Pure functions: any thread.
#pragma once

#include "gateway/network.h"
#include "gateway/spec.h"

#include <balcony/client.h>
#include <balcony/element.h>
#include <balcony/jid.h>
#include <balcony/result.h>

#include <functional>
#include <string_view>
#include <utility>
#include <vector>

namespace balcony::gateway {

inline constexpr std::string_view kGatewayNs = "jabber:iq:gateway";  // XEP-0100 §6.3

struct AnswerContext {
  const About& about;
  // The foreign address of a JID at our domain. Errors: kItemNotFound.
  std::function<Result<std::string>(const Jid& jid)> address_of;
  // The JID of what somebody wrote. Errors: kNotAcceptable, kJidMalformed.
  std::function<Result<Jid>(std::string_view text)> jid_of;
};

// The names of payloads that are answered.
std::vector<std::pair<std::string_view, std::string_view>> answered_payloads();

// Errors: kItemNotFound: no such address or node; kFeatureNotImplemented, kNotAllowed: only
// reading, or only at the domain; kNotAcceptable: what was entered is no address.
Result<xml::Element> answer(const AnswerContext& context, const IqRequest& request);

}  // namespace balcony::gateway
