#include "gateway/mail/report.h"

#include "base/ascii.h"
#include "gateway/mail/quoting.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace balcony::gateway::mail {
namespace {

constexpr std::size_t kRecipientsMax = 100;
constexpr std::size_t kValueMax = 300;

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t\r"), text.size());
  text.remove_prefix(begin);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

using Fields = std::vector<std::pair<std::string, std::string>>;

// Fields with their folded lines joined, in groups that empty lines part.
std::vector<Fields> read_groups(std::string_view text) {
  std::vector<Fields> groups(1);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view content = trimmed(line);
    if (content.empty()) {
      if (!groups.back().empty()) groups.emplace_back();
    } else if (line.starts_with(' ') || line.starts_with('\t')) {
      if (!groups.back().empty()) groups.back().back().second.append(" ").append(content);
    } else if (const std::size_t colon = content.find(':'); colon != std::string_view::npos) {
      groups.back().emplace_back(ascii_lower(trimmed(content.substr(0, colon))),
                                 std::string(trimmed(content.substr(colon + 1))));
    }
    if (groups.size() > kRecipientsMax) break;
  }
  return groups;
}

// "rfc822; juliet@capulet.example" without the type before the semicolon (§2.1.2).
std::string typed_value(std::string_view value) {
  const std::size_t semicolon = value.find(';');
  if (semicolon != std::string_view::npos) value.remove_prefix(semicolon + 1);
  return one_line(trimmed(value), kValueMax);
}

}  // namespace

void read_delivery_status(std::string_view content, Report& report) {
  for (const Fields& group : read_groups(content)) {
    ReportedRecipient recipient;
    for (const auto& [name, value] : group) {
      if (name == "final-recipient" && recipient.recipient.empty()) {
        recipient.recipient = typed_value(value);
      } else if (name == "original-recipient") {
        recipient.recipient = typed_value(value);  // what the sender wrote
      } else if (name == "action") {
        recipient.action = one_line(ascii_lower(value), 20);
      } else if (name == "status") {
        recipient.status = one_line(value, 20);
      } else if (name == "diagnostic-code") {
        recipient.diagnostic = typed_value(value);
      }
    }
    const bool room = report.recipients.size() < kRecipientsMax;
    if (!recipient.action.empty() && room) report.recipients.push_back(std::move(recipient));
  }
}

std::string find_message_id(std::string_view header) {
  for (const Fields& group : read_groups(header)) {
    for (const auto& [name, value] : group) {
      if (name != "message-id") continue;
      const std::size_t begin = value.find('<');
      const std::size_t end = value.find('>', begin);
      if (begin == std::string::npos || end == std::string::npos) return {};
      return value.substr(begin + 1, end - begin - 1);
    }
  }
  return {};
}

bool is_message_id(std::string_view id) {
  return !id.empty() && id.size() <= 250 && std::ranges::all_of(id, [](char c) {
    return c > 0x20 && c < 0x7f && c != '<' && c != '>';
  });
}

std::string_view header_of(std::string_view data, std::size_t bytes_max) {
  const std::size_t end = data.starts_with("\r\n") ? 0 : data.find("\r\n\r\n");
  std::string_view header = data.substr(0, end == std::string_view::npos ? end : end + 2);
  if (end == 0) header = {};
  if (header.size() <= bytes_max) return header;
  const std::size_t last = header.rfind("\r\n", bytes_max > 2 ? bytes_max - 2 : 0);
  return last == std::string_view::npos ? std::string_view{} : header.substr(0, last + 2);
}

}  // namespace balcony::gateway::mail
