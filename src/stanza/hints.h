// Message processing hints (XEP-0334 1.0.0): what the sender of a message would like to happen to
// it on its way.
//
// Hints only: nobody may rely on them (§5). Used by what stores or copies messages: the offline
// store, archives, carbons. Values; any thread.
#pragma once

#include <balcony/element.h>

namespace balcony {

struct Hints {
  bool no_permanent_store = false;  // §4.1: in no archive
  bool no_store = false;            // §4.2: neither there nor until the recipient comes
  bool no_copy = false;             // §4.3: to nobody but its addressee
  bool store = false;               // §4.4: worth storing, whatever it looks like

  // Who asks for both wants the safe one: not to store.
  bool forbids_archive() const noexcept { return no_permanent_store || no_store; }
  bool forbids_offline() const noexcept { return no_store; }
  bool wants_archive() const noexcept { return store && !forbids_archive(); }
  bool wants_offline() const noexcept { return store && !forbids_offline(); }

  friend bool operator==(const Hints&, const Hints&) = default;
};

// The hints of a message. Of one of type error there are none: those are the echo of what failed
// (§5).
Hints read_hints(xml::ElementView message);

}  // namespace balcony
