// Logging: one line an event, with the stream id and JID where there are any.
//
//   log_info("listening", {{"address", "127.0.0.1:5222"}});
//   → 2026-11-22 19:00:00.123 info listening address=127.0.0.1:5222
//
// Values are escaped, so that a peer's bytes can neither forge a line nor colour a terminal, and
// cut at 200 bytes. From any thread. Secrets never go in.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace balcony {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError, kOff };

// One named value of a log line.
struct LogField {
  LogField(std::string_view name_, std::string_view value_) : name(name_), value(value_) {}
  LogField(std::string_view name_, const char* value_) : name(name_), value(value_) {}
  LogField(std::string_view name_, const std::string& value_) : name(name_), value(value_) {}
  template <class Number>
    requires std::is_arithmetic_v<Number>
  LogField(std::string_view name_, Number number) : name(name_), value(std::to_string(number)) {}

  std::string_view name;
  std::string value;
};

using LogFields = std::initializer_list<LogField>;

// Where lines go and from which level on. Before the first call: standard error, kInfo.
// `file`: a path to append to, or empty for standard error. `reopen_log()` is for log rotation.
void set_log_level(LogLevel level) noexcept;
LogLevel log_level() noexcept;
bool set_log_file(const std::string& file);
void reopen_log();

// `kDebug` … `kOff` from "debug", "info", "warning", "error", "off"; false for anything else.
bool parse_log_level(std::string_view text, LogLevel& level) noexcept;

inline bool log_enabled(LogLevel level) noexcept {
  return level >= log_level();
}

// Writes one line. `event` is a short fixed phrase: what happened, in the same words each time.
// Cold: nothing that happens to every stanza is logged.
[[gnu::cold]] void log(LogLevel level, std::string_view event, LogFields fields = {});

inline void log_debug(std::string_view event, LogFields fields = {}) {
  if (log_enabled(LogLevel::kDebug)) log(LogLevel::kDebug, event, fields);
}
inline void log_info(std::string_view event, LogFields fields = {}) {
  if (log_enabled(LogLevel::kInfo)) log(LogLevel::kInfo, event, fields);
}
inline void log_warning(std::string_view event, LogFields fields = {}) {
  if (log_enabled(LogLevel::kWarning)) log(LogLevel::kWarning, event, fields);
}
inline void log_error(std::string_view event, LogFields fields = {}) {
  if (log_enabled(LogLevel::kError)) log(LogLevel::kError, event, fields);
}

}  // namespace balcony
