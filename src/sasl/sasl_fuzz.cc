// Both ends of every mechanism against messages that an attacker writes.
//
// Input: one byte that picks end and mechanism, then messages, each up to a 0xFF byte (which UTF-8
// never has). What must hold whatever comes: nobody who does not know the password gets in, no
// client believes a server that does not know it, what ended stays ended, what was read as SCRAM
// writes back.
#include "base/assert.h"
#include "sasl/client_mechanisms.h"
#include "sasl/scram_messages.h"
#include "sasl/server_mechanisms.h"

#include <cstdint>
#include <span>

namespace {

using namespace balcony;
using namespace balcony::sasl;

constexpr std::string_view kSecret = "a secret of the server's own";

class Messages {
 public:
  explicit Messages(std::string_view bytes) : rest_(bytes) {}
  std::string_view next() {
    const std::size_t end = rest_.find('\xff');
    const std::string_view message = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return message;
  }

 private:
  std::string_view rest_;
};

// Keys that no message fits: the fuzzer cannot know the preimage.
ScramKeys keys_of(ScramHash hash) {
  return fake_keys(hash, "juliet", "the keys of one who exists", 1);
}

ServerStep answered(ServerMechanism& server, ServerStep step) {
  if (const auto* need = std::get_if<NeedCredentials>(&step)) {
    const bool known = need->username == "juliet";
    return server.credentials(known ? std::optional(keys_of(need->hash)) : std::nullopt);
  }
  if (const auto* verify = std::get_if<VerifyPassword>(&step)) {
    BALCONY_ASSERT(!verify->username.empty() && !verify->password.empty(), "PLAIN: empty field");
    return server.verified(false);
  }
  if (std::holds_alternative<VerifyExternal>(step)) {
    return server.identified(fail(Errc::kSaslNotAuthorized));
  }
  if (const auto* verify = std::get_if<VerifyToken>(&step)) {
    BALCONY_ASSERT(!verify->username.empty() && !verify->proof.empty(), "HT: empty field");
    return server.token("a token that nobody was given");
  }
  return step;
}

void fuzz_server(std::string_view mechanism, Messages messages) {
  SeededRandom random(1);
  ServerOptions options;
  options.fake_secret = kSecret;
  options.iterations = 1;
  options.channel_bindings = {{std::string(kTlsExporter), "data"}};
  options.may_act_as = [](std::string_view, std::string_view) { return true; };
  const auto server = make_server_mechanism(mechanism, std::move(options), random).value();
  ServerStep step = answered(*server, server->start(messages.next()));
  for (int i = 0; i < 4 && std::holds_alternative<Challenge>(step); ++i) {
    step = answered(*server, server->step(messages.next()));
  }
  BALCONY_ASSERT(!std::holds_alternative<Challenge>(step), "an exchange without end");
  BALCONY_ASSERT(mechanism == kAnonymous || std::holds_alternative<Error>(step), "they are in");
  BALCONY_ASSERT(std::holds_alternative<Error>(server->step("")), "the end is not the end");
}

void fuzz_client(ScramName name, Messages messages) {
  Credentials who;
  who.username = "juliet";
  who.password = "r0m30";
  who.iterations_min = 1;
  who.iterations_max = 100;
  MechanismChoice choice{to_string(name), BindingFlag::kNotSupported, std::nullopt};
  if (name.plus) choice.binding = ChannelBinding{std::string(kTlsExporter), "data"};
  if (name.plus) choice.flag = BindingFlag::kUsed;
  const auto client = scram_client(name, choice, std::move(who), "nonce");
  BALCONY_ASSERT(client->initial_response().has_value(), "no first message");
  bool failed = false;
  for (int i = 0; i < 3; ++i) {
    const bool went_on = client->step(messages.next()).has_value();
    BALCONY_ASSERT(!failed || !went_on, "a client that refused goes on");
    failed = failed || !went_on;
  }
  BALCONY_ASSERT(!client->success(messages.next()), "the client believes a stranger");
  BALCONY_ASSERT(client->keys() == nullptr, "keys without success");
}

void fuzz_messages(std::string_view message) {
  if (const auto first = scram::parse_client_first(message)) {
    BALCONY_ASSERT(first->gs2_header + first->bare == message, "the parts are not the whole");
    const std::string again = scram::gs2_header(first->flag, first->binding_type, first->authzid) +
                              scram::client_first_bare(first->username, first->nonce);
    BALCONY_ASSERT(message.starts_with(again), "not what was read");
  }
  if (const auto first = scram::parse_server_first(message)) {
    const auto again = scram::parse_server_first(
        scram::server_first(first->nonce, first->salt, first->iterations, first->announced));
    BALCONY_ASSERT(again && again->salt == first->salt && again->nonce == first->nonce &&
                       again->iterations == first->iterations,
                   "not what was written");
  }
  if (const auto final = scram::parse_client_final(message)) {
    const std::string again = scram::client_final_without_proof(final->binding, final->nonce);
    BALCONY_ASSERT(message.starts_with(again), "not what was read");
    BALCONY_ASSERT(message.starts_with(final->without_proof), "the parts are not the whole");
  }
  (void)scram::parse_server_final(message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr std::string_view kServers[] = {"SCRAM-SHA-1",    "SCRAM-SHA-256", "SCRAM-SHA-512-PLUS",
                                           "PLAIN",          "EXTERNAL",      "ANONYMOUS",
                                           "HT-SHA-256-EXPR"};
  const unsigned pick = data[0] % 10;
  if (pick < std::size(kServers)) {
    fuzz_server(kServers[pick], Messages(rest));
  } else if (pick == 9) {
    fuzz_messages(rest);
  } else {
    fuzz_client({ScramHash::kSha256, pick == 8}, Messages(rest));
  }
  return 0;
}
