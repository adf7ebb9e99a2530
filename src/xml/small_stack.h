// A stack whose first elements need no heap. Used by the parser and the writer for what is open
// around the place where they are. One thread.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <vector>

namespace balcony::xml {

template <class T, std::size_t kInline>
class SmallStack {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void push(const T& value) {
    if (size_ < kInline) {
      new (memory_ + size_ * sizeof(T)) T(value);
    } else {
      more_.push_back(value);
    }
    ++size_;
  }
  void pop() {
    if (size_ > kInline) more_.pop_back();
    --size_;
  }
  void shrink(std::size_t size) {
    while (size_ > size) pop();
  }
  T& operator[](std::size_t i) {
    if (i >= kInline) return more_[i - kInline];
    return *std::launder(reinterpret_cast<T*>(memory_ + i * sizeof(T)));
  }
  T& top() { return (*this)[size_ - 1]; }

 private:
  std::size_t size_ = 0;
  alignas(T) unsigned char memory_[kInline * sizeof(T)];
  std::vector<T> more_;
};

}  // namespace balcony::xml
