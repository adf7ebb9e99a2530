// ANONYMOUS, RFC 4505: no identity at all; the message is a trace for the log, which we do not
// keep.
#include "sasl/client_mechanisms.h"
#include "sasl/server_mechanisms.h"
#include "sasl/single_message.h"

#include <algorithm>

namespace balcony::sasl {
namespace {

class AnonymousServer final : public ServerMechanism {
  ServerStep on_response(std::string_view message) override {
    // RFC 4505 §2: at most 255 characters of UTF-8, none of them NUL.
    const auto characters = std::ranges::count_if(
        message, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
    if (characters > 255 || message.size() > 255 * 4 || message.contains('\0')) {
      return Error(Errc::kSaslMalformedRequest, "ANONYMOUS: no trace information");
    }
    return Success{};
  }
};

}  // namespace

std::unique_ptr<ServerMechanism> anonymous_server() {
  return std::make_unique<AnonymousServer>();
}

std::unique_ptr<ClientMechanism> anonymous_client(Credentials credentials) {
  return std::make_unique<SingleMessageClient>(std::move(credentials.authzid));
}

}  // namespace balcony::sasl
