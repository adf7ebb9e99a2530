// The line that is being typed: text, cursor, and the lines before it. Knows no terminal.
#pragma once

#include <cstddef>
#include <deque>
#include <string>

namespace balcony::cli::chat {

class Editor {
 public:
  static constexpr std::size_t kHistoryMax = 200;
  static constexpr std::size_t kCharactersMax = 10'000;  // more is not taken

  void insert(char32_t character);
  void backspace();
  void erase();  // what is under the cursor
  void left();
  void right();
  void home() noexcept { cursor_ = 0; }
  void end() noexcept { cursor_ = text_.size(); }
  void erase_word();  // before the cursor
  void erase_line();  // before the cursor
  void older();       // what was typed before
  void newer();
  // Takes the line; it is the newest of what was typed.
  std::string take();

  bool empty() const noexcept { return text_.empty(); }
  std::string text() const;
  const std::u32string& characters() const noexcept { return text_; }
  std::size_t cursor() const noexcept { return cursor_; }
  // For changing between conversations.
  void set(std::string_view utf8);

 private:
  std::u32string text_;
  std::size_t cursor_ = 0;
  std::deque<std::u32string> history_;  // oldest first
  std::size_t back_ = 0;                // how far up in it; 0: the new line
  std::u32string draft_;                // the new line, while an old one is shown
};

}  // namespace balcony::cli::chat
