// Messages that a server keeps (XEP-0313), a page at a time. Values; one thread at a time.
//
//   ArchiveQuery query;
//   query.with = romeo;
//   query.before = "";                                   // the last page first
//   auto page = co_await client.archive(query);
//   if (page && !page->complete) query.before = page->first;   // and the one before it
#pragma once

#include <balcony/element.h>
#include <balcony/jid.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace balcony {

// What is asked for (XEP-0313 §4). Nothing set: the archive from its beginning.
struct ArchiveQuery {
  using Time = std::chrono::sys_time<std::chrono::milliseconds>;

  std::optional<Jid> archive;  // whose: a room's; without, the own account's
  std::optional<Jid> with;     // only what was exchanged with them
  std::optional<Time> start;   // not before
  std::optional<Time> end;     // not after
  // A page (XEP-0059): at most `max` messages behind the id `after`, or before the id `before`;
  // an empty `before` is the end of the archive. Not both.
  std::uint32_t max = 50;
  std::optional<std::string> after;
  std::optional<std::string> before;
};

struct ArchivedMessage {
  std::string id;             // in the archive
  ArchiveQuery::Time time{};  // when it was sent or came
  xml::Element message;       // as it was
};

struct ArchivePage {
  std::vector<ArchivedMessage> messages;  // oldest first
  std::string first;                      // ids of the page's ends; empty without messages
  std::string last;
  std::optional<std::uint32_t> count;  // of all that match, where the server counts
  bool complete = false;               // there is no further page in this direction
};

}  // namespace balcony
