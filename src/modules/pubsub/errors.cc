#include "modules/pubsub/errors.h"

#include "stanza/ns.h"
#include "stanza/stanza_error.h"

#include <utility>

namespace balcony::modules::pubsub {

router::IqAnswer refusal(Errc code, std::string_view condition, std::string text) {
  StanzaError error = to_stanza_error(Error(code, std::move(text)));
  // XEP-0060 §6.2.3.2: this one will not pass by itself.
  if (condition == "not-subscribed" && code == Errc::kUnexpectedRequest) {
    error.type = ErrorType::kCancel;
  }
  if (!condition.empty()) error.application = xml::Element(ns::kPubsubErrors, condition);
  return router::IqAnswer(std::move(error));
}

router::IqAnswer unsupported(std::string_view feature) {
  StanzaError error = to_stanza_error(Error(Errc::kFeatureNotImplemented));
  error.application = xml::Element(ns::kPubsubErrors, "unsupported");
  error.application.set("feature", feature);
  return router::IqAnswer(std::move(error));
}

}  // namespace balcony::modules::pubsub
