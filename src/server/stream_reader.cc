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
      Step step(consume(bytes));
      const Next next = co_await step;
      if (next != Next::kGoOn) co_return next;
    }
    if (auto ready = co_await transport.readable(); !ready) {
      co_return stream_.on_lost(ready.error());
    }
    if (stream_.has_ended()) co_return Next::kEnd;
    while (true) {
      auto bytes = transport.read();
      if (!bytes) co_return stream_.on_lost(bytes.error());
      if (bytes->empty()) break;
      Step step(consume(*bytes));
      const Next next = co_await step;
      if (next != Next::kGoOn) co_return next;
      if (!pending_.empty()) break;
    }
  }
}

// Everything that one read brought. What is left when something must wait goes to pending_.
Task<Next> StreamReader::consume(std::string_view bytes) {
  if (at_restart_) {
    // COMPAT(go-xmpp, 2022): a line feed behind the last element of the old stream; in front of the
    // new one's XML declaration it would be an error (XML 1.0 §2.8).
    bytes.remove_prefix(std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size()));
    if (bytes.empty()) co_return Next::kGoOn;
    at_restart_ = false;
  }
  splitter_.feed(bytes);
  while (true) {
    auto found = find();
    if (!found) co_return stream_.on_refused(found.error());
    if (found->stanza) {
      Rest rest;
      const Next next =
          stream_.on_stanza(std::move(found->stanza->element), found->stanza->bytes, rest);
      if (next != Next::kGoOn || stream_.has_ended()) co_return Next::kEnd;
      if (!rest.task && !stream_.is_too_far_ahead()) continue;
      keep_rest();
      if (rest.task) co_await std::move(*rest.task);
      rest.receipt.reset();
      co_await stream_.catch_up();
      co_return stream_.has_ended() ? Next::kEnd : Next::kGoOn;
    }
    const xml::SplitEvent event = found->event;
    if (event.kind == xml::SplitKind::kNeedMore) co_return Next::kGoOn;
    if (event.kind == xml::SplitKind::kWhitespace) continue;
    const Next next = co_await stream_.negotiate(event);
    if (next != Next::kGoOn) co_return next;
    if (!pending_.empty()) co_return Next::kGoOn;
  }
}

// The next thing in what was fed: a stanza of an open stream, or what the splitter says.
Result<StreamReader::Found> StreamReader::find() {
  const bool is_open = stream_.is_open();
  if (is_open) {
    Found found{xml::take_whole_stanza(splitter_, stream_.scope(), stream_.limits()), {}};
    if (found.stanza) return found;
  }
  BALCONY_ASSIGN(const xml::SplitEvent event, splitter_.next());
  if (!is_open || event.kind != xml::SplitKind::kStanza) return Found{std::nullopt, event};
  BALCONY_ASSIGN(xml::Element element, xml::parse(event.bytes, stream_.scope(), stream_.limits()));
  return Found{xml::WholeStanza{std::move(element), event.bytes}, event};
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
