// Telling the service manager how we are (systemd's sd_notify protocol, without its library).
#pragma once

#include <string_view>

namespace balcony {

// Sends `state`, such as "READY=1" or "STOPPING=1", to the socket that NOTIFY_SOCKET names. Without
// one, or when it cannot be reached, nothing happens. Any thread.
void notify_service_manager(std::string_view state) noexcept;

}  // namespace balcony
