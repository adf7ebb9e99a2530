// The four messages of SCRAM (RFC 5802 §7), read and written. Internal to sasl/: the two SCRAM
// machines use it. Functions without state; any thread.
//
// Reading is strict: attributes in their order, no NUL, no empty value. Extensions after the known
// attributes are skipped, as §5.1 wants of optional ones; 'm', which makes one mandatory, is
// refused, and so is any known attribute in their place. Errors: kSaslMalformedRequest.
#pragma once

#include "sasl/choose.h"

#include <balcony/result.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace balcony::sasl::scram {

struct ClientFirst {
  BindingFlag flag = BindingFlag::kNotSupported;
  std::string binding_type;  // with kUsed
  std::string authzid;       // unescaped; empty: none
  std::string gs2_header;    // "p=tls-exporter,,": as it stands
  std::string bare;          // what follows: a part of AuthMessage
  std::string username;      // unescaped, not prepared
  std::string nonce;
};
Result<ClientFirst> parse_client_first(std::string_view message);

struct ServerFirst {
  std::string nonce;
  std::string salt;
  std::uint32_t iterations = 0;  // the greatest of its type if what was sent is greater
  std::string announced;         // h= of XEP-0474, as it was sent; empty: none
};
Result<ServerFirst> parse_server_first(std::string_view message);

struct ClientFinal {
  std::string binding;  // decoded c=: gs2 header and channel binding data
  std::string nonce;
  std::string proof;          // decoded
  std::string without_proof;  // a part of AuthMessage
};
Result<ClientFinal> parse_client_final(std::string_view message);

// The decoded server signature. Errors also: kSaslNotAuthorized for "e=…", the detail says which.
Result<std::string> parse_server_final(std::string_view message);

std::string gs2_header(BindingFlag flag, std::string_view binding_type, std::string_view authzid);
std::string client_first_bare(std::string_view username, std::string_view nonce);

// `announced`: h= of XEP-0474 §5.1; empty: none.
std::string server_first(std::string_view nonce, std::string_view salt, std::uint32_t iterations,
                         std::string_view announced = {});

std::string client_final_without_proof(std::string_view binding, std::string_view nonce);

// AuthMessage of RFC 5802 §3: what both sign.
std::string auth_message(std::string_view client_first_bare, std::string_view server_first,
                         std::string_view client_final_without_proof);

}  // namespace balcony::sasl::scram
