// Both ends of a component's handshake against a peer who sends what he likes.
//
// Input: a byte that picks the end and what the driver answers, then what is read. What must hold
// whatever comes: what is written is well-formed, nobody is accepted who has not sent the digest of
// the secret, what ended stays ended.
#include "base/assert.h"
#include "stream/component.h"
#include "xml/splitter.h"

#include <cstdint>
#include <optional>
#include <string>

namespace {

using namespace balcony;
using namespace balcony::stream;

constexpr std::string_view kDomain = "irc.example.org";
constexpr std::string_view kSecret = "s";

std::optional<std::string> secret_of(std::string_view domain) {
  if (domain != kDomain) return std::nullopt;
  return std::string(kSecret);
}

// What an end wrote: one stream, well-formed as far as it goes.
struct Written {
  xml::Splitter splitter{xml::Limits{}};
  bool ended = false;

  void add(std::string_view bytes) {
    BALCONY_ASSERT(!ended, "something is written behind the end");
    splitter.feed(bytes);
    while (true) {
      const auto event = splitter.next();
      BALCONY_ASSERT(event, "what is written is no XML");
      if (event->kind == xml::SplitKind::kNeedMore) return;
      if (event->kind == xml::SplitKind::kStreamEnd) ended = true;
    }
  }
};

// Hands what the splitter finds to a machine.
template <class Machine, class Perform>
void feed(Machine& machine, xml::Splitter& splitter, std::string_view bytes, Perform perform) {
  static xml::StreamHeader header;
  splitter.feed(bytes);
  while (true) {
    const auto event = splitter.next();
    if (!event) return perform(machine.on_error(event.error()));
    if (event->kind == xml::SplitKind::kNeedMore) return;
    if (event->kind == xml::SplitKind::kStreamEnd) {
      perform(machine.on_stream_end());
    } else if (event->kind == xml::SplitKind::kStreamHeader) {
      auto read = xml::parse_stream_header(event->bytes, {});
      if (!read) return perform(machine.on_error(read.error()));
      header = *std::move(read);
      perform(machine.on_header(header));
    } else if (event->kind == xml::SplitKind::kStanza) {
      const auto element = xml::parse(event->bytes, xml::scope_of(header), {});
      if (!element) return perform(machine.on_error(element.error()));
      perform(machine.on_element(*element));
    }
  }
}

void server_end(std::string_view bytes, bool full) {
  SeededRandom random(1);
  AcceptingComponent machine(secret_of, random);
  Written written;
  xml::Splitter splitter{xml::Limits{}};
  bool ended = false;
  const std::function<void(AcceptingActions)> perform = [&](AcceptingActions actions) {
    for (AcceptingAction& action : actions) {
      BALCONY_ASSERT(!ended, "something is to be done behind the end");
      if (const auto* send = std::get_if<Send>(&action)) written.add(send->bytes);
      if (std::holds_alternative<EndStream>(action)) ended = true;
      if (std::holds_alternative<SecretProved>(action)) {
        const std::string digest = component_handshake(machine.id(), kSecret);
        BALCONY_ASSERT(bytes.find(digest) != std::string_view::npos, "nobody sent the digest");
        std::optional<StreamError> refused;
        if (full) refused = StreamError{StreamCondition::kConflict, ""};
        perform(machine.on_home(refused));
      }
      if (std::holds_alternative<SecretWrong>(action)) perform(machine.on_slowed());
    }
  };
  // An accepted stream is the driver's.
  const auto unless_accepted = [&](AcceptingActions actions) {
    if (machine.state() != AcceptingComponent::State::kAccepted) return perform(std::move(actions));
    for (AcceptingAction& action : actions) {
      if (const auto* send = std::get_if<Send>(&action)) written.add(send->bytes);
    }
  };
  feed(machine, splitter, bytes, unless_accepted);
  BALCONY_ASSERT(written.ended || !ended, "a stream that ended was not closed");
}

void component_end(std::string_view bytes, AskForAcknowledgements ask) {
  InitiatingComponent machine{std::string(kDomain), std::string(kSecret), ask};
  Written written;
  xml::Splitter splitter{xml::Limits{}};
  int failures = 0;
  std::optional<ComponentAccepted> accepted;
  const auto perform = [&](ComponentActions actions) {
    for (ComponentAction& action : actions) {
      if (const auto* send = std::get_if<Send>(&action)) written.add(send->bytes);
      if (std::holds_alternative<ComponentFailed>(action)) ++failures;
      if (const auto* how = std::get_if<ComponentAccepted>(&action)) accepted = *how;
      BALCONY_ASSERT(failures < 2, "a stream fails once");
    }
  };
  perform(machine.on_start());
  feed(machine, splitter, bytes, perform);
  const bool agreed = bytes.find("enabled") != std::string_view::npos;
  BALCONY_ASSERT(!accepted || !accepted->acknowledges || agreed, "nobody agreed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1) != 0) {
    server_end(bytes, (data[0] & 2) != 0);
  } else {
    const bool asks = (data[0] & 2) != 0;
    component_end(bytes, asks ? AskForAcknowledgements::kYes : AskForAcknowledgements::kNo);
  }
  return 0;
}
