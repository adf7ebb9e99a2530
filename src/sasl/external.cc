// EXTERNAL, RFC 4422 appendix A: TLS has already shown who the peer is; the message is an authzid.
#include "sasl/client_mechanisms.h"
#include "sasl/server_mechanisms.h"
#include "sasl/single_message.h"

namespace balcony::sasl {
namespace {

class ExternalServer final : public ServerMechanism {
  ServerStep on_response(std::string_view message) override {
    // RFC 4422 §A.1: extern-initial-resp = *( UTF8-char-no-nul ).
    if (message.contains('\0')) {
      return Error(Errc::kSaslMalformedRequest, "EXTERNAL: a NUL");
    }
    authzid_ = message;
    return VerifyExternal{authzid_};
  }

  ServerStep on_identified(std::string username) override {
    return Success{.username = std::move(username), .authzid = authzid_};
  }

  std::string authzid_;
};

}  // namespace

std::unique_ptr<ServerMechanism> external_server() {
  return std::make_unique<ExternalServer>();
}

std::unique_ptr<ClientMechanism> external_client(Credentials credentials) {
  return std::make_unique<SingleMessageClient>(std::move(credentials.authzid));
}

}  // namespace balcony::sasl
