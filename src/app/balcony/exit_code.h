// What the program `balcony` ends with. Scripts rely on these numbers: they stay.
#pragma once

#include <balcony/error.h>

namespace balcony::cli {

enum ExitCode : int {
  kOk = 0,
  kFailed = 1,        // the server or the other side said no, or it went wrong in another way
  kUsage = 2,         // called wrongly
  kNoConnection = 3,  // DNS, TCP, TLS or the stream: no connection, or it was lost
  kNoLogin = 4,       // the server did not accept the login
  kTimedOut = 5,      // nothing came in time
};

// The lines that --help ends with.
inline constexpr const char* kExitCodeHelp =
    "Exit codes: 0 done; 1 refused or failed; 2 called wrongly; 3 no connection, or it was\n"
    "lost; 4 the login was not accepted; 5 nothing came in time.";

ExitCode exit_code(Errc code) noexcept;

// Says the error on standard error, with what may help, and returns the exit code.
int report(const Error& error);

}  // namespace balcony::cli
