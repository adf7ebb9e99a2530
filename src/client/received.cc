#include "client/received.h"

#include "payload/disco.h"
#include "payload/version.h"
#include "stanza/delay.h"
#include "stanza/ns.h"

#include <charconv>

namespace balcony::client {
namespace {

int read_priority(std::string_view text) {
  int priority = 0;
  std::from_chars(text.data(), text.data() + text.size(), priority);
  return priority;
}

std::string_view read_chat_state(xml::ElementView xml) {
  for (auto child = xml.first_child(); child; child = child.next_sibling()) {
    if (child.ns() == ns::kChatStates) return child.name();
  }
  return {};
}

std::optional<Jid> read_to(xml::ElementView xml) {
  auto to = Jid::parse(xml.attr("to"));
  if (!to) return std::nullopt;
  return *std::move(to);
}

}  // namespace

Message read_message(xml::ElementView xml, const Jid& from, Message::Copy copy) {
  Message message{from,
                  xml.has_attr("type") ? xml.attr("type") : "normal",
                  xml.attr("id"),
                  xml.child_text(ns::kClient, "body"),
                  xml.child_text(ns::kClient, "subject"),
                  xml.child_text(ns::kClient, "thread"),
                  xml,
                  copy,
                  read_to(xml),
                  {},
                  read_chat_state(xml),
                  xml.child(ns::kReceipts, "received").attr("id")};
  if (const auto delay = find_delay(xml)) message.delayed_since = delay->stamp;
  return message;
}

Presence read_presence(xml::ElementView xml, const Jid& from) {
  return {from,
          xml.attr("type"),
          xml.child_text(ns::kClient, "show"),
          xml.child_text(ns::kClient, "status"),
          read_priority(xml.child_text(ns::kClient, "priority")),
          xml,
          read_to(xml)};
}

IqRequest read_request(xml::ElementView iq, const Jid& from) {
  return {from, iq.attr("type") == "set", iq.first_child(), iq, read_to(iq)};
}

std::optional<Result<xml::Element>> usual_answer(const IqRequest& request, const Self& self) {
  const xml::ElementView payload = request.payload;
  if (request.is_set) return std::nullopt;
  if (payload.is(ns::kPing, "ping")) return xml::Element{};
  if (payload.is(ns::kVersion, "query")) return payload::write_version(self.version);
  if (payload.is(ns::kDiscoInfo, "query")) {
    // XEP-0030 §3.1: a node that is none of ours.
    if (payload.has_attr("node")) return Result<xml::Element>(fail(Errc::kItemNotFound));
    std::set<std::string> features = self.features;
    for (const std::string_view own : {ns::kDiscoInfo, ns::kPing, ns::kVersion}) {
      features.emplace(own);
    }
    return payload::write_disco_info(
        DiscoInfo{{self.identity}, {features.begin(), features.end()}});
  }
  return std::nullopt;
}

}  // namespace balcony::client
