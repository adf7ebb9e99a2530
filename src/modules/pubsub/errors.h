// The errors of publish-subscribe: a stanza error with a condition of its own (XEP-0060 §16.1 lists
// them). Pure; any thread.
#pragma once

#include "router/iq.h"

#include <string>
#include <string_view>

namespace balcony::modules::pubsub {

// `condition`: the element in the namespace of pubsub's errors; empty: none. `text` is for people.
router::IqAnswer refusal(Errc code, std::string_view condition, std::string text = {});

// <feature-not-implemented/> with the feature that there is not (XEP-0060 §16.1, <unsupported/>).
router::IqAnswer unsupported(std::string_view feature);

}  // namespace balcony::modules::pubsub
