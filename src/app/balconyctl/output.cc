#include "app/balconyctl/output.h"

#include "app/balconyctl/exit_code.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace balcony::app {
namespace {

using server::Value;

constexpr std::size_t kCellMax = 60;  // the last column may be longer

void print(std::FILE* to, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

std::string printable(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return text;
}

// Characters, which is what a terminal counts, nearly.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string cell(const Value& value) {
  if (const auto* text = value.text()) return printable(*text);
  if (const auto* flag = value.flag()) return *flag ? "yes" : "no";
  if (const auto* number = value.number()) return std::to_string(*number);
  std::string out;
  if (const auto* list = value.list()) {
    if (list->empty()) return "none";
    for (const Value& item : *list) out += (out.empty() ? "" : " ") + cell(item);
  }
  return out;
}

bool is_table(const Value& value) {
  return value.list() && !value.list()->empty() &&
         std::ranges::all_of(*value.list(), [](const Value& v) { return v.members() != nullptr; });
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string table(const Value::List& rows, const std::string& indent) {
  const Value::Members& columns = *rows.front().members();
  std::vector<std::size_t> widths;
  for (const Value::Member& column : columns) {
    std::size_t widest = column.name.size();
    for (const Value& row : rows) {
      const Value* value = row.find(column.name);
      if (value) widest = std::max(widest, width(cell(*value)));
    }
    widths.push_back(std::min(widest, kCellMax));
  }
  const auto line = [&](const auto& cell_of) {
    std::string out = indent;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string text = cell_of(columns[i].name);
      out += text;
      const std::size_t wide = width(text);
      out.append(wide < widths[i] ? widths[i] - wide + 2 : 2, ' ');
    }
    while (out.ends_with(' ')) out.pop_back();
    return out + '\n';
  };
  std::string out = line([](const std::string& name) { return upper(name); });
  for (const Value& row : rows) {
    out += line([&row](const std::string& name) {
      const Value* value = row.find(name);
      return value ? cell(*value) : std::string();
    });
  }
  return out;
}

std::string lines(const Value::Members& members, const std::string& indent) {
  std::size_t widest = 0;
  for (const Value::Member& member : members) widest = std::max(widest, member.name.size());
  std::string out;
  for (const auto& [name, value] : members) {
    out += indent + name + ':';
    if (is_table(value)) {
      out += '\n' + table(*value.list(), indent + "  ");
    } else if (value.members()) {
      out += '\n' + lines(*value.members(), indent + "  ");
    } else {
      out += std::string(widest - name.size() + 1, ' ') + cell(value) + '\n';
    }
  }
  return out;
}

std::string text_of(const Value& value) {
  if (!value.list()) return cell(value);
  std::string out;
  for (const Value& line : *value.list()) out += (out.empty() ? "" : "\n") + cell(line);
  return out;
}

// "added {jid}" with the members of the result.
std::string say(const std::string& pattern, const Value& result) {
  std::string out;
  for (std::size_t at = 0; at < pattern.size();) {
    const std::size_t open = std::min(pattern.find('{', at), pattern.size());
    out += pattern.substr(at, open - at);
    if (open == pattern.size()) break;
    const std::size_t close = pattern.find('}', open);
    const Value* member = result.find(pattern.substr(open + 1, close - open - 1));
    if (member) out += text_of(*member);
    at = close + 1;
  }
  return out + '\n';
}

}  // namespace

std::string to_text(const Value& value) {
  if (value.is_null()) return "";
  if (is_table(value)) return table(*value.list(), "");
  if (value.members()) return lines(*value.members(), "");
  return cell(value) + '\n';
}

void Output::add_row(Value row) {
  rows_.push_back(std::move(row));
}

void Output::show_progress(std::int64_t done, std::int64_t of) {
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  const std::string text = std::to_string(done) + " of " + std::to_string(of);
  print(stderr, terminal ? '\r' + text : text + '\n');
  progress_shown_ = terminal;
}

void Output::end_progress() {
  if (std::exchange(progress_shown_, false)) print(stderr, "\n");
}

void Output::finish(const server::CommandSpec& spec, const Value& result) {
  end_progress();
  if (form_ == Form::kJson) {
    Value all;
    all.set("ok", true);
    all.set("rows", rows_);
    all.set("result", result);
    print(stdout, server::to_json(all) + '\n');
    return;
  }
  if (!rows_.empty()) print(stdout, to_text(rows_));
  if (spec.said.empty()) {
    print(stdout, to_text(result));
  } else {
    print(rows_.empty() ? stdout : stderr, say(spec.said, result));
  }
  if (const Value* password = result.find("password")) {
    print(stdout, "password: " + cell(*password) + '\n');
  }
}

int Output::fail(const Error& error) {
  end_progress();
  const std::string text = error.detail.empty() ? error.to_string() : error.detail;
  if (form_ == Form::kJson) {
    Value reason;
    reason.set("code", to_string(error.code));
    reason.set("text", text);
    Value all;
    all.set("ok", false);
    all.set("rows", rows_);
    all.set("error", std::move(reason));
    print(stdout, server::to_json(all) + '\n');
  } else {
    if (!rows_.empty()) print(stdout, to_text(rows_));
    print(stderr, "balconyctl: " + text + '\n');
  }
  return exit_code(error.code);
}

}  // namespace balcony::app
