#define NCURSES_NOMACROS 1
#define _XOPEN_SOURCE_EXTENDED 1
#include "app/balcony/chat/screen.h"

#include "app/balcony/chat/text.h"
#include "precis/utf8.h"

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <curses.h>
#include <unistd.h>

namespace balcony::cli::chat {
namespace {

enum Colour : short { kPlain = 0, kThere = 1, kAway, kBusy, kOurs, kTheirs, kNews };

constexpr int kListColumnsMax = 28;
constexpr int kListNeedsColumns = 50;  // narrower, and there is no list

struct Layout {
  Layout() {
    getmaxyx(stdscr, rows, columns);
    list = columns >= kListNeedsColumns ? std::min(kListColumnsMax, columns / 3) : 0;
    left = list == 0 ? 0 : list + 1;
    width = std::max(1, columns - left);
    height = std::max(1, rows - 3);  // title, status, input
  }
  int rows = 0;
  int columns = 0;
  int list = 0;
  int left = 0;
  int width = 0;
  int height = 0;
};

attr_t colour(Colour which) {
  return has_colors() ? static_cast<attr_t>(COLOR_PAIR(which)) : A_NORMAL;
}

void put(int row, int column, int columns, const std::string& text, attr_t style = A_NORMAL) {
  std::string shown = fit(text, columns);
  std::ranges::replace(shown, '\t', ' ');
  shown.append(static_cast<std::size_t>(std::max(0, columns - width_of(std::string_view(shown)))),
               ' ');
  attron(static_cast<int>(style));
  mvaddstr(row, column, shown.c_str());
  attroff(static_cast<int>(style));
}

attr_t style_of(const Row& row) {
  attr_t style = row.selected ? A_REVERSE : A_NORMAL;
  if (row.unread > 0) style |= A_BOLD | colour(kNews);
  if (row.unread > 0 || row.selected) return style;
  if (row.symbol == '+') return style | colour(kThere);
  if (row.symbol == '~') return style | colour(kAway);
  if (row.symbol == '!') return style | colour(kBusy);
  return style;
}

void draw_list(const Model& model, const Layout& layout) {
  const std::vector<Row> rows = model.rows();
  const auto selected = std::ranges::find_if(rows, [](const Row& row) { return row.selected; });
  const auto room = static_cast<std::size_t>(layout.height + 1);
  const auto index = static_cast<std::size_t>(selected - rows.begin());
  const std::size_t first = index >= room ? index - room + 1 : 0;
  for (std::size_t i = 0; i < room; ++i) {
    std::string text;
    attr_t style = A_NORMAL;
    if (first + i < rows.size()) {
      const Row& row = rows[first + i];
      std::string behind = row.types ? " …" : "";
      if (row.unread > 0) behind += " (" + std::to_string(row.unread) + ")";
      const int space = layout.list - 2 - width_of(std::string_view(behind));
      text = std::string(1, row.symbol) + " " + fit(row.label, space) + behind;
      style = style_of(row);
    }
    put(static_cast<int>(i), 0, layout.list, text, style);
    mvaddch(static_cast<int>(i), layout.list, ACS_VLINE);
  }
}

const char* mark_of(Delivery delivery) {
  switch (delivery) {
    case Delivery::kWaiting: return " (waits)";
    case Delivery::kServer: return " ✓";
    case Delivery::kDelivered: return " ✓✓";
    case Delivery::kFailed: return " (failed)";
    default: return "";
  }
}

struct Shown {
  std::string text;
  attr_t style;
};

void append_line(std::vector<Shown>& shown, const Line& line, const std::string& them, int width) {
  std::string head = line.time.empty() ? "" : line.time + " ";
  attr_t style = A_NORMAL;
  if (line.kind == Line::Kind::kOurs) {
    head += "me: ";
    style = colour(kOurs);
  } else if (line.kind == Line::Kind::kTheirs) {
    head += them + ": ";
    style = colour(kTheirs);
  } else {
    head += "* ";
    style = A_DIM;
  }
  bool first = true;
  for (const std::string& text : wrap(head + line.text + mark_of(line.delivery), width)) {
    shown.push_back({first ? text : "  " + text, style});
    first = false;
  }
}

void draw_conversation(const Model& model, const Layout& layout) {
  const Conversation& conversation = model.current();
  const std::string them = fit(model.name_of(model.selected()), 20);
  const auto height = static_cast<std::size_t>(layout.height);
  const std::size_t wanted = height + conversation.scrolled;
  // From the end, until there is enough for the screen.
  std::vector<std::vector<Shown>> blocks;
  std::size_t count = 0;
  for (auto line = conversation.lines.rbegin(); line != conversation.lines.rend(); ++line) {
    if (count >= wanted) break;
    std::vector<Shown> block;
    append_line(block, *line, them, layout.width - 2);
    count += block.size();
    blocks.push_back(std::move(block));
  }
  std::vector<Shown> all;
  for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
    all.insert(all.end(), block->begin(), block->end());
  }
  const std::size_t scrolled =
      std::min(conversation.scrolled, all.size() - std::min(all.size(), height));
  const std::size_t end = all.size() - scrolled;
  const std::size_t start = end - std::min(end, height);
  for (std::size_t i = 0; i < height; ++i) {
    const bool there = start + i < end;
    put(1 + static_cast<int>(i), layout.left, layout.width, there ? all[start + i].text : "",
        there ? all[start + i].style : A_NORMAL);
  }
}

void draw_title(const Model& model, const Layout& layout) {
  std::string title = " balcony: /help shows the commands";
  const std::string& with = model.selected();
  if (!with.empty()) {
    title = " " + model.name_of(with);
    if (model.name_of(with) != with) title += " <" + with + ">";
    const Contact* const contact = model.contact(with);
    if (contact != nullptr && contact->is_there()) {
      const Contact::There& there = contact->resources.begin()->second;
      title += there.show.empty() ? " is there" : " is " + there.show;
      if (!there.status.empty()) title += ": " + there.status;
    }
    if (model.current().they_type) title += "  is typing…";
  }
  put(0, layout.left, layout.width, title, A_BOLD);
}

void draw_status(const Model& model, const Layout& layout) {
  std::string status = " " + model.connection;
  if (model.unread() > 0) status += "  |  " + std::to_string(model.unread()) + " unread";
  if (model.current().scrolled > 0) status += "  |  Page Down for what is new";
  put(layout.rows - 2, 0, layout.columns, status, A_REVERSE);
}

void draw_input(const Editor& editor, const Layout& layout) {
  const std::u32string& text = editor.characters();
  const int room = std::max(1, layout.columns - 3);
  // What is left of the cursor has to fit.
  std::size_t start = 0;
  const std::u32string_view all(text);
  while (start < editor.cursor() && width_of(all.substr(start, editor.cursor() - start)) >= room) {
    ++start;
  }
  std::string shown;
  int used = 0;
  for (std::size_t i = start; i < text.size(); ++i) {
    used += width_of(text[i]);
    if (used > room) break;
    append_utf8(shown, text[i]);
  }
  put(layout.rows - 1, 0, layout.columns - 1, "> " + shown);
  move(layout.rows - 1, 2 + width_of(all.substr(start, editor.cursor() - start)));
}

Key::Kind kind_of_function_key(wint_t code) {
  switch (code) {
    case KEY_ENTER: return Key::Kind::kEnter;
    case KEY_BTAB: return Key::Kind::kPrevious;
    case KEY_BACKSPACE: return Key::Kind::kBackspace;
    case KEY_DC: return Key::Kind::kDelete;
    case KEY_LEFT: return Key::Kind::kLeft;
    case KEY_RIGHT: return Key::Kind::kRight;
    case KEY_HOME: return Key::Kind::kHome;
    case KEY_END: return Key::Kind::kEnd;
    case KEY_UP: return Key::Kind::kUp;
    case KEY_DOWN: return Key::Kind::kDown;
    case KEY_PPAGE: return Key::Kind::kPageUp;
    case KEY_NPAGE: return Key::Kind::kPageDown;
    case KEY_RESIZE: return Key::Kind::kRedraw;
    default: return Key::Kind::kOther;
  }
}

constexpr char32_t control(char letter) {
  return static_cast<char32_t>(letter & 0x1F);
}

Key::Kind kind_of_character(char32_t character) {
  switch (character) {
    case U'\r':
    case U'\n': return Key::Kind::kEnter;
    case U'\t':
    case control('N'): return Key::Kind::kNext;
    case control('P'): return Key::Kind::kPrevious;
    case 0x7F:
    case control('H'): return Key::Kind::kBackspace;
    case control('A'): return Key::Kind::kHome;
    case control('E'): return Key::Kind::kEnd;
    case control('W'): return Key::Kind::kEraseWord;
    case control('U'): return Key::Kind::kEraseLine;
    case control('L'): return Key::Kind::kRedraw;
    default: return character < 0x20 ? Key::Kind::kOther : Key::Kind::kCharacter;
  }
}

}  // namespace

Result<> Screen::can_start() {
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0) {
    return fail(Errc::kUsage, "chat needs a terminal; balcony send and balcony listen do without");
  }
  const char* const terminal = std::getenv("TERM");
  if (terminal == nullptr || *terminal == 0) {
    return fail(Errc::kUsage, "TERM says not which terminal this is");
  }
  return {};
}

Screen::Screen() {
  // The width of characters, and that the terminal speaks UTF-8.
  if (std::setlocale(LC_CTYPE, "") == nullptr || MB_CUR_MAX < 4) {
    std::setlocale(LC_CTYPE, "C.UTF-8");
  }
  initscr();
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  set_escdelay(25);
  if (has_colors()) {
    start_color();
    use_default_colors();
    init_pair(kThere, COLOR_GREEN, -1);
    init_pair(kAway, COLOR_YELLOW, -1);
    init_pair(kBusy, COLOR_RED, -1);
    init_pair(kOurs, COLOR_CYAN, -1);
    init_pair(kTheirs, -1, -1);
    init_pair(kNews, COLOR_MAGENTA, -1);
  }
}

Screen::~Screen() {
  endwin();
}

void Screen::draw(const Model& model, const Editor& editor) {
  const Layout layout;
  if (layout.list > 0) draw_list(model, layout);
  draw_title(model, layout);
  draw_conversation(model, layout);
  draw_status(model, layout);
  draw_input(editor, layout);
  refresh();
}

std::optional<Key> Screen::read() {
  wint_t code = 0;
  const int got = get_wch(&code);
  if (got == ERR) return std::nullopt;
  if (got == KEY_CODE_YES) return Key{kind_of_function_key(code), 0};
  const auto character = static_cast<char32_t>(code);
  return Key{kind_of_character(character), character};
}

void Screen::clear() {
  ::clear();
}

int Screen::page() const {
  return std::max(1, Layout().height - 2);
}

}  // namespace balcony::cli::chat
