// Makes a certificate for a server that has none yet. Any thread; a few milliseconds.
#pragma once

#include <balcony/result.h>

#include <chrono>
#include <string>
#include <vector>

namespace balcony {

struct SelfSigned {
  std::string certificate_pem;
  std::string key_pem;
};

// An ECDSA P-256 certificate signed by itself, with `names` (A-labels or IP addresses, at least
// one) as subject alternative names, valid from an hour ago for `days`. Errors: kConfig (a name
// that does not fit into a certificate), kTls.
Result<SelfSigned> make_self_signed(const std::vector<std::string>& names,
                                    std::chrono::days days = std::chrono::days(825));

// Writes both as PEM files that must not exist yet; the key with mode 600. Errors: kConflict (a
// file exists), kIo.
Result<> write_self_signed(const SelfSigned& made, const std::string& certificate_path,
                           const std::string& key_path);

}  // namespace balcony
