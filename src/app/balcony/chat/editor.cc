#include "app/balcony/chat/editor.h"

#include "app/balcony/chat/text.h"
#include "precis/utf8.h"

#include <utility>

namespace balcony::cli::chat {

void Editor::insert(char32_t character) {
  if (text_.size() < kCharactersMax) text_.insert(cursor_++, 1, character);
}

// What combines with a character goes with it.
void Editor::left() {
  while (cursor_ > 0 && width_of(text_[--cursor_]) == 0) {
  }
}

void Editor::right() {
  if (cursor_ < text_.size()) ++cursor_;
  while (cursor_ < text_.size() && width_of(text_[cursor_]) == 0) ++cursor_;
}

void Editor::backspace() {
  const std::size_t end = cursor_;
  left();
  text_.erase(cursor_, end - cursor_);
}

void Editor::erase() {
  const std::size_t start = cursor_;
  right();
  text_.erase(start, cursor_ - start);
  cursor_ = start;
}

void Editor::erase_word() {
  const std::size_t end = cursor_;
  while (cursor_ > 0 && text_[cursor_ - 1] == U' ') --cursor_;
  while (cursor_ > 0 && text_[cursor_ - 1] != U' ') --cursor_;
  text_.erase(cursor_, end - cursor_);
}

void Editor::erase_line() {
  text_.erase(0, std::exchange(cursor_, 0));
}

void Editor::older() {
  if (back_ == history_.size()) return;
  if (back_ == 0) draft_ = text_;
  text_ = history_[history_.size() - ++back_];
  end();
}

void Editor::newer() {
  if (back_ == 0) return;
  --back_;
  text_ = back_ == 0 ? draft_ : history_[history_.size() - back_];
  end();
}

std::string Editor::take() {
  std::string line = text();
  if (!text_.empty() && (history_.empty() || history_.back() != text_)) history_.push_back(text_);
  if (history_.size() > kHistoryMax) history_.pop_front();
  text_.clear();
  draft_.clear();
  cursor_ = 0;
  back_ = 0;
  return line;
}

std::string Editor::text() const {
  return encode_utf8(text_);
}

void Editor::set(std::string_view utf8) {
  text_ = decode_utf8(utf8).value_or(U"");
  back_ = 0;
  end();
}

}  // namespace balcony::cli::chat
