#include "server/stream_reader.h"

#include "server/step.h"

#include <algorithm>
#include <utility>

namespace balcony::server {

Task<Next> StreamReader::run(session::Transport& transport) {
  while (true) {
    // What was read before a wait comes first.
    while (!pending_.empty()) {
      const std::string bytes = std::exchange(pending_, {});
      if (auto wait = consume(bytes)) {
        Step step(*std::move(wait));
        const Next next = co_await step;
        if (next != Next::kGoOn) co_return next;
      }
    }
    if (auto ready = co_await transport.readable(); !ready) {
      co_return stream_.on_lost(ready.error());
    }
    if (stream_.has_ended()) co_return Next::kEnd;
    stream_.prefetch();  // while the kernel reads
    while (true) {
      auto bytes = transport.read();
      if (!bytes) co_return stream_.on_lost(bytes.error());
      if (bytes->empty()) break;
      if (auto wait = consume(*bytes)) {
        Step step(*std::move(wait));
        const Next next = co_await step;
        if (next != Next::kGoOn) co_return next;
      }
      if (!pending_.empty()) break;
    }
  }
}

// Everything that one read brought, up to what is more than to hand in a stanza. Most reads bring
// nothing of that kind, and cost no coroutine.
std::optional<Task<Next>> StreamReader::consume(std::string_view bytes) {
  if (at_restart_) {
    // COMPAT(go-xmpp, 2022): a line feed behind the last element of the old stream; in front of the
    // new one's XML declaration it would be an error (XML 1.0 §2.8).
    bytes.remove_prefix(std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size()));
    if (bytes.empty()) return std::nullopt;
    at_restart_ = false;
  }
  splitter_.feed(bytes);
  Halt halt = Next::kGoOn;
  hand_in_stanzas(halt);
  if (const auto* next = std::get_if<Next>(&halt); next && *next == Next::kGoOn)
    return std::nullopt;
  return go_on_from(std::move(halt));
}

// What is left of the bytes goes to pending_ when something must wait.
Task<Next> StreamReader::go_on_from(Halt halt) {
  while (true) {
    if (const auto* next = std::get_if<Next>(&halt)) co_return *next;
    if (const auto* error = std::get_if<Error>(&halt)) co_return stream_.on_refused(*error);
    if (auto* rest = std::get_if<Rest>(&halt)) {
      keep_rest();
      if (rest->task) co_await std::move(*rest->task);
      rest->receipt.reset();
      co_await stream_.catch_up();
      co_return stream_.has_ended() ? Next::kEnd : Next::kGoOn;
    }
    const Next next = co_await stream_.negotiate(std::get<xml::SplitEvent>(halt));
    if (next != Next::kGoOn || !pending_.empty()) co_return next;
    halt = Next::kGoOn;
    hand_in_stanzas(halt);
  }
}

// Leaves `halt` as it is when all that was fed is consumed.
void StreamReader::hand_in_stanzas(Halt& halt) {
  while (true) {
    const bool is_open = stream_.is_open();
    if (is_open && !splitter_.stanzas_ahead().empty()) {
      auto whole = xml::take_whole_stanza(splitter_, stream_.scope(), splitter_.limits());
      if (whole) {
        if (!hand_in(std::move(whole->element), whole->bytes, halt)) return;
        continue;
      }
    }
    const auto event = splitter_.next();
    if (!event) return void(halt = event.error());
    if (event->kind == xml::SplitKind::kNeedMore) return;
    if (event->kind == xml::SplitKind::kWhitespace) continue;
    if (!is_open || event->kind != xml::SplitKind::kStanza) return void(halt = *event);
    auto element = xml::parse(event->bytes, stream_.scope(), splitter_.limits());
    if (!element) return void(halt = element.error());
    if (!hand_in(*std::move(element), event->bytes, halt)) return;
  }
}

// Whether the next stanza may follow at once.
bool StreamReader::hand_in(xml::Element&& element, std::string_view bytes, Halt& halt) {
  Rest rest;
  const Next next = stream_.on_stanza(std::move(element), bytes, rest);
  if (next != Next::kGoOn || stream_.has_ended()) {
    halt = Next::kEnd;
  } else if (rest.task || stream_.is_too_far_ahead()) {
    halt = std::move(rest);
  } else {
    return true;
  }
  return false;
}

void StreamReader::restart() {
  splitter_.reset();
  at_restart_ = true;
}

void StreamReader::keep_rest() {
  pending_ = splitter_.rest();
  splitter_.drop_rest();
}

std::string StreamReader::take_rest_before_tls() {
  std::string leftover = std::exchange(pending_, {});
  // COMPAT(go-xmpp, 2022): <starttls/> with a line feed behind it. White space between elements
  // means nothing (RFC 6120 §11.7) and is dropped here; anything else is an injection.
  if (leftover.find_first_not_of(" \t\r\n") == std::string::npos) leftover.clear();
  return leftover;
}

}  // namespace balcony::server
