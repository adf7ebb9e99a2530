#include "base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>
#include <mutex>

namespace balcony {
namespace {

constexpr std::size_t kValueBytesMax = 200;

std::atomic<LogLevel> current_level{LogLevel::kInfo};

struct Output {
  std::mutex mutex;
  std::string file;
  std::shared_ptr<spdlog::logger> logger = make({});

  static std::shared_ptr<spdlog::logger> make(const std::string& path) {
    std::shared_ptr<spdlog::sinks::sink> sink;
    if (path.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    }
    auto logger = std::make_shared<spdlog::logger>("balcony", std::move(sink));
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %l %v");
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::info);
    return logger;
  }
};

Output& output() {
  static Output instance;
  return instance;
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarning: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
    case LogLevel::kOff: break;
  }
  return spdlog::level::off;
}

void append_escaped(std::string& line, std::string_view value) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  const bool cut = value.size() > kValueBytesMax;
  const std::string_view shown = value.substr(0, kValueBytesMax);
  const bool quote = shown.empty() || shown.find_first_of(" \"=") != std::string_view::npos;
  if (quote) line.push_back('"');
  for (const char c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line.push_back('\\');
      line.push_back(c);
    } else if (byte < 0x20 || byte == 0x7f) {
      line.append("\\x");
      line.push_back(kHex[byte >> 4]);
      line.push_back(kHex[byte & 15]);
    } else {
      line.push_back(c);
    }
  }
  if (quote) line.push_back('"');
  if (cut) line.append("…");
}

}  // namespace

void set_log_level(LogLevel level) noexcept {
  current_level.store(level, std::memory_order_relaxed);
}

LogLevel log_level() noexcept {
  return current_level.load(std::memory_order_relaxed);
}

bool set_log_file(const std::string& file) {
  Output& out = output();
  const std::lock_guard lock(out.mutex);
  try {
    out.logger = Output::make(file);
    out.file = file;
    return true;
  } catch (const spdlog::spdlog_ex&) {
    return false;
  }
}

void reopen_log() {
  std::string file;
  {
    Output& out = output();
    const std::lock_guard lock(out.mutex);
    file = out.file;
  }
  if (!file.empty()) set_log_file(file);
}

bool parse_log_level(std::string_view text, LogLevel& level) noexcept {
  static constexpr std::pair<std::string_view, LogLevel> kNames[] = {
      {"debug", LogLevel::kDebug}, {"info", LogLevel::kInfo}, {"warning", LogLevel::kWarning},
      {"error", LogLevel::kError}, {"off", LogLevel::kOff},
  };
  for (const auto& [name, value] : kNames) {
    if (name == text) {
      level = value;
      return true;
    }
  }
  return false;
}

void log(LogLevel level, std::string_view event, LogFields fields) {
  if (!log_enabled(level)) return;
  std::string line(event);
  for (const LogField& field : fields) {
    line.push_back(' ');
    line.append(field.name).push_back('=');
    append_escaped(line, field.value);
  }
  std::shared_ptr<spdlog::logger> logger;
  {
    Output& out = output();
    const std::lock_guard lock(out.mutex);
    logger = out.logger;
  }
  logger->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace balcony
