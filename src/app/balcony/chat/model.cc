#include "app/balcony/chat/model.h"

#include "app/balcony/output.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace balcony::cli::chat {
namespace {

char symbol_of(const Contact& contact) {
  if (!contact.in_roster && !contact.is_there()) return '?';
  if (!contact.is_there()) return '-';
  char best = '!';
  for (const auto& [resource, there] : contact.resources) {
    if (there.show.empty() || there.show == "chat") return '+';
    if (there.show == "away" || there.show == "xa") best = '~';
  }
  return best;
}

std::string error_text(const Message& message) {
  const auto error = read_stanza_error(message.xml);
  if (!error) return "it was refused";
  return error->text.empty() ? std::string(to_string(error->condition)) : error->text;
}

}  // namespace

// ---- people

void Model::set_roster(const std::vector<RosterItem>& items) {
  for (auto& [jid, contact] : contacts_) contact.in_roster = false;
  for (const RosterItem& item : items) change_roster(item);
  std::erase_if(contacts_, [](const auto& entry) {
    return !entry.second.in_roster && !entry.second.is_there();
  });
}

void Model::change_roster(const RosterItem& item) {
  const std::string jid(item.jid.bare_str());
  if (item.subscription == RosterItem::Subscription::kRemove) {
    contacts_.erase(jid);
    return;
  }
  Contact& contact = person(jid);
  contact.in_roster = true;
  contact.name = item.name;
  contact.subscription = item.subscription;
}

void Model::on_presence(const Presence& presence) {
  const std::string jid(presence.from.bare_str());
  if (presence.type == "subscribe") {
    notice(jid + " asks to see when you are there: /approve " + jid + " or /deny " + jid);
  } else if (presence.type == "subscribed") {
    notice(jid + " lets you see when they are there");
  } else if (presence.type == "unsubscribed") {
    notice(jid + " does not let you see when they are there");
  } else if (presence.type == "unavailable") {
    const auto found = contacts_.find(jid);
    if (found != contacts_.end()) {
      found->second.resources.erase(std::string(presence.from.resource()));
    }
    if (auto* conversation = find(jid)) conversation->they_type = false;
  } else if (presence.type.empty() && jid != self_.bare_str() &&
             (contacts_.size() < kContactsMax || contacts_.contains(jid))) {
    person(jid).resources[std::string(presence.from.resource())] = {presence.show, presence.status};
  }
}

void Model::forget_presence() {
  for (auto& [jid, contact] : contacts_) contact.resources.clear();
  for (auto& [jid, conversation] : conversations_) conversation.they_type = false;
}

std::vector<Row> Model::rows() const {
  std::set<std::string> jids;
  for (const auto& [jid, contact] : contacts_) jids.insert(jid);
  for (const auto& [jid, conversation] : conversations_) {
    if (conversation.is_open && !jid.empty()) jids.insert(jid);
  }
  std::vector<Row> rows;
  for (const std::string& jid : jids) {
    Row row{jid, name_of(jid), '?', 0, false, jid == selected_};
    if (const Contact* known = contact(jid)) row.symbol = symbol_of(*known);
    const auto found = conversations_.find(jid);
    if (found != conversations_.end()) {
      row.unread = found->second.unread;
      row.types = found->second.they_type;
    }
    rows.push_back(std::move(row));
  }
  // Who is there first, then by name.
  std::ranges::sort(rows, {}, [](const Row& row) {
    return std::tuple(row.symbol == '-' || row.symbol == '?', row.label, row.jid);
  });
  const auto notices = conversations_.find("");
  rows.insert(rows.begin(),
              Row{"", "balcony", ' ', notices->second.unread, false, selected_.empty()});
  return rows;
}

const Contact* Model::contact(const std::string& jid) const {
  const auto found = contacts_.find(jid);
  return found == contacts_.end() ? nullptr : &found->second;
}

std::string Model::name_of(const std::string& jid) const {
  const Contact* const known = contact(jid);
  return known != nullptr && !known->name.empty() ? known->name : jid;
}

Result<Jid> Model::resolve(std::string_view text) const {
  std::vector<std::string> found;
  for (const auto& [jid, contact] : contacts_) {
    if (jid == text) return Jid::parse(jid);
    if (contact.name == text || jid.starts_with(std::string(text) + "@")) found.push_back(jid);
  }
  if (found.size() == 1) return Jid::parse(found.front());
  if (found.size() > 1) return fail(Errc::kUsage, std::string(text) + " is more than one person");
  auto jid = Jid::parse(text);
  if (!jid || !jid->has_local()) {
    return fail(Errc::kUsage, std::string(text) + " is no contact and no address");
  }
  return jid->bare();
}

// ---- conversations

Line& Model::add(const std::string& with, Line line) {
  Conversation& conversation = conversations_[with];
  conversation.is_open = true;
  conversation.lines.push_back(std::move(line));
  if (conversation.lines.size() > Conversation::kLinesMax) conversation.lines.pop_front();
  return conversation.lines.back();
}

bool Model::on_message(const Message& message, std::string_view time) {
  const bool ours = message.copy == Message::Copy::kSent;
  if (message.type == "groupchat" || (ours && !message.to)) return false;
  const std::string with(ours ? message.to->bare_str() : message.from.bare_str());
  if (message.type == "error") {
    set_delivery(message.id, Delivery::kFailed);
    if (!message.id.empty() && find(with) != nullptr) {
      add(with, {Line::Kind::kNotice,
                 std::string(time),
                 printable("not delivered: " + error_text(message)),
                 {},
                 Delivery::kNone});
    }
    return false;
  }
  Conversation* const known = find(with);
  if (known == nullptr && contact(with) == nullptr && conversations_.size() > kConversationsMax) {
    return false;
  }
  if (!ours && !message.receipt.empty() && known != nullptr) {
    set_delivery(message.receipt, Delivery::kDelivered);
  }
  if (!ours && !message.chat_state.empty() && (known != nullptr || !message.body.empty())) {
    Conversation& conversation = conversations_[with];
    conversation.knows_states = true;
    conversation.they_type = message.chat_state == "composing" && message.body.empty();
  }
  if (message.body.empty()) return false;
  Line line{ours ? Line::Kind::kOurs : Line::Kind::kTheirs, std::string(time),
            printable(message.body), std::string(message.id),
            ours ? Delivery::kServer : Delivery::kNone};
  add(with, std::move(line));
  Conversation& conversation = conversations_[with];
  if (!ours) conversation.they_type = false;
  if (!ours && with != selected_) ++conversation.unread;
  // XEP-0184 §5.5: only to whom one shows one's presence anyway; a copy was another client's.
  const Contact* const sender = contact(with);
  const bool shown =
      sender != nullptr && (sender->subscription == RosterItem::Subscription::kFrom ||
                            sender->subscription == RosterItem::Subscription::kBoth);
  return shown && message.copy == Message::Copy::kNone && !message.id.empty() &&
         message.xml.child(ns::kReceipts, "request");
}

void Model::say(const std::string& with, std::string id, std::string text, std::string_view time,
                bool connected) {
  add(with, {Line::Kind::kOurs, std::string(time), std::move(text), std::move(id),
             connected ? Delivery::kSent : Delivery::kWaiting});
  conversations_[with].scrolled = 0;
}

void Model::notice(std::string text, std::string_view time) {
  add("", {Line::Kind::kNotice, std::string(time), printable(text), {}, Delivery::kNone});
  if (!selected_.empty()) ++conversations_[""].unread;
}

void Model::set_delivery(std::string_view id, Delivery delivery) {
  if (id.empty()) return;
  for (auto& [with, conversation] : conversations_) {
    const auto found = std::ranges::find_if(conversation.lines, [&](const Line& line) {
      return line.kind == Line::Kind::kOurs && line.id == id;
    });
    if (found == conversation.lines.end()) continue;
    // An acknowledgement of the server may come behind the receipt.
    if (delivery != Delivery::kServer || found->delivery != Delivery::kDelivered) {
      found->delivery = delivery;
    }
    return;
  }
}

std::vector<Model::Waiting> Model::take_waiting() {
  std::vector<Waiting> waiting;
  for (auto& [with, conversation] : conversations_) {
    for (Line& line : conversation.lines) {
      if (line.delivery != Delivery::kWaiting) continue;
      line.delivery = Delivery::kSent;
      waiting.push_back({with, line});
    }
  }
  return waiting;
}

void Model::prepend(const std::string& with, std::vector<Line> lines) {
  Conversation& conversation = conversations_[with];
  conversation.lines.insert(conversation.lines.begin(), std::make_move_iterator(lines.begin()),
                            std::make_move_iterator(lines.end()));
}

// ---- what is shown

Conversation* Model::find(const std::string& jid) {
  const auto found = conversations_.find(jid);
  return found == conversations_.end() ? nullptr : &found->second;
}

void Model::select(const std::string& jid) {
  selected_ = jid;
  Conversation& conversation = conversations_[jid];
  conversation.is_open = true;
  conversation.unread = 0;
  conversation.scrolled = 0;
}

void Model::close(const std::string& jid) {
  if (jid.empty()) return;
  conversations_.erase(jid);
  if (selected_ == jid) select("");
}

void Model::select_next(int step) {
  const std::vector<Row> all = rows();
  const auto count = static_cast<int>(all.size());
  const auto at = std::ranges::find_if(all, [](const Row& row) { return row.selected; });
  const int start = static_cast<int>(at - all.begin()) % count;
  const auto row = [&](int i) -> const Row& {
    return all[static_cast<std::size_t>(((start + i * step) % count + count) % count)];
  };
  for (int i = 1; i < count; ++i) {
    if (row(i).unread > 0) return select(row(i).jid);
  }
  select(row(1).jid);
}

std::size_t Model::unread() const {
  std::size_t sum = 0;
  for (const auto& [with, conversation] : conversations_) sum += conversation.unread;
  return sum;
}

}  // namespace balcony::cli::chat
