// Something that happens, and any number of coroutines that wait for it. One thread.
#pragma once

#include <balcony/task.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace balcony::client {

template <class T>
class WaitList {
 public:
  // Lives in the frame of who waits: `WaitList<T>::Wait wait(list); co_await wait.value;`
  struct Wait {
    explicit Wait(WaitList& list_) : list(&list_) { list->waits_.push_back(this); }
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    ~Wait() {
      if (list) list->forget(this);
    }
    OneShot<T> value;
    WaitList* list;
  };

  // Resumes all who wait now, not those who come to wait meanwhile. What is resumed may destroy
  // other waits.
  void happened(const T& value) {
    firing_.insert(firing_.end(), waits_.begin(), waits_.end());
    waits_.clear();
    while (!firing_.empty()) {
      Wait* const wait = firing_.front();
      firing_.erase(firing_.begin());
      wait->list = nullptr;
      wait->value.set(value);
    }
  }

 private:
  void forget(Wait* wait) {
    std::erase(waits_, wait);
    std::erase(firing_, wait);
  }
  std::vector<Wait*> waits_;
  std::vector<Wait*> firing_;
};

}  // namespace balcony::client
