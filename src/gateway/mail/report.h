// Delivery status notifications (RFC 3464) as text: groups of fields. Pure functions; any thread.
#pragma once

#include "gateway/mail/mime.h"

#include <string>
#include <string_view>

namespace balcony::gateway::mail {

// Reads the content of a message/delivery-status into `report`, so many recipients at most.
void read_delivery_status(std::string_view content, Report& report);

// The Message-ID field of a header, without < and >; empty when there is none.
std::string find_message_id(std::string_view header);

}  // namespace balcony::gateway::mail
