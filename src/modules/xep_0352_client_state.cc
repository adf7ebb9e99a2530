// XEP-0352: Client State Indication: offered to clients, and how much a stream holds back for one
// that is inactive. What waits and what does not is in stream/client_state.h.
#include "modules/modules.h"
#include "stanza/ns.h"

namespace balcony::modules {
namespace {

struct ClientStateOptions {
  std::size_t stanzas_max = 1'000;
  Bytes bytes_max{256 * 1024};
};

void attach_client_state(Registrar& on, Server&, const ClientStateOptions& options) {
  // §4.1
  on.on<router::StreamFeatures>([](router::StreamFeatures& event) {
    event.features.append(ns::kClientState, "csi");
    return Flow::kContinue;
  });
  // XEP-0386 §3.1: a client may say in which state it begins.
  on.on<router::InlineFeatures>([](router::InlineFeatures& event) {
    event.features.append("feature").set("var", ns::kClientState);
    return Flow::kContinue;
  });
  on.on<router::ClientInactive>([&options](router::ClientInactive& event) {
    event.stanzas_max = options.stanzas_max;
    event.bytes_max = options.bytes_max.count;
    return Flow::kStop;
  });
}

}  // namespace

extern const ModuleSpec xep_0352_client_state = router::module<ClientStateOptions>(
    "client_state", {{"XEP-0352", "1.0.0"}},
    "Holds back what an inactive client need not have at once.",
    {option("stanzas_max", &ClientStateOptions::stanzas_max, 1, 100'000,
            "Stanzas that are held back for one client; with one more all of them are sent."),
     option("bytes_max", &ClientStateOptions::bytes_max, Bytes{1024}, Bytes{16 * 1024 * 1024},
            "How large they may be together.")},
    attach_client_state);

}  // namespace balcony::modules
