// POSH documents and the HTTP around them, as any web server may send them: what is accepted can be
// compared with, or leads to a place with HTTPS.
#include "net/https_client.h"
#include "net/posh.h"

#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto document = balcony::parse_posh(text)) {
    const bool has_digests = !document->sha256.empty() || !document->sha512.empty();
    BALCONY_ASSERT(has_digests == document->url.empty(), "both, or neither");
    for (const auto& digest : document->sha256) BALCONY_ASSERT(digest.size() == 32, "SHA-256");
    for (const auto& digest : document->sha512) BALCONY_ASSERT(digest.size() == 64, "SHA-512");
    if (!document->url.empty()) static_cast<void>(balcony::https_place(document->url));
  }
  if (const auto place = balcony::https_place(text)) {
    BALCONY_ASSERT(!place->host.empty() && place->port != 0, "a place without host or port");
    BALCONY_ASSERT(place->host.find_first_of("/@?# \r\n") == std::string::npos, "no host");
  }
  if (const auto age = balcony::read_max_age(text)) {
    BALCONY_ASSERT(age->count() >= 0, "a time that is over before it begins");
  }
  return 0;
}
