// What the backends must agree on in queries: limits, and what a word is.
#pragma once

#include "storage/storage.h"

namespace balcony::storage {

inline constexpr std::uint32_t kPageRowsMax = 1'000;
inline constexpr std::uint32_t kScanEntriesMax = 10'000;

// The words of a text in lower case: runs of ASCII letters and digits and of bytes beyond ASCII.
// Only ASCII is folded here; SQLite's index folds all of Unicode besides.
std::vector<std::string> search_words(std::string_view text);

// The words that a query asks for: those of the text, and the first 64 of them at most.
std::vector<std::string> wanted_words(std::string_view search);

// Whether the row passes the filters of the query: `with`, time and words; not `after`, `before`.
bool matches(const ArchiveQuery& query, const ArchiveRow& row);

}  // namespace balcony::storage
