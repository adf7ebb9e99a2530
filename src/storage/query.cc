#include "storage/query.h"

#include "base/ascii.h"

#include <algorithm>

namespace balcony::storage {
namespace {

constexpr std::size_t kWantedWordsMax = 64;

bool is_upper(unsigned char c) {
  return c >= 'A' && c <= 'Z';
}

bool in_word(unsigned char c) {
  return is_upper(c) || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80;
}

bool has_words(std::string_view text, std::string_view search) {
  const std::vector<std::string> wanted = wanted_words(search);
  if (wanted.empty()) return false;
  const std::vector<std::string> words = search_words(text);
  return std::ranges::all_of(wanted, [&](const std::string& word) {
    return std::ranges::find(words, word) != words.end();
  });
}

}  // namespace

std::vector<std::string> search_words(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (!in_word(byte)) {
      inside = false;
      continue;
    }
    if (!std::exchange(inside, true)) words.emplace_back();
    words.back().push_back(ascii_lower(c));
  }
  return words;
}

std::vector<std::string> wanted_words(std::string_view search) {
  std::vector<std::string> words = search_words(search);
  if (words.size() > kWantedWordsMax) words.resize(kWantedWordsMax);
  return words;
}

bool matches(const ArchiveQuery& query, const ArchiveRow& row) {
  if (!query.with.empty() && row.with != query.with) return false;
  if (query.start && row.when < *query.start) return false;
  if (query.end && row.when > *query.end) return false;
  return query.search.empty() || has_words(row.search, query.search);
}

}  // namespace balcony::storage
