// How many attributes a tag has, told before a parser reads it.
#include "gateway/mail/html_parser.h"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace balcony::gateway::mail {
namespace {

bool is_html_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// What a name begins with, and what may follow.
bool is_name_start(char c) {
  return is_letter(c) || c == ':' || c == '_' || c == '.';
}

bool is_name(char c) {
  return is_name_start(c) || (c >= '0' && c <= '9') || c == '-';
}

// Where a tag begins depends on all that stands before it, comments and scripts and quotes, and two
// readers may differ about it. So the attributes are counted for every place at which a tag could
// begin: from the end to the beginning, each place knows the answer of those behind it. Linear.
class AttributeCounter {
 public:
  explicit AttributeCounter(std::string_view html)
      : html_(html),
        next_word_(html.size() + 1),
        next_stop_(html.size() + 1),
        next_quote_(html.size() + 1),
        next_apostrophe_(html.size() + 1),
        next_other_(html.size() + 1),
        count_(html.size() + 1) {}

  // The first "<" whose tag has more than `most` attributes; the size where there is none.
  std::size_t first_above(std::size_t most) {
    const auto size = static_cast<std::uint32_t>(html_.size());
    next_word_[size] = next_stop_[size] = next_quote_[size] = size;
    next_apostrophe_[size] = next_other_[size] = size;
    std::size_t found = size;
    for (std::uint32_t i = size; i-- > 0;) {
      const char c = html_[i];
      next_word_[i] = is_html_blank(c) ? next_word_[i + 1] : i;
      next_stop_[i] = is_html_blank(c) || c == '>' ? i : next_stop_[i + 1];
      next_quote_[i] = c == '"' ? i : next_quote_[i + 1];
      next_apostrophe_[i] = c == '\'' ? i : next_apostrophe_[i + 1];
      next_other_[i] = is_name(c) ? next_other_[i + 1] : i;
      count_[i] = count_at(i);
      const bool may_begin = c == '<' && is_name_start(at(i + 1));
      if (may_begin && count_[next_other_[i + 1]] > most) found = i;
    }
    return found;
  }

 private:
  char at(std::size_t i) const { return i < html_.size() ? html_[i] : '\0'; }

  // The attributes from here to the end of the tag, when we stand between two of them.
  std::uint16_t count_at(std::uint32_t i) const {
    const std::uint32_t word = next_word_[i];
    if (word != i) return count_[word];
    if (at(i) == '>' || (at(i) == '/' && at(i + 1) == '>')) return 0;
    const std::uint16_t rest = count_[behind_attribute(i)];
    return rest == std::numeric_limits<std::uint16_t>::max() ? rest
                                                             : static_cast<std::uint16_t>(rest + 1);
  }

  // Where the attribute that begins at `i` ends: a name, and perhaps a value; else all up to the
  // next blank.
  std::uint32_t behind_attribute(std::uint32_t i) const {
    if (!is_name_start(at(i))) return std::max(next_stop_[i], i + 1);
    const std::uint32_t behind_name = next_other_[i];
    const std::uint32_t equals = next_word_[behind_name];
    if (at(equals) != '=') return behind_name;
    const std::uint32_t value = next_word_[equals + 1];
    const auto size = static_cast<std::uint32_t>(html_.size());
    if (at(value) == '"') return std::min(next_quote_[value + 1] + 1, size);
    if (at(value) == '\'') return std::min(next_apostrophe_[value + 1] + 1, size);
    return next_stop_[value];
  }

  const std::string_view html_;
  // At each place: where the next that is no blank stands, blank or ">", quotation mark,
  // apostrophe, and the next that is of no name.
  std::vector<std::uint32_t> next_word_, next_stop_, next_quote_, next_apostrophe_, next_other_;
  std::vector<std::uint16_t> count_;
};

}  // namespace

std::size_t html_within_limits(std::string_view html, std::size_t attributes_max) {
  return AttributeCounter(html).first_above(attributes_max);
}

}  // namespace balcony::gateway::mail
