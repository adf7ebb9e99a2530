// One `balcony chat`: joins the connection, the model and the screen. Keys and stanzas change the
// model, and the screen is drawn anew at the end of the loop's turn. One thread.
#pragma once

#include "app/balcony/chat/editor.h"
#include "app/balcony/chat/model.h"
#include "app/balcony/chat/screen.h"
#include "app/balcony/chat/slash.h"
#include "app/balcony/chat/typing.h"

#include <balcony/client.h>
#include <balcony/runtime.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace balcony::cli::chat {

// Held by shared pointers of the command and of what it has asked the server for.
class Session : public std::enable_shared_from_this<Session> {
 public:
  // `client` is connected and outlives what is spawned here.
  explicit Session(Client& client);

  // Until the user ends it or the connection is over for good; says why.
  Task<std::optional<Error>> run(std::string with);

 private:
  void attach();
  void detach();
  void on_message(const Message& message);
  void on_key(const Key& key);
  void on_line(const std::string& line);
  void on_edit();
  void on_tick();
  void switch_to(const std::string& jid);
  void select_next(int step);
  void draw_soon();
  std::string clock(
      std::optional<std::chrono::sys_time<std::chrono::milliseconds>> when = {}) const;

  void say(const std::string& text);
  void send(const std::string& with, const std::string& id, const std::string& text);
  void send_state(std::string_view state);
  void send_receipt(const Message& message);

  // commands.cc
  void perform(const SlashLine& line);
  void show_help();
  void show_who();
  void set_presence(std::string_view show, const SlashLine& line);
  void with_person(const SlashLine& line);
  static Task<> read_roster(std::shared_ptr<Session> self);
  static Task<> read_history(std::shared_ptr<Session> self, std::string with, std::uint32_t count);
  static Task<> change_roster(std::shared_ptr<Session> self, Jid jid, SlashLine line);
  static Task<> change_blocking(std::shared_ptr<Session> self, Jid jid, bool block);
  void tell(const Result<>& done, const std::string& good);
  // A line of a notice into the conversation that is shown.
  void note(std::string text);

  Client& client_;
  Runtime& runtime_;
  Model model_;
  Editor editor_;
  TypingNotices typing_;
  std::unique_ptr<Screen> screen_;
  std::optional<Error> over_;
  bool ends_ = false;
  bool will_draw_ = false;
  bool nobody_looks_ = false;
  std::chrono::milliseconds last_key_{0};
};

}  // namespace balcony::cli::chat
