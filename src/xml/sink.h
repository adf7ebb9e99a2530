// Appends to a string without asking for room at each piece: what the writer writes into. One
// thread; the string is the sink's until it is destroyed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace balcony::xml {

class Sink {
 public:
  explicit Sink(std::string& out) : out_(out), begin_size_(out.size()) { room(512); }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  ~Sink() { out_.resize(static_cast<std::size_t>(at_ - out_.data())); }

  void put(std::string_view text) {
    need(text.size());
    copy(text);
  }
  void put(char c) {
    need(1);
    *at_++ = c;
  }
  // Several pieces at once: texts and literals.
  template <class... Piece>
  void put_all(const Piece&... pieces) {
    need((std::string_view(pieces).size() + ...));
    (copy(pieces), ...);
  }
  // How much there is, and a part of it once more.
  std::size_t size() const { return static_cast<std::size_t>(at_ - out_.data()); }
  void repeat(std::size_t from, std::size_t bytes) {
    need(bytes);
    copy(std::string_view(out_.data() + from, bytes));
  }

 private:
  void need(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - at_) < bytes) [[unlikely]]
      grow(bytes);
  }
  // Short pieces are most of all: two copies of fixed size that may overlap.
  void copy(std::string_view text) {
    const std::size_t size = text.size();
    const char* const from = text.data();
    if (size > 32) {
      std::memcpy(at_, from, size);
    } else if (size >= 16) {
      pair<16>(from, size);
    } else if (size >= 8) {
      pair<8>(from, size);
    } else if (size >= 4) {
      pair<4>(from, size);
    } else if (size != 0) {
      at_[0] = from[0];
      at_[size / 2] = from[size / 2];
      at_[size - 1] = from[size - 1];
    }
    at_ += size;
  }
  // A literal: its size is known to the compiler.
  template <std::size_t kSize>
  void copy(const char (&text)[kSize]) {
    std::memcpy(at_, text, kSize - 1);
    at_ += kSize - 1;
  }
  template <std::size_t kSize>
  void pair(const char* from, std::size_t size) {
    char first[kSize];
    char last[kSize];
    std::memcpy(first, from, kSize);
    std::memcpy(last, from + size - kSize, kSize);
    std::memcpy(at_, first, kSize);
    std::memcpy(at_ + size - kSize, last, kSize);
  }
  void grow(std::size_t bytes) {
    begin_size_ = static_cast<std::size_t>(at_ - out_.data());
    room(std::max(bytes, begin_size_));
  }
  // Makes the string's tail, `bytes` at least, writable without filling it.
  void room(std::size_t bytes) {
    const std::size_t wanted = std::max(out_.capacity(), begin_size_ + bytes);
    out_.resize_and_overwrite(wanted, [](char*, std::size_t size) { return size; });
    at_ = out_.data() + begin_size_;
    end_ = out_.data() + out_.size();
  }

  std::string& out_;
  std::size_t begin_size_;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace balcony::xml
