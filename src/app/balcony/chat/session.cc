#include "app/balcony/chat/session.h"

#include "app/balcony/commands.h"
#include "app/balcony/exit_code.h"
#include "app/balcony/output.h"
#include "client/runtime_impl.h"
#include "stanza/ns.h"

#include "base/random.h"

#include <ctime>
#include <unistd.h>
#include <utility>

namespace balcony::cli::chat {
namespace {

constexpr std::chrono::milliseconds kTick{250};
// After so long without a key nobody looks (XEP-0352): the server may keep back what can wait.
constexpr std::chrono::minutes kNobodyLooksAfter{5};

}  // namespace

Session::Session(Client& client)
    : client_(client), runtime_(*Runtime::current()), model_(client.jid()) {}

Task<std::optional<Error>> Session::run(std::string with) {
  attach();
  screen_ = std::make_unique<Screen>();
  model_.notice("This is " + client_.jid().str() + ". Tab goes from one to the next, /help helps.");
  if (!with.empty()) {
    if (const auto jid = model_.resolve(with)) switch_to(jid->str());
  }
  (void)client_.send_presence();
  spawn(read_roster(shared_from_this()));
  (void)was_interrupted();
  last_key_ = runtime_.now();
  screen_->draw(model_, editor_);
  while (!ends_ && !over_ && !was_interrupted()) {
    const bool ready = co_await runtime_.readable(STDIN_FILENO, kTick);
    bool any = false;
    while (const auto key = screen_->read()) {
      any = true;
      on_key(*key);
    }
    // The terminal is gone: what is readable and gives nothing is its end.
    if (ready && !any && ::isatty(STDIN_FILENO) == 0) break;
    on_tick();
  }
  detach();
  screen_.reset();
  co_return over_;
}

// ---- what comes

void Session::attach() {
  client_.on_message([this](const Message& message) { on_message(message); });
  client_.on_presence([this](const Presence& presence) {
    model_.on_presence(presence);
    draw_soon();
  });
  client_.on_roster_push([this](const RosterItem& item) {
    model_.change_roster(item);
    draw_soon();
  });
  client_.on_acknowledged([this](std::string_view id) {
    model_.set_delivery(id, Delivery::kServer);
    draw_soon();
  });
  client_.on_undelivered([this](xml::ElementView stanza) {
    model_.set_delivery(stanza.attr("id"), Delivery::kFailed);
  });
  client_.on_disconnect([this](const Error& why, bool will_reconnect) {
    model_.connection = "no connection (" + printable(why.detail) + "); trying again…";
    if (!will_reconnect) over_ = why;
    draw_soon();
  });
  const auto back = [this](const char* how) {
    model_.connection = std::string("connected again, ") + how;
    for (const Model::Waiting& waiting : model_.take_waiting()) {
      send(waiting.with, waiting.line.id, waiting.line.text);
    }
    draw_soon();
  };
  client_.on_resume([back] { back("nothing was lost"); });
  client_.on_reconnect([this, back] {
    // A new session: who is there is told anew.
    model_.forget_presence();
    back("in a new session");
    spawn(read_roster(shared_from_this()));
  });
}

void Session::detach() {
  client_.on_message({});
  client_.on_presence({});
  client_.on_roster_push({});
  client_.on_acknowledged({});
  client_.on_undelivered({});
  client_.on_disconnect({});
  client_.on_resume({});
  client_.on_reconnect({});
}

void Session::on_message(const Message& message) {
  const std::size_t before = model_.unread();
  if (model_.on_message(message, clock(message.delayed_since))) send_receipt(message);
  if (model_.unread() > before) (void)!::write(STDOUT_FILENO, "\a", 1);
  draw_soon();
}

// ---- keys

void Session::on_key(const Key& key) {
  using enum Key::Kind;
  Conversation& shown = model_.current();
  const auto page = static_cast<std::size_t>(screen_->page());
  draw_soon();
  last_key_ = runtime_.now();
  if (std::exchange(nobody_looks_, false)) (void)client_.set_active(true);
  switch (key.kind) {
    case kCharacter: editor_.insert(key.character); return on_edit();
    case kBackspace: editor_.backspace(); return on_edit();
    case kDelete: editor_.erase(); return on_edit();
    case kEraseWord: editor_.erase_word(); return on_edit();
    case kEraseLine: editor_.erase_line(); return on_edit();
    case kLeft: return editor_.left();
    case kRight: return editor_.right();
    case kHome: return editor_.home();
    case kEnd: return editor_.end();
    case kUp: return editor_.older();
    case kDown: return editor_.newer();
    case kNext: return select_next(1);
    case kPrevious: return select_next(-1);
    case kPageUp: shown.scrolled = std::min(shown.scrolled + page, shown.lines.size() * 4); return;
    case kPageDown: shown.scrolled -= std::min(shown.scrolled, page); return;
    case kRedraw: return screen_->clear();
    case kEnter: return on_line(editor_.take());
    case kOther: return;
  }
}

void Session::on_edit() {
  if (editor_.text().starts_with('/')) return;
  if (const auto state = typing_.on_input(editor_.empty(), runtime_.now())) send_state(*state);
}

void Session::on_tick() {
  if (!nobody_looks_ && runtime_.now() - last_key_ > kNobodyLooksAfter) {
    nobody_looks_ = true;
    (void)client_.set_active(false);
  }
  if (const auto state = typing_.on_tick(runtime_.now())) send_state(*state);
}

void Session::on_line(const std::string& line) {
  if (line.empty()) return;
  if (!is_command(line)) return say(line.starts_with("//") ? line.substr(1) : line);
  const auto command = read_command(line);
  if (command) return perform(*command);
  note("there is no command " + line.substr(0, line.find(' ')) + "; /help shows all");
}

void Session::switch_to(const std::string& jid) {
  model_.current().draft = editor_.text();
  typing_.reset();
  model_.select(jid);
  editor_.set(model_.current().draft);
}

void Session::select_next(int step) {
  const std::string draft = editor_.text();
  typing_.reset();
  model_.current().draft = draft;
  model_.select_next(step);
  editor_.set(model_.current().draft);
}

// ---- what goes

void Session::say(const std::string& text) {
  const std::string with = model_.selected();
  if (with.empty()) return note("to whom? Tab goes to somebody, or /msg WHO");
  const std::string id = system_random().token(9);
  model_.say(with, id, text, clock(), client_.is_connected());
  typing_.reset();
  if (client_.is_connected()) send(with, id, text);
}

void Session::send(const std::string& with, const std::string& id, const std::string& text) {
  xml::Element message(ns::kClient, "message");
  message.set("to", with).set("type", "chat").set("id", id);
  message.append_text_element("body", text);
  message.append(ns::kChatStates, "active");
  message.append(ns::kReceipts, "request");
  if (!client_.send(std::move(message))) model_.set_delivery(id, Delivery::kWaiting);
}

// XEP-0085 §5.1: states by themselves only to who has sent one.
void Session::send_state(std::string_view state) {
  if (model_.selected().empty() || !model_.current().knows_states) return;
  xml::Element message(ns::kClient, "message");
  message.set("to", model_.selected()).set("type", "chat");
  message.append(ns::kChatStates, state);
  message.append(ns::kHints, "no-store");
  (void)client_.send(std::move(message));
}

void Session::send_receipt(const Message& message) {
  xml::Element receipt(ns::kClient, "message");
  receipt.set("to", message.from.str()).set("type", "chat");
  receipt.append(ns::kReceipts, "received").set("id", message.id);
  (void)client_.send(std::move(receipt));
}

// ---- the screen

void Session::draw_soon() {
  if (std::exchange(will_draw_, true)) return;
  runtime_.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->will_draw_ = false;
    if (self->screen_) self->screen_->draw(self->model_, self->editor_);
  });
}

std::string Session::clock(
    std::optional<std::chrono::sys_time<std::chrono::milliseconds>> when) const {
  const auto wall = runtime_.impl().shard->clock().wall();
  const std::time_t time =
      std::chrono::floor<std::chrono::seconds>(when.value_or(wall)).time_since_epoch().count();
  std::tm parts{};
  ::localtime_r(&time, &parts);
  char text[32];
  // What is not of today says its day.
  const bool old = when && wall - *when > std::chrono::hours(20);
  std::strftime(text, sizeof text, old ? "%d %b %H:%M" : "%H:%M", &parts);
  return text;
}

}  // namespace balcony::cli::chat

namespace balcony::cli {

Task<int> run_chat(Client& client, Globals globals, std::string with) {
  if (globals.json) {
    co_return report(Error(Errc::kUsage, "chat has no --json; balcony listen has"));
  }
  if (const auto can = chat::Screen::can_start(); !can) co_return report(can.error());
  (void)co_await client.set_carbons(true);
  const auto session = std::make_shared<chat::Session>(client);
  const auto over = co_await session->run(std::move(with));
  if (over) co_return report(*over);
  co_return kOk;
}

}  // namespace balcony::cli
