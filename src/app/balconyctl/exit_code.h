// What balconyctl ends with. Scripts rely on these numbers: they stay.
#pragma once

#include <balcony/error.h>

namespace balcony::app {

enum ExitCode : int {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,
  kNoServer = 3,
  kNotFound = 4,
  kConflict = 5,
};

inline constexpr const char* kExitCodeHelp =
    "Exit codes: 0 done; 1 failed, or some lines of an import did; 2 called or configured "
    "wrongly;\n"
    "3 the server cannot be reached; 4 there is no such thing; 5 it exists already.";

constexpr ExitCode exit_code(Errc code) {
  switch (code) {
    case Errc::kUsage:
    case Errc::kConfig:
    case Errc::kMalformed: return kUsage;
    case Errc::kConnect:
    case Errc::kClosed: return kNoServer;
    case Errc::kItemNotFound:
    case Errc::kNotFound: return kNotFound;
    case Errc::kConflict: return kConflict;
    default: return kFailed;
  }
}

}  // namespace balcony::app
