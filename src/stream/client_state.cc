#include "stream/client_state.h"

#include "stanza/ns.h"
#include "xml/writer.h"

#include <algorithm>
#include <utility>

namespace balcony::stream {
namespace {

// What stands beside the content of a message and says how it came.
bool is_annotation(xml::ElementView child) {
  return child.ns() == ns::kHints || child.ns() == ns::kStanzaId || child.ns() == ns::kDelay ||
         child.is(ns::kClient, "thread");
}

// The message inside a carbon (XEP-0280 §7, §8); null when it is none.
xml::ElementView carbon(xml::ElementView message, std::string_view direction) {
  return message.child(ns::kCarbons, direction)
      .child(ns::kForward, "forwarded")
      .child(ns::kClient, "message");
}

Urgency urgency_of_presence(xml::ElementView presence) {
  const std::string_view type = presence.attr("type");
  // Requests and answers about subscriptions, errors.
  if (!type.empty() && type != "unavailable") return Urgency::kNow;
  // One's own presence in a room ends joining it, or tells that one was put out (XEP-0045 §7.2.2).
  for (const auto status : presence.child(ns::kMucUser, "x").children(ns::kMucUser, "status")) {
    if (status.attr("code") == "110") return Urgency::kNow;
  }
  return Urgency::kMerge;
}

Urgency urgency_of_content(xml::ElementView message) {
  if (message.attr("type") == "error") return Urgency::kNow;
  bool chat_states_only = true;
  for (const xml::ElementView child : message.children()) {
    if (is_annotation(child) || child.ns() == ns::kChatStates) continue;
    chat_states_only = false;
    const bool can_wait = child.ns() == ns::kReceipts || child.ns() == ns::kChatMarkers ||
                          child.ns() == ns::kPubsubEvent;
    if (!can_wait) return Urgency::kNow;
  }
  return chat_states_only ? Urgency::kMerge : Urgency::kHold;
}

Urgency urgency_of_message(xml::ElementView message) {
  if (const xml::ElementView received = carbon(message, "received")) {
    return urgency_of_content(received);
  }
  if (const xml::ElementView sent = carbon(message, "sent")) {
    // What was read on another device takes its notification off this one.
    if (sent.child(ns::kChatMarkers, "displayed")) return Urgency::kNow;
    return urgency_of_content(sent);
  }
  return urgency_of_content(message);
}

// Stanzas of one key say the same: the newest is enough.
std::string merge_key(xml::ElementView stanza) {
  xml::ElementView inner = stanza;
  std::string key(stanza.name());
  for (const std::string_view direction : {"received", "sent"}) {
    if (const xml::ElementView found = carbon(stanza, direction)) {
      inner = found;
      key.append(" ").append(direction);
    }
  }
  key.append(" ").append(inner.attr("from"));
  // A presence to all clients and one to this client are the same to who gets them.
  if (stanza.name() == "message") key.append(" ").append(inner.attr("to"));
  return key;
}

}  // namespace

Urgency urgency_of(xml::ElementView stanza) {
  if (stanza.is(ns::kClient, "presence")) return urgency_of_presence(stanza);
  if (stanza.is(ns::kClient, "message")) return urgency_of_message(stanza);
  return Urgency::kNow;
}

std::vector<std::string> ClientState::on_stanza(xml::ElementView stanza, std::string_view to) {
  Held held;
  xml::WriteOptions options;
  options.to = to;
  xml::write(held.text, stanza, options);
  const Urgency urgency = urgency_of(stanza);
  if (urgency == Urgency::kMerge) {
    held.key = merge_key(stanza);
    drop_older(held.key);
  }
  const bool full =
      held_.size() >= limits_.stanzas_max || bytes_ + held.text.size() > limits_.bytes_max;
  if (urgency == Urgency::kNow || full) {
    std::vector<std::string> all = flush();
    all.push_back(std::move(held.text));
    return all;
  }
  held.text.shrink_to_fit();
  bytes_ += held.text.size();
  held_.push_back(std::move(held));
  if (!held_.back().key.empty()) by_key_.emplace(held_.back().key, std::prev(held_.end()));
  return {};
}

void ClientState::drop_older(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  const auto at = found->second;
  by_key_.erase(found);
  bytes_ -= at->text.size();
  held_.erase(at);
}

std::vector<std::string> ClientState::flush() {
  std::vector<std::string> all;
  all.reserve(held_.size() + 1);
  by_key_.clear();
  for (Held& held : held_) all.push_back(std::move(held.text));
  held_.clear();
  bytes_ = 0;
  return all;
}

}  // namespace balcony::stream
