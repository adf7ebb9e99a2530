// The handlers of a host's events, by type of event.
#pragma once

#include "router/events.h"

#include <algorithm>
#include <atomic>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace balcony::router {

namespace detail {
inline std::size_t next_event_number() {
  static std::atomic<std::size_t> next{0};
  return next++;
}
template <class Event>
std::size_t event_number() {
  static const std::size_t number = next_event_number();
  return number;
}
}  // namespace detail

// An event that is about a stanza.
template <class Event>
concept StanzaEvent = requires(Event& event) {
  { event.stanza.kind() } -> std::same_as<StanzaKind>;
};

// One thread. Handlers are added while a host is set up and only called afterwards.
class EventTable {
 public:
  template <class Event>
  using Handler = std::function<Flow(Event&)>;

  template <class Event>
  void add(Priority priority, Handler<Event> handler, std::optional<StanzaKind> only = {}) {
    auto& list = list_of<Event>();
    const auto at =
        std::ranges::upper_bound(list.handlers, priority, {}, &List<Event>::Entry::priority);
    list.handlers.insert(at, {priority, only, std::move(handler)});
  }

  // Calls the handlers in their order, but those that want another kind of stanza. Returns kStop as
  // soon as one does.
  template <class Event>
  Flow fire(Event& event) const {
    const std::size_t number = detail::event_number<Event>();
    if (number >= lists_.size() || !lists_[number]) return Flow::kContinue;
    for (const auto& entry : static_cast<const List<Event>*>(lists_[number].get())->handlers) {
      if constexpr (StanzaEvent<Event>) {
        if (entry.only && *entry.only != event.stanza.kind()) continue;
      }
      if (entry.handler(event) == Flow::kStop) return Flow::kStop;
    }
    return Flow::kContinue;
  }
  template <class Event>
  Flow fire(Event&& event) const {
    return fire(static_cast<Event&>(event));
  }

 private:
  struct Base {
    virtual ~Base() = default;
  };
  template <class Event>
  struct List : Base {
    struct Entry {
      Priority priority;
      std::optional<StanzaKind> only;
      Handler<Event> handler;
    };
    std::vector<Entry> handlers;
  };

  template <class Event>
  List<Event>& list_of() {
    const std::size_t number = detail::event_number<Event>();
    if (lists_.size() <= number) lists_.resize(number + 1);
    if (!lists_[number]) lists_[number] = std::make_unique<List<Event>>();
    return static_cast<List<Event>&>(*lists_[number]);
  }

  std::vector<std::unique_ptr<Base>> lists_;
};

}  // namespace balcony::router
