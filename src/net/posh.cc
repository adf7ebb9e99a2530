#include "net/posh.h"

#include "base/base64.h"

#include <nlohmann/json.hpp>
#include <openssl/evp.h>

#include <algorithm>
#include <tuple>

namespace balcony {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kDocumentBytesMax = 64 * 1024;
constexpr std::size_t kFingerprintsMax = 64;

std::string digest(const EVP_MD* hash, std::string_view bytes) {
  unsigned char value[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), value, &size, hash, nullptr) != 1) return {};
  return std::string(reinterpret_cast<const char*>(value), size);
}

// {"sha-256": "…", "sha-512": "…"}: RFC 7711 §3.1. What is no digest of its length is skipped.
void read_fingerprint(const Json& fingerprint, PoshDocument& document) {
  for (const auto& [name, size, list] : {std::tuple("sha-256", 32U, &document.sha256),
                                         std::tuple("sha-512", 64U, &document.sha512)}) {
    const auto found = fingerprint.find(name);
    if (found == fingerprint.end() || !found->is_string()) continue;
    const auto value = base64_decode(found->get_ref<const std::string&>());
    if (value && value->size() == size && list->size() < kFingerprintsMax) list->push_back(*value);
  }
}

Result<> read_members(const Json& json, PoshDocument& document) {
  const Json fingerprints = json.value("fingerprints", Json::array());
  const Json url = json.value("url", Json(""));
  const Json expires = json.value("expires", Json(0U));
  if (!fingerprints.is_array() || !url.is_string() || !expires.is_number_unsigned()) {
    return fail(Errc::kMalformed, "POSH: a member of another type");
  }
  for (const Json& each : fingerprints) {
    if (each.is_object()) read_fingerprint(each, document);
  }
  document.url = url.get<std::string>();
  document.expires = std::chrono::seconds(expires.get<std::uint32_t>());
  return {};
}

}  // namespace

std::string posh_url(std::string_view domain) {
  return "https://" + std::string(domain) + "/.well-known/posh/xmpp-server.json";
}

Result<PoshDocument> parse_posh(std::string_view text) {
  if (text.size() > kDocumentBytesMax) return fail(Errc::kMalformed, "POSH: too much");
  PoshDocument document;
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return fail(Errc::kMalformed, "POSH: no JSON object");
  BALCONY_CHECK(read_members(json, document));
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
