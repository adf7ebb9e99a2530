#include "stream/server_actions.h"

namespace balcony::stream {

std::string_view to_string(PairProof proof) noexcept {
  switch (proof) {
    case PairProof::kExternal: return "external";
    case PairProof::kCertificate: return "certificate";
    case PairProof::kDialback: return "dialback";
  }
  return {};
}

}  // namespace balcony::stream
