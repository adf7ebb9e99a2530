// RFC 3921 §3: session establishment, which RFC 6121 has done away with. Clients of that time wait
// for an answer; those that read RFC 6121's successor draft see that it is optional and save a
// round trip.
#include "modules/modules.h"
#include "stanza/ns.h"

namespace balcony::modules {
namespace {

void attach_session(Registrar& on, Server&, const NoOptions&) {
  on.iq_set({ns::kSession, "session"}, Target::kServerAndAccount, Access::kOwner,
            [](const IqRequest&) -> IqReply { return xml::Element{}; });
  on.on<router::StreamFeatures>([](router::StreamFeatures& event) {
    event.features.append(ns::kSession, "session").append("optional");
    return Flow::kContinue;
  });
}

}  // namespace

extern const ModuleSpec rfc_3921_session = router::module<NoOptions>(
    "session", {{"RFC 3921", ""}}, "Lets old clients establish a session, which does nothing.", {},
    attach_session);

}  // namespace balcony::modules
