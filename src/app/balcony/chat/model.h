// What `balcony chat` knows: people and whether they are there, conversations, what is unread. It
// knows no terminal and no connection: chat.cc hands in what comes, screen.cc draws it.
#pragma once

#include <balcony/client.h>
#include <balcony/jid.h>
#include <balcony/payload.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::cli::chat {

enum class Delivery : std::uint8_t {
  kNone,       // theirs, or a notice
  kWaiting,    // there is no connection; it goes when there is
  kSent,       // written
  kServer,     // the server has it (XEP-0198)
  kDelivered,  // the other side has it (XEP-0184)
  kFailed,
};

struct Line {
  enum class Kind : std::uint8_t { kTheirs, kOurs, kNotice } kind = Kind::kNotice;
  std::string time;  // "14:02"
  std::string text;
  std::string id;
  Delivery delivery = Delivery::kNone;
};

struct Conversation {
  static constexpr std::size_t kLinesMax = 2000;  // older ones are forgotten

  std::deque<Line> lines;
  std::size_t unread = 0;
  bool is_open = false;  // shown among the conversations
  bool they_type = false;
  bool knows_states = false;  // they have sent a chat state (XEP-0085 §5.1)
  std::size_t scrolled = 0;   // lines of the screen up from the end
  std::string draft;          // what was being typed when it was left
  std::string archive_first;  // the oldest that was read from the archive
};

struct Contact {
  std::string name;
  RosterItem::Subscription subscription = RosterItem::Subscription::kNone;
  bool in_roster = false;
  struct There {
    std::string show;
    std::string status;
  };
  std::map<std::string, There> resources;

  bool is_there() const noexcept { return !resources.empty(); }
};

// A row of the list at the left.
struct Row {
  std::string jid;
  std::string label;
  char symbol = ' ';  // '+' there, '~' away, '!' not to be disturbed, '-' not there, '?' unknown
  std::size_t unread = 0;
  bool types = false;
  bool selected = false;
};

class Model {
 public:
  explicit Model(Jid self) : self_(std::move(self)) {}

  // ---- people
  void set_roster(const std::vector<RosterItem>& items);
  void change_roster(const RosterItem& item);
  // Requests to see our presence become notices.
  void on_presence(const Presence& presence);
  // The connection is gone: nobody is known to be there.
  void forget_presence();
  std::vector<Row> rows() const;
  const Contact* contact(const std::string& jid) const;
  // What a person is called: the roster's name, else the address.
  std::string name_of(const std::string& jid) const;
  // The address that somebody means: an address, or the name or localpart of just one contact.
  Result<Jid> resolve(std::string_view text) const;

  // ---- conversations; the key is a bare JID, empty for the notices
  // `time`  as the line shows it
  // Returns true when it asks for a receipt (XEP-0184) that we may give.
  bool on_message(const Message& message, std::string_view time);
  // Adds a line of ours.
  void say(const std::string& with, std::string id, std::string text, std::string_view time,
           bool connected);
  void notice(std::string text, std::string_view time = {});
  void set_delivery(std::string_view id, Delivery delivery);
  // Lines that wait for a connection, oldest first; they count as sent now.
  struct Waiting {
    std::string with;
    Line line;
  };
  std::vector<Waiting> take_waiting();
  // Older lines, before those that are there.
  void prepend(const std::string& with, std::vector<Line> lines);

  // ---- what is shown
  const std::string& selected() const noexcept { return selected_; }
  Conversation& current() { return conversations_[selected_]; }
  const Conversation& current() const { return conversations_.at(selected_); }
  Conversation* find(const std::string& jid);
  void select(const std::string& jid);
  void close(const std::string& jid);
  // The next one that has something unread, else the next of the list; `step` 1 or -1.
  void select_next(int step);
  std::size_t unread() const;

  std::string connection = "connected";

 private:
  Line& add(const std::string& with, Line line);
  Contact& person(std::string_view jid) { return contacts_[std::string(jid)]; }

  Jid self_;
  std::map<std::string, Contact> contacts_;
  std::map<std::string, Conversation> conversations_ = {{"", Conversation{}}};
  std::string selected_;
};

}  // namespace balcony::cli::chat
