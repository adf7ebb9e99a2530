// What the tests of sasl/ share: a server that knows juliet, and an exchange run to its end.
#pragma once

#include "sasl/client_mechanisms.h"
#include "sasl/server_mechanisms.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace balcony::sasl::testing {

inline constexpr std::string_view kUser = "juliet";
inline constexpr std::string_view kPassword = "r0m30myr0m30";
inline constexpr std::string_view kToken = "WXZzciBwYmFmdmZnZiBqdmd1IGp2eXFhcmZm";
inline constexpr std::string_view kSecret = "a secret of the server's own";

inline ChannelBinding exporter() {
  return {std::string(kTlsExporter), std::string("exported\0keying material", 24)};
}
inline ChannelBinding end_point() {
  return {std::string(kTlsServerEndPoint), "hash of the certificate"};
}

// May act as her own bare JID; 4096 iterations, to be quick.
inline ServerOptions server_options(std::vector<ChannelBinding> bindings = {}) {
  ServerOptions options;
  options.channel_bindings = std::move(bindings);
  options.fake_secret = kSecret;
  options.iterations = 4096;
  options.may_act_as = [](std::string_view username, std::string_view authzid) {
    return authzid == std::string(username) + "@capulet.example";
  };
  return options;
}

// Both sides of an exchange.
struct Ends {
  std::unique_ptr<ClientMechanism> client;
  std::unique_ptr<ServerMechanism> server;
};

inline Credentials credentials() {
  Credentials out;
  out.username = kUser;
  out.password = kPassword;
  return out;
}

// The keys of kUser; nothing for anybody else. Derived once for each hash.
inline std::optional<ScramKeys> keys_of(std::string_view username, ScramHash hash) {
  static std::map<ScramHash, ScramKeys> kept;
  if (username != kUser) return std::nullopt;
  auto found = kept.find(hash);
  if (found == kept.end()) {
    auto keys = derive_keys(hash, kPassword, std::string_view("0123456789abcdef"), 4096);
    found = kept.emplace(hash, keys.value()).first;
  }
  return found->second;
}

// What a step failed with.
inline Errc error_of(const ServerStep& step) {
  const auto* error = std::get_if<Error>(&step);
  EXPECT_NE(error, nullptr);
  return error == nullptr ? Errc::kUndefinedCondition : error->code;
}

// Answers the machine's questions until it wants the peer or has ended.
inline ServerStep answer(ServerMechanism& server, ServerStep step) {
  while (true) {
    if (const auto* need = std::get_if<NeedCredentials>(&step)) {
      step = server.credentials(keys_of(need->username, need->hash));
    } else if (const auto* verify = std::get_if<VerifyPassword>(&step)) {
      const auto keys = keys_of(verify->username, ScramHash::kSha256);
      const auto fake = fake_keys(ScramHash::kSha256, verify->username, kSecret, 4096);
      step = server.verified(verify_password(verify->password, keys.value_or(fake)));
    } else if (const auto* token = std::get_if<VerifyToken>(&step)) {
      const bool has = token->username == kUser && fits(*token, kToken);
      step = server.token(has ? std::optional<std::string>(kToken) : std::nullopt);
    } else if (std::holds_alternative<VerifyExternal>(step)) {
      step = server.identified("montague.example");
    } else {
      return step;
    }
  }
}

struct Outcome {
  std::optional<Success> server;
  std::optional<Errc> server_error;
  Result<> client = {};
  int challenges = 0;
};

// One whole exchange.
inline Outcome run(ClientMechanism& client, ServerMechanism& server) {
  Outcome out;
  auto message = client.initial_response();
  if (!message) {
    out.client = fail(message.error());
    return out;
  }
  ServerStep step = answer(server, server.start(*message));
  while (const auto* challenge = std::get_if<Challenge>(&step)) {
    ++out.challenges;
    message = client.step(challenge->data);
    if (!message) {
      out.client = fail(message.error());
      return out;
    }
    step = answer(server, server.step(*message));
  }
  if (const auto* error = std::get_if<Error>(&step)) {
    out.server_error = error->code;
  } else {
    out.server = std::get<Success>(step);
    out.client = client.success(out.server->data);
  }
  return out;
}

}  // namespace balcony::sasl::testing
