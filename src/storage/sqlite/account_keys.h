// SCRAM keys of an account as the bytes of one column.
#pragma once

#include "storage/storage.h"

namespace balcony::storage {

std::string encode_keys(const std::vector<ScramKeys>& keys);

// Errors: kMalformed.
Result<std::vector<ScramKeys>> decode_keys(std::string_view bytes);

}  // namespace balcony::storage
