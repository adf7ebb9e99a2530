// XEP-0202: Entity Time (§3): the server's clock, in UTC.
#include "modules/modules.h"
#include "stanza/datetime.h"
#include "stanza/ns.h"

namespace balcony::modules {
namespace {

void attach_time(Registrar& on, Server& server, const NoOptions&) {
  on.feature(ns::kTime);
  on.iq_get({ns::kTime, "time"}, Target::kServer, Access::kAnyone,
            [&server](const IqRequest&) -> IqReply {
              xml::Element time(ns::kTime, "time");
              // A server has users in every zone and none of its own.
              time.append_text_element("tzo", "+00:00");
              time.append_text_element("utc", format_datetime(server.clock().wall()));
              return time;
            });
}

}  // namespace

extern const ModuleSpec xep_0202_time = router::module<NoOptions>(
    "time", {{"XEP-0202", "2.0"}}, "Tells the server's time.", {}, attach_time);

}  // namespace balcony::modules
