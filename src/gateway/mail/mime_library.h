// What both halves of mime.h need of the MIME library. For mime_*.cc only.
#pragma once

#include <gmime/gmime.h>

#include <memory>
#include <string>

namespace balcony::gateway::mail {

// Makes the library ready, once a process; its complaints about input are not logged.
void prepare_mime();

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <class T>
using ObjectPtr = std::unique_ptr<T, Unref>;

struct Free {
  void operator()(void* memory) const { g_free(memory); }
};
using TextPtr = std::unique_ptr<char, Free>;

inline std::string to_text(const char* text) {
  return text ? std::string(text) : std::string();
}

}  // namespace balcony::gateway::mail
