#include "modules/xep_0160_offline/archived.h"

#include "modules/stanza_id.h"
#include "modules/xep_0313_archive/reading.h"
#include "xml/parser.h"

#include <utility>

namespace balcony::modules {

Task<Result<bool>> is_archived(storage::Store& storage, Jid user, std::string stanza) {
  const auto message = xml::parse(stanza);
  // XEP-0313 §3.3: the id under which the archive has it stands in the message.
  std::string id(message ? find_stanza_id(*message, user) : std::string_view());
  if (id.empty()) co_return false;
  BALCONY_CO_ASSIGN(const auto found,
                    co_await storage.find(user.str(), std::string(kArchiveStore), std::move(id)));
  co_return found.has_value();
}

}  // namespace balcony::modules
