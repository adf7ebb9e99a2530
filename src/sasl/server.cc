#include "sasl/server.h"

#include "base/assert.h"
#include "sasl/server_mechanisms.h"

namespace balcony::sasl {
namespace {

// The nonce's randomness: more than the 16 bytes that nobody can guess.
constexpr std::size_t kServerNonceBytes = 18;

Error comes_out_of_turn() {
  return Error(Errc::kSaslMalformedRequest, "a message out of turn");
}

}  // namespace

ServerStep ServerMechanism::enter(ServerStep next) {
  struct {
    State operator()(const Challenge&) { return State::kChallenged; }
    State operator()(const NeedCredentials&) { return State::kAskedKeys; }
    State operator()(const VerifyPassword&) { return State::kAskedPassword; }
    State operator()(const VerifyExternal&) { return State::kAskedIdentity; }
    State operator()(const VerifyToken&) { return State::kAskedToken; }
    State operator()(const Success&) { return State::kEnded; }
    State operator()(const Error&) { return State::kEnded; }
  } after;
  state_ = std::visit(after, next);
  return next;
}

bool ServerMechanism::asked(State question) const {
  BALCONY_ASSERT(state_ == question || state_ == State::kEnded,
                 "a SASL machine got an answer that it did not ask for");
  return state_ == question;
}

ServerStep ServerMechanism::start(std::optional<std::string_view> initial_response) {
  BALCONY_ASSERT(state_ == State::kNew, "a SASL machine was started twice");
  state_ = State::kChallenged;
  // RFC 4422 §5: a mechanism in which the client speaks first begins with an empty challenge.
  if (!initial_response) return Challenge{};
  return step(*initial_response);
}

ServerStep ServerMechanism::step(std::string_view response) {
  if (state_ != State::kChallenged) return enter(comes_out_of_turn());
  if (response.size() > kMessageBytesMax) {
    return enter(Error(Errc::kSaslMalformedRequest, "a message that is too long"));
  }
  return enter(on_response(response));
}

ServerStep ServerMechanism::credentials(std::optional<ScramKeys> keys) {
  if (!asked(State::kAskedKeys)) return comes_out_of_turn();
  return enter(on_credentials(std::move(keys)));
}

ServerStep ServerMechanism::verified(bool matches) {
  if (!asked(State::kAskedPassword)) return comes_out_of_turn();
  return enter(on_verified(matches));
}

ServerStep ServerMechanism::identified(Result<std::string> username) {
  if (!asked(State::kAskedIdentity)) return comes_out_of_turn();
  if (!username) return enter(std::move(username).error());
  return enter(on_identified(std::move(*username)));
}

ServerStep ServerMechanism::token(std::optional<std::string> token) {
  if (!asked(State::kAskedToken)) return comes_out_of_turn();
  return enter(on_token(std::move(token)));
}

// Those that a mechanism does not ask for are never called.
ServerStep ServerMechanism::on_credentials(std::optional<ScramKeys>) {
  BALCONY_ASSERT(false, "this mechanism has no use for keys");
}

ServerStep ServerMechanism::on_verified(bool) {
  BALCONY_ASSERT(false, "this mechanism has no password to verify");
}

ServerStep ServerMechanism::on_identified(std::string) {
  BALCONY_ASSERT(false, "this mechanism asks for no identity");
}

ServerStep ServerMechanism::on_token(std::optional<std::string>) {
  BALCONY_ASSERT(false, "this mechanism has no use for tokens");
}

ServerStep authorize(const ServerOptions& options, Success success) {
  if (!success.authzid.empty() &&
      (!options.may_act_as || !options.may_act_as(success.username, success.authzid))) {
    return Error(Errc::kSaslInvalidAuthzid, "the user may not act as this authzid");
  }
  return success;
}

Result<std::unique_ptr<ServerMechanism>> make_server_mechanism(std::string_view mechanism,
                                                               ServerOptions options,
                                                               Random& random) {
  if (const auto scram = scram_name(mechanism)) {
    if (scram->plus && options.channel_bindings.empty()) {
      return fail(Errc::kSaslInvalidMechanism, "-PLUS without a channel to bind to");
    }
    return scram_server(*scram, std::move(options), random.token(kServerNonceBytes));
  }
  if (const auto ht = ht_name(mechanism)) return ht_server(*ht, std::move(options));
  if (mechanism == kPlain) return plain_server(std::move(options));
  if (mechanism == kExternal) return external_server();
  if (mechanism == kAnonymous) return anonymous_server();
  return fail(Errc::kSaslInvalidMechanism, "a mechanism that we do not speak");
}

}  // namespace balcony::sasl
