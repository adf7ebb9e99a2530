// Whole exchanges whose bytes are published or were computed by another implementation.
#include "base/base64.h"
#include "sasl/test_support.h"

#include <gtest/gtest.h>

namespace balcony::sasl {
namespace {

struct Exchange {
  ScramName name;
  std::string client_nonce, server_nonce, salt;
  std::uint32_t iterations = 4096;
  std::optional<ChannelBinding> binding = {};
  std::string client_first, server_first, client_final, server_final;
};

std::string counting_bytes() {
  std::string out;
  for (char c = 0; c < 32; ++c) out.push_back(c);
  return out;
}

const Exchange kExchanges[] = {
    // RFC 5802 §5.
    {.name = {ScramHash::kSha1, false},
     .client_nonce = "fyko+d2lbbFgONRv9qkxdawL",
     .server_nonce = "3rfcNHYJY1ZVvWVs7j",
     .salt = "QSXCR+Q6sek8bf92",
     .client_first = "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
     .server_first = "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
     .client_final = "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
                     "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
     .server_final = "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    // RFC 7677 §3.
    {.name = {ScramHash::kSha256, false},
     .client_nonce = "rOprNGfwEbeRWgbNEkqO",
     .server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
     .salt = "W22ZaJ0SNY7soEsUEjb6gQ==",
     .client_first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
     .server_first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                     "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
     .client_final = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                     "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     .server_final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
    // The last two were computed with Python's hashlib and hmac.
    {.name = {ScramHash::kSha512, false},
     .client_nonce = "rOprNGfwEbeRWgbNEkqO",
     .server_nonce = "02431b08-2f0a-4b9c-8d1c-9d0c9f2f5a34",
     .salt = "Yin2FuHTt/M0kJWb0t9OI32n2VmOGi3m+JfjOvuDF88=",
     .client_first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
     .server_first = "r=rOprNGfwEbeRWgbNEkqO02431b08-2f0a-4b9c-8d1c-9d0c9f2f5a34,"
                     "s=Yin2FuHTt/M0kJWb0t9OI32n2VmOGi3m+JfjOvuDF88=,i=4096",
     .client_final = "c=biws,r=rOprNGfwEbeRWgbNEkqO02431b08-2f0a-4b9c-8d1c-9d0c9f2f5a34,"
                     "p=Hjj6LMq3g8wD45oVytyqm8FcwpcamYxOcjFfTUjdFxrszlSzsx11fMB3pK31afBv"
                     "ahiENKixODhWIZQAlOPNgw==",
     .server_final = "v=fgQj3q3QJx0bgZt/Mf7VekgtBuHtwRxmiCq8NlgnArkuyHAEG1mGxCjPIi2xwPWh"
                     "OnMJHUAXGZlkqJCdDSnIGg=="},
    {.name = {ScramHash::kSha512, true},
     .client_nonce = "rOprNGfwEbeRWgbNEkqO",
     .server_nonce = "02431b08-2f0a-4b9c-8d1c-9d0c9f2f5a34",
     .salt = "Yin2FuHTt/M0kJWb0t9OI32n2VmOGi3m+JfjOvuDF88=",
     .iterations = 10'000,
     .binding = ChannelBinding{std::string(kTlsExporter), counting_bytes()},
     .client_first = "p=tls-exporter,,n=user,r=rOprNGfwEbeRWgbNEkqO",
     .server_first = "r=rOprNGfwEbeRWgbNEkqO02431b08-2f0a-4b9c-8d1c-9d0c9f2f5a34,"
                     "s=Yin2FuHTt/M0kJWb0t9OI32n2VmOGi3m+JfjOvuDF88=,i=10000",
     .client_final = "c=cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f,"
                     "r=rOprNGfwEbeRWgbNEkqO02431b08-2f0a-4b9c-8d1c-9d0c9f2f5a34,"
                     "p=zLKdDVcF2t+Zn8Z0g3O3Rj43yB8SSyDtVwD/Q6FTHiZqUyB2KvwcXilwOnnND7ff"
                     "y6unb6131t91JiFOeg5w1w==",
     .server_final = "v=x/cqEnY0VKTAQMry3oaDveMgWyO8R+qyT511lBMiI84yEjgtgPS5ScYf9oOZFktL"
                     "e0V1Di45wXoB5mFRWRnn7Q=="},
};

class Vectors : public ::testing::TestWithParam<Exchange> {};

TEST_P(Vectors, Client) {
  const Exchange& e = GetParam();
  Credentials who;
  who.username = "user";
  who.password = "pencil";
  const auto flag = e.binding ? BindingFlag::kUsed : BindingFlag::kNotSupported;
  const auto client =
      scram_client(e.name, {to_string(e.name), flag, e.binding}, who, e.client_nonce);
  EXPECT_EQ(client->initial_response().value(), e.client_first);
  EXPECT_EQ(client->step(e.server_first).value(), e.client_final);
  EXPECT_TRUE(client->success(e.server_final));
}

TEST_P(Vectors, Server) {
  const Exchange& e = GetParam();
  std::vector<ChannelBinding> bindings;
  if (e.binding) bindings.push_back(*e.binding);
  const auto server =
      scram_server(e.name, testing::server_options(std::move(bindings)), e.server_nonce);
  const auto need = server->start(e.client_first);
  ASSERT_TRUE(std::holds_alternative<NeedCredentials>(need));
  EXPECT_EQ(std::get<NeedCredentials>(need).username, "user");
  EXPECT_EQ(std::get<NeedCredentials>(need).hash, e.name.hash);
  const std::string salt = base64_decode(e.salt).value();
  const auto challenge = server->credentials(
      derive_keys(e.name.hash, "pencil", std::string_view(salt), e.iterations).value());
  ASSERT_TRUE(std::holds_alternative<Challenge>(challenge));
  EXPECT_EQ(std::get<Challenge>(challenge).data, e.server_first);
  const auto end = server->step(e.client_final);
  ASSERT_TRUE(std::holds_alternative<Success>(end));
  EXPECT_EQ(std::get<Success>(end).data, e.server_final);
  EXPECT_EQ(std::get<Success>(end).username, "user");
}

INSTANTIATE_TEST_SUITE_P(Scram, Vectors, ::testing::ValuesIn(kExchanges));

}  // namespace
}  // namespace balcony::sasl
