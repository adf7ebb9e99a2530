// What the mechanisms PLAIN, EXTERNAL and ANONYMOUS share on the client's side: one message, which
// nothing follows. Internal to sasl/.
#pragma once

#include "sasl/client.h"

#include <utility>

namespace balcony::sasl {

class SingleMessageClient final : public ClientMechanism {
 public:
  explicit SingleMessageClient(Result<std::string> message) : message_(std::move(message)) {}

  ~SingleMessageClient() override {
    if (message_) wipe(*message_);
  }

  Result<std::string> initial_response() override {
    if (std::exchange(sent_, true)) return out_of_turn();
    return message_;
  }

  Result<std::string> step(std::string_view) override { return out_of_turn(); }

  Result<> success(std::optional<std::string_view> data) override {
    if (!sent_ || (data && !data->empty())) {
      return fail(Errc::kSaslMalformedRequest, "the server sends data that this mechanism has not");
    }
    return {};
  }

 private:
  static std::unexpected<Error> out_of_turn() {
    return fail(Errc::kSaslMalformedRequest, "this mechanism has one message");
  }

  Result<std::string> message_;
  bool sent_ = false;
};

}  // namespace balcony::sasl
