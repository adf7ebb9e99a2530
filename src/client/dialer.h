// From a client's options to a connection: DNS or the given server, happy eyeballs, and the rule
// that nothing goes unencrypted off this machine. On the runtime's loop.
#pragma once

#include "client/runtime_impl.h"
#include "net/connector.h"

#include <balcony/client.h>
#include <balcony/component.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace balcony::client {

struct HostPort {
  std::string host;
  std::uint16_t port = 0;  // 0: none was given
};

// "host", "host:port", "::1", "[::1]:port". Errors: kUsage, with a sentence.
Result<HostPort> parse_server(std::string_view text);

// The domain of `jid` as TLS and DNS want it: in A-labels, an address without brackets.
Result<std::string> network_name(const Jid& jid);

// Connects to where `options` say; TLS has not begun. `options` must outlive the task.
// Errors: kUsage, kNotFound, kConnect, kTimeout, kTls (plaintext to another machine).
Task<Result<Connected>> dial(Runtime::Impl& runtime, const ClientOptions& options);
Task<Result<Connected>> dial(Runtime::Impl& runtime, const ComponentOptions& options);

}  // namespace balcony::client
