// What a receiving stream knows between <authenticate/> and <success/> (XEP-0388). Internal to the
// stream's .cc files.
#pragma once

#include "stream/receiving_stream.h"

namespace balcony::stream {

struct ReceivingStream::Sasl2Attempt {
  // What is to be done for the client after its authentication, in this order (XEP-0386 §3.2:
  // tasks come before binding, resumption too).
  enum class Step : std::uint8_t { kUpgrades, kToken, kResume, kBind, kDone };

  Authenticate asked;
  Step step = Step::kUpgrades;
  std::string account;                   // the bare JID, once at home
  bool continued = false;                // <continue/> was sent
  bool by_token = false;                 // the mechanism is one of FAST's
  bool rotate = false;                   // the token is due to be replaced
  std::size_t upgrades_done = 0;         // of asked.upgrades
  std::optional<UpgradeSalt> upgrading;  // <next/> came and the hash is awaited
  std::vector<xml::Element> answers;     // for <success/>
};

}  // namespace balcony::stream
