// Channel bindings (RFC 5056): what ties an authentication to the TLS connection that it runs in.
//
// The TLS layer computes the data; the machines here only compare it. Values; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace balcony::sasl {

inline constexpr std::string_view kTlsExporter = "tls-exporter";                // RFC 9266
inline constexpr std::string_view kTlsServerEndPoint = "tls-server-end-point";  // RFC 5929 §4
inline constexpr std::string_view kTlsUnique = "tls-unique";                    // RFC 5929 §3

struct ChannelBinding {
  std::string type;  // the unique prefix, one of the above
  std::string data;  // bytes
};

// The binding of that type, or nullptr.
const ChannelBinding* find_binding(std::span<const ChannelBinding> bindings, std::string_view type);

}  // namespace balcony::sasl
