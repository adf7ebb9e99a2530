// What the slash commands of `balcony chat` do.
#include "app/balcony/chat/session.h"
#include "app/balcony/output.h"
#include "stanza/ns.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace balcony::cli::chat {

void Session::perform(const SlashLine& line) {
  switch (line.command) {
    case Slash::kHelp: return show_help();
    case Slash::kWho: return show_who();
    case Slash::kQuit: ends_ = true; return;
    case Slash::kClose: {
      const std::string with = model_.selected();
      switch_to("");
      return model_.close(with);
    }
    case Slash::kAway: return set_presence("away", line);
    case Slash::kBusy: return set_presence("dnd", line);
    case Slash::kBack: return set_presence("", line);
    case Slash::kHistory: {
      if (model_.selected().empty()) return note("of whom? Go to a conversation first");
      std::uint32_t count = 20;
      std::from_chars(line.first.data(), line.first.data() + line.first.size(), count);
      return spawn(read_history(shared_from_this(), model_.selected(), std::min(count, 200U)));
    }
    default: return with_person(line);
  }
}

void Session::with_person(const SlashLine& line) {
  const std::string who = line.first.empty() ? model_.selected() : line.first;
  if (who.empty()) return note("whom? Say an address or a contact's name");
  const auto jid = model_.resolve(who);
  if (!jid) return note(jid.error().detail);
  const auto self = shared_from_this();
  switch (line.command) {
    case Slash::kMessage:
      switch_to(jid->str());
      if (!line.rest.empty()) say(line.rest);
      return;
    case Slash::kApprove:
      return tell(client_.send_presence_to(*jid, "subscribed"),
                  jid->str() + " may see when you are there");
    case Slash::kDeny:
      return tell(client_.send_presence_to(*jid, "unsubscribed"),
                  jid->str() + " may not see when you are there");
    case Slash::kBlock:
    case Slash::kUnblock: return spawn(change_blocking(self, *jid, line.command == Slash::kBlock));
    default: return spawn(change_roster(self, *jid, line));
  }
}

void Session::show_help() {
  for (const SlashCommand& command : slash_commands()) {
    std::string text = "/" + std::string(command.name);
    if (!command.arguments.empty()) text += " " + std::string(command.arguments);
    text.resize(std::max<std::size_t>(text.size() + 1, 20), ' ');
    note(text + std::string(command.help));
  }
  note("Tab: next conversation. Page Up, Page Down: its text. Up, Down: what you typed before.");
  note("✓: the server has it. ✓✓: they have it. (waits): it goes when there is a connection.");
}

void Session::show_who() {
  bool anybody = false;
  for (const Row& row : model_.rows()) {
    const Contact* const contact = model_.contact(row.jid);
    if (contact == nullptr) continue;
    for (const auto& [resource, there] : contact->resources) {
      std::string text = row.label + " (" + resource + ")";
      text += there.show.empty() ? " is there" : " is " + there.show;
      if (!there.status.empty()) text += ": " + there.status;
      note(text);
      anybody = true;
    }
  }
  if (!anybody) note("nobody is there");
}

void Session::set_presence(std::string_view show, const SlashLine& line) {
  std::string status = line.first;
  if (!line.rest.empty()) status += " " + line.rest;
  tell(client_.send_presence(show, status), "your contacts are told");
}

Task<> Session::read_roster(std::shared_ptr<Session> self) {
  const auto items = co_await self->client_.roster();
  if (items) {
    self->model_.set_roster(*items);
  } else if (items.error().code != Errc::kClosed) {
    self->note("no roster: " + items.error().detail);
  }
  self->draw_soon();
}

Task<> Session::read_history(std::shared_ptr<Session> self, std::string with, std::uint32_t count) {
  ArchiveQuery query;
  query.with = *Jid::parse(with);
  query.max = count;
  Conversation* conversation = self->model_.find(with);
  query.before = conversation != nullptr ? conversation->archive_first : "";
  const bool first_page = query.before->empty();
  const auto page = co_await self->client_.archive(std::move(query));
  if (!page) co_return self->note("no history: " + page.error().to_string());
  std::vector<Line> lines;
  for (const ArchivedMessage& kept : page->messages) {
    const std::string body = kept.message.view().child_text(ns::kClient, "body");
    if (body.empty()) continue;
    const auto from = Jid::parse(kept.message.attr("from"));
    const bool ours = from && from->same_bare(self->client_.jid());
    std::string id(kept.message.attr("id"));
    conversation = self->model_.find(with);
    // What this session has seen is shown already.
    const bool known =
        first_page && conversation != nullptr && !id.empty() &&
        std::ranges::any_of(conversation->lines, [&](const Line& line) { return line.id == id; });
    if (known) continue;
    lines.push_back({ours ? Line::Kind::kOurs : Line::Kind::kTheirs, self->clock(kept.time),
                     printable(body), std::move(id), Delivery::kNone});
  }
  if (page->complete && lines.empty()) self->note("there is nothing older");
  self->model_.prepend(with, std::move(lines));
  if (!page->first.empty()) self->model_.find(with)->archive_first = page->first;
  self->draw_soon();
}

Task<> Session::change_roster(std::shared_ptr<Session> self, Jid jid, SlashLine line) {
  Result<> done;
  if (line.command == Slash::kRemove) {
    done = co_await self->client_.remove_roster_item(jid);
  } else {
    RosterItem item(jid, line.rest);
    done = co_await self->client_.set_roster_item(std::move(item));
    if (done && line.command == Slash::kAdd) {
      done = self->client_.send_presence_to(jid, "subscribe");
    }
  }
  self->tell(done, "the roster is changed");
}

Task<> Session::change_blocking(std::shared_ptr<Session> self, Jid jid, bool block) {
  const std::vector<Jid> whom = {jid};
  Result<> done;
  if (block) {
    done = co_await self->client_.block(whom);
  } else {
    done = co_await self->client_.unblock(whom);
  }
  self->tell(done, jid.str() + (block ? " is blocked" : " is not blocked any more"));
}

void Session::tell(const Result<>& done, const std::string& good) {
  note(done ? good : "that failed: " + done.error().to_string());
}

void Session::note(std::string text) {
  model_.current().lines.push_back({Line::Kind::kNotice, {}, printable(text), {}, Delivery::kNone});
  model_.current().scrolled = 0;
  draw_soon();
}

}  // namespace balcony::cli::chat
