// The string that a thread serialises stanzas into: the connection copies it into its queue.
//
// Used by the sessions. It is empty, and good until the next call on this thread.
#pragma once

#include <string>

namespace balcony::server {

inline std::string& scratch() {
  thread_local std::string text;
  text.clear();
  return text;
}

}  // namespace balcony::server
