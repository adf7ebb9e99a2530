// The server's machines, one function each; make_server_mechanism() picks. Internal to sasl/ and
// its tests: a new mechanism is a file of its own and a line here and there.
#pragma once

#include "sasl/mechanism.h"
#include "sasl/server.h"

namespace balcony::sasl {

// `nonce`: the server's part, printable and without comma (RFC 5802 §5.1).
std::unique_ptr<ServerMechanism> scram_server(ScramName name, ServerOptions options,
                                              std::string nonce);
std::unique_ptr<ServerMechanism> plain_server(ServerOptions options);
std::unique_ptr<ServerMechanism> external_server();
std::unique_ptr<ServerMechanism> anonymous_server();
// Errors: kSaslInvalidMechanism: bound to what this connection has not.
Result<std::unique_ptr<ServerMechanism>> ht_server(HtName name, ServerOptions options);

// The end of an attempt in which `username` proved who it is. Errors: kSaslInvalidAuthzid.
ServerStep authorize(const ServerOptions& options, Success success);

}  // namespace balcony::sasl
