// Delayed delivery (XEP-0203 2.0): when a stanza was sent that arrives late, and who kept it.
//
// Anybody can write a <delay/>: only one whose `from` is an entity that the stanza really came
// through, and that would have removed a forged one, may be believed (§5). Values; any thread.
#pragma once

#include "base/clock.h"

#include <balcony/element.h>
#include <balcony/jid.h>
#include <balcony/result.h>

#include <cstddef>
#include <optional>
#include <string>

namespace balcony {

struct Delay {
  Delay() = default;
  Delay(WallTime stamp_, std::optional<Jid> from_ = {}, std::string reason_ = {})
      : stamp(stamp_), from(std::move(from_)), reason(std::move(reason_)) {}

  WallTime stamp;           // when the stanza was first sent
  std::optional<Jid> from;  // who delayed it
  std::string reason;       // for people; may be empty

  friend bool operator==(const Delay&, const Delay&) = default;
};

// Reads a <delay/> element. A stamp with an offset, which §2 forbids, is understood.
// Errors: kMalformed for another element, or a stamp that is missing or none; the kJid… codes for a
// `from` that is no address.
Result<Delay> read_delay(xml::ElementView delay);

xml::Element write_delay(const Delay& delay);

// The first <delay/> of `stanza` that can be read, by whomever or by `from`.
std::optional<Delay> find_delay(xml::ElementView stanza);
std::optional<Delay> find_delay(xml::ElementView stanza, const Jid& from);

// Removes every <delay/> that claims to be by `from`, as a server does with what others forge in
// its name. Returns how many.
std::size_t remove_delays(xml::ElementRef stanza, const Jid& from);

}  // namespace balcony
