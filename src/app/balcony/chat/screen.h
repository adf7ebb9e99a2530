// The terminal of `balcony chat`: draws a Model and reads keys. The only file that knows curses.
// One at a time; it takes the terminal over while it lives.
#pragma once

#include "app/balcony/chat/editor.h"
#include "app/balcony/chat/model.h"

#include <optional>
#include <string>

namespace balcony::cli::chat {

struct Key {
  enum class Kind : std::uint8_t {
    kCharacter,
    kEnter,
    kNext,      // Tab, Ctrl-N: the next conversation
    kPrevious,  // Shift-Tab, Ctrl-P
    kBackspace,
    kDelete,
    kLeft,
    kRight,
    kHome,
    kEnd,
    kUp,
    kDown,
    kPageUp,
    kPageDown,
    kEraseWord,
    kEraseLine,
    kRedraw,  // Ctrl-L, or the terminal has another size
    kOther
  };
  Kind kind = Kind::kOther;
  char32_t character = 0;
};

class Screen {
 public:
  // Errors: kUsage: there is no terminal to draw on.
  static Result<> can_start();

  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void draw(const Model& model, const Editor& editor);
  // The next key that was pressed; nothing when there is none.
  std::optional<Key> read();
  void clear();
  // Lines that a page of the conversation has.
  int page() const;
};

}  // namespace balcony::cli::chat
