// Which prefixes are bound to which namespaces where the parser is (Namespaces in XML 1.0 §6). Used
// by the tree reader only. One thread.
#pragma once

#include "xml/parser.h"
#include "xml/small_stack.h"

namespace balcony::xml {

// What the prefix xmlns is bound to; nothing may be in it (Namespaces in XML §3).
inline constexpr std::string_view kXmlnsNs = "http://www.w3.org/2000/xmlns/";

class Bindings {
 public:
  // `scope` is what holds around the element; namespaces taken from it are copied into `arena`.
  Bindings(const Scope& scope, Arena& arena) : scope_(scope), arena_(arena) {}

  enum class Outcome : std::uint8_t { kDone, kForbidden, kTwice, kTooMany };
  // Binds a prefix, not empty, for the element whose bindings begin at `mark`.
  Outcome bind(std::string_view prefix, std::string_view ns, std::size_t mark);
  // Whether a default namespace may be this one.
  static bool may_be_default(std::string_view ns) { return ns != kXmlNs && ns != kXmlnsNs; }

  // The namespace of a prefix; empty when it is not declared.
  std::string_view find(std::string_view prefix);

  // How many there are now, and going back to so many.
  std::size_t mark() const { return bound_.size(); }
  void restore(std::size_t mark) { bound_.shrink(mark); }

  template <class F>
  void for_each(F f) {
    for (std::size_t i = 0; i < bound_.size(); ++i) f(bound_[i].prefix, bound_[i].ns);
  }

 private:
  // In force at one time. Each name with a prefix searches them, so it bounds the time.
  static constexpr std::size_t kBoundMax = 128;

  struct Binding {
    std::string_view prefix;
    std::string_view ns;
  };
  const Scope& scope_;
  Arena& arena_;
  SmallStack<Binding, 8> bound_;
  std::vector<std::string_view> outer_;  // the scope's namespaces, as far as they are copied
};

}  // namespace balcony::xml
