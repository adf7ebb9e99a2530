#include <balcony/task.h>

#include <array>
#include <new>
#include <vector>

namespace balcony::detail {
namespace {

// Frames are kept by size class of 64 bytes. What is kept is bounded: a burst gives its memory
// back.
constexpr std::size_t kClassBytes = 64;
constexpr std::size_t kClasses = 16;
constexpr std::size_t kKeptPerClassMax = 64;

struct FrameCache {
  std::array<std::vector<void*>, kClasses> free;
  ~FrameCache();
};

thread_local bool cache_is_gone = false;

FrameCache::~FrameCache() {
  for (auto& list : free) {
    for (void* frame : list) ::operator delete(frame);
  }
  cache_is_gone = true;
}

thread_local FrameCache cache;

std::size_t class_of(std::size_t bytes) {
  return (bytes + kClassBytes - 1) / kClassBytes;
}

}  // namespace

void* allocate_frame(std::size_t bytes) {
  const std::size_t size_class = class_of(bytes);
  if (size_class < kClasses && !cache_is_gone) {
    auto& list = cache.free[size_class];
    if (!list.empty()) {
      void* frame = list.back();
      list.pop_back();
      return frame;
    }
  }
  return ::operator new(size_class * kClassBytes);
}

void free_frame(void* frame, std::size_t bytes) noexcept {
  const std::size_t size_class = class_of(bytes);
  if (size_class < kClasses && !cache_is_gone) {
    auto& list = cache.free[size_class];
    if (list.size() < kKeptPerClassMax) {
      if (list.capacity() == 0) list.reserve(kKeptPerClassMax);
      list.push_back(frame);
      return;
    }
  }
  ::operator delete(frame);
}

}  // namespace balcony::detail
