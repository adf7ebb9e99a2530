// The results of one query of an archive, which come as messages before the answer (XEP-0313 §4.2).
// In the frame of the coroutine that asks; Core hands it what comes. One thread.
#pragma once

#include <balcony/archive.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace balcony::client {

class Core;

class ArchiveCollector {
 public:
  // A server that sends more for one page is not listened to.
  static constexpr std::size_t kMessagesMax = 10'000;

  // `archive`: whose; without, the own account's.
  ArchiveCollector(Core& core, std::string id, std::optional<Jid> archive);
  ~ArchiveCollector();
  ArchiveCollector(const ArchiveCollector&) = delete;
  ArchiveCollector& operator=(const ArchiveCollector&) = delete;

  const std::string& id() const noexcept { return id_; }
  // Keeps the message if it is a result of this query.
  bool take(xml::ElementView message, const Jid& from);

  std::vector<ArchivedMessage> messages;

 private:
  Core& core_;
  std::string id_;
  std::optional<Jid> archive_;
};

}  // namespace balcony::client
