// Finding a port that nobody uses. For the demonstration; others let the system choose (port 0).
#pragma once

#include <cstdint>
#include <string>

namespace balcony {

// The first port from `from` on, within the next hundred, that can be bound on this literal
// address; 0 when there is none. Somebody else may take it a moment later. Any thread.
std::uint16_t find_free_port(const std::string& address, std::uint16_t from) noexcept;

}  // namespace balcony
