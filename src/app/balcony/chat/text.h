// Text as a terminal shows it: how wide it is, where lines break. Pure functions; the locale says
// how wide a character is (wcwidth), so setlocale() comes first.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::cli::chat {

// Columns of a character; 0 for what combines with the one before, and for what cannot be shown.
int width_of(char32_t character);
int width_of(std::u32string_view text);
int width_of(std::string_view utf8);

// At most `columns` of the text; what is cut ends in "…".
std::string fit(std::string_view utf8, int columns);

// Lines of at most `columns`, broken at spaces where there are some; a line feed always breaks.
// Never empty.
std::vector<std::string> wrap(std::string_view utf8, int columns);

}  // namespace balcony::cli::chat
