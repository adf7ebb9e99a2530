// PLAIN, RFC 4616: message = [authzid] NUL authcid NUL passwd.
#include "precis/precis.h"
#include "sasl/client_mechanisms.h"
#include "sasl/server_mechanisms.h"
#include "sasl/single_message.h"

namespace balcony::sasl {
namespace {

Error malformed(std::string why) {
  return Error(Errc::kSaslMalformedRequest, "PLAIN: " + std::move(why));
}

class PlainServer final : public ServerMechanism {
 public:
  explicit PlainServer(ServerOptions options) : options_(std::move(options)) {}

 private:
  ServerStep on_response(std::string_view message) override {
    const std::size_t first = message.find('\0');
    if (first == std::string_view::npos) return malformed("no NUL");
    const std::size_t second = message.find('\0', first + 1);
    if (second == std::string_view::npos) return malformed("only one NUL");
    const std::string_view authcid = message.substr(first + 1, second - first - 1);
    const std::string_view password = message.substr(second + 1);
    // RFC 4616 §2: authcid = 1*SAFE, passwd = 1*SAFE, and SAFE is not NUL.
    if (authcid.empty()) return malformed("no user name");
    if (password.empty()) return malformed("no password");
    if (password.contains('\0')) return malformed("a third NUL");
    auto username = precis::username_case_mapped(authcid);
    if (!username) return Error(Errc::kSaslNotAuthorized, "PLAIN: the user name cannot be one");
    authzid_ = message.substr(0, first);
    username_ = std::move(*username);
    return VerifyPassword{username_, std::string(password)};
  }

  ServerStep on_verified(bool matches) override {
    if (!matches) return Error(Errc::kSaslNotAuthorized, "PLAIN: wrong user name or password");
    return authorize(options_, {.username = username_, .authzid = authzid_});
  }

  ServerOptions options_;
  std::string username_;
  std::string authzid_;
};

Result<std::string> plain_message(const Credentials& credentials) {
  BALCONY_ASSIGN(std::string password, precis::opaque_string(credentials.password));
  for (const std::string_view field :
       {std::string_view(credentials.authzid), std::string_view(credentials.username),
        std::string_view(password)}) {
    if (field.contains('\0')) return fail(Errc::kMalformed, "PLAIN: a NUL in a field");
  }
  std::string message = credentials.authzid;
  message.append(1, '\0').append(credentials.username).append(1, '\0').append(password);
  wipe(password);
  return message;
}

}  // namespace

std::unique_ptr<ServerMechanism> plain_server(ServerOptions options) {
  return std::make_unique<PlainServer>(std::move(options));
}

std::unique_ptr<ClientMechanism> plain_client(Credentials credentials) {
  auto client = std::make_unique<SingleMessageClient>(plain_message(credentials));
  wipe(credentials.password);
  return client;
}

}  // namespace balcony::sasl
