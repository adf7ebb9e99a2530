#include "net/posh.h"

#include "net/json_reader.h"

#include "base/base64.h"

#include <openssl/evp.h>

#include <algorithm>

namespace balcony {
namespace {

constexpr std::size_t kDocumentBytesMax = 64 * 1024;
constexpr std::size_t kFingerprintsMax = 64;

std::string digest(const EVP_MD* hash, std::string_view bytes) {
  unsigned char value[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), value, &size, hash, nullptr) != 1) return {};
  return std::string(reinterpret_cast<const char*>(value), size);
}

// {"sha-256": "…", "sha-512": "…"}: RFC 7711 §3.1. What is no digest of its length is skipped.
Result<> read_fingerprint(JsonReader& json, PoshDocument& document) {
  BALCONY_CHECK(json.take('{'));
  if (json.take_if('}')) return {};
  do {
    BALCONY_ASSIGN(const std::string name, json.string());
    BALCONY_CHECK(json.take(':'));
    if (name != "sha-256" && name != "sha-512") {
      BALCONY_CHECK(json.skip());
      continue;
    }
    BALCONY_ASSIGN(const std::string text, json.string());
    const auto value = base64_decode(text);
    const std::size_t size = name == "sha-256" ? 32 : 64;
    auto& list = name == "sha-256" ? document.sha256 : document.sha512;
    if (value && value->size() == size && list.size() < kFingerprintsMax) list.push_back(*value);
  } while (json.take_if(','));
  return json.take('}');
}

Result<> read_fingerprints(JsonReader& json, PoshDocument& document) {
  BALCONY_CHECK(json.take('['));
  if (json.take_if(']')) return {};
  do {
    BALCONY_CHECK(read_fingerprint(json, document));
  } while (json.take_if(','));
  return json.take(']');
}

Result<> read_member(JsonReader& json, PoshDocument& document) {
  BALCONY_ASSIGN(const std::string name, json.string());
  BALCONY_CHECK(json.take(':'));
  if (name == "fingerprints") return read_fingerprints(json, document);
  if (name == "url") {
    BALCONY_ASSIGN(document.url, json.string());
    return {};
  }
  if (name == "expires") {
    BALCONY_ASSIGN(const std::uint64_t seconds, json.number());
    document.expires = std::chrono::seconds(seconds);
    return {};
  }
  return json.skip();
}

}  // namespace

std::string posh_url(std::string_view domain) {
  return "https://" + std::string(domain) + "/.well-known/posh/xmpp-server.json";
}

Result<PoshDocument> parse_posh(std::string_view text) {
  if (text.size() > kDocumentBytesMax) return fail(Errc::kMalformed, "POSH: too much");
  PoshDocument document;
  JsonReader json(text);
  BALCONY_CHECK(json.take('{'));
  if (!json.take_if('}')) {
    do {
      BALCONY_CHECK(read_member(json, document));
    } while (json.take_if(','));
    BALCONY_CHECK(json.take('}'));
  }
  if (!json.at_end()) return fail(Errc::kMalformed, "POSH: something follows the document");
  const bool has_fingerprints = !document.sha256.empty() || !document.sha512.empty();
  // RFC 7711 §3.2: it holds either, and a reference stays with HTTPS.
  if (has_fingerprints == !document.url.empty()) {
    return fail(Errc::kMalformed, "POSH: neither fingerprints nor a reference");
  }
  if (!document.url.empty() && !document.url.starts_with("https://")) {
    return fail(Errc::kMalformed, "POSH: a reference that is not https");
  }
  return document;
}

bool posh_matches(const PoshDocument& document, const PeerCertificate& peer) {
  if (peer.der.empty()) return false;
  const auto has = [](const std::vector<std::string>& list, const std::string& value) {
    return std::ranges::find(list, value) != list.end();
  };
  return has(document.sha256, digest(EVP_sha256(), peer.der)) ||
         has(document.sha512, digest(EVP_sha512(), peer.der));
}

}  // namespace balcony
