// What came, as the public types: shared by Client and Component. Pure functions; any thread.
#pragma once

#include <balcony/client.h>

#include <optional>
#include <set>
#include <string>

namespace balcony::client {

Message read_message(xml::ElementView xml, const Jid& from, Message::Copy copy);
Presence read_presence(xml::ElementView xml, const Jid& from);
// `iq`: of type get or set.
IqRequest read_request(xml::ElementView iq, const Jid& from);

// What a program says about itself.
struct Self {
  const DiscoInfo::Identity& identity;
  const SoftwareVersion& version;
  std::set<std::string> features;  // beside those that are answered here
};

// The answer to what is asked of every entity (XEP-0030, XEP-0092, XEP-0199); nullopt for anything
// else.
std::optional<Result<xml::Element>> usual_answer(const IqRequest& request, const Self& self);

}  // namespace balcony::client
