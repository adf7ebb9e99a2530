// The client's machines, one function each; make_client_mechanism() picks. Internal to sasl/ and
// its tests: a new mechanism is a file of its own and a line here and there.
#pragma once

#include "sasl/client.h"
#include "sasl/ht.h"
#include "sasl/mechanism.h"

namespace balcony::sasl {

// `nonce`: the client's part, printable and without comma (RFC 5802 §5.1). `choice.binding` is set
// if and only if `choice.flag` is kUsed.
std::unique_ptr<ClientMechanism> scram_client(ScramName name, MechanismChoice choice,
                                              Credentials credentials, std::string nonce);
std::unique_ptr<ClientMechanism> plain_client(Credentials credentials);
std::unique_ptr<ClientMechanism> external_client(Credentials credentials);
std::unique_ptr<ClientMechanism> anonymous_client(Credentials credentials);
// Errors: kSaslInvalidMechanism: `choice` has no binding of the type that the name says.
Result<std::unique_ptr<ClientMechanism>> ht_client(HtName name, const MechanismChoice& choice,
                                                   Credentials credentials);

}  // namespace balcony::sasl
