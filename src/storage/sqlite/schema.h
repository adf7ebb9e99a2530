// The schema of the SQLite backend and its numbered migrations.
#pragma once

#include "storage/sqlite/connection.h"

namespace balcony::storage {

// Brings a new or older file to this release's schema, one transaction a step. Errors: kVersion
// when a newer Balcony wrote the file; kIo when it is not a database of Balcony; kDiskFull.
Result<> migrate(Connection& db, const std::string& path);

}  // namespace balcony::storage
