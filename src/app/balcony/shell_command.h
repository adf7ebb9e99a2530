// A command of the shell that runs beside the client, one at a time: `balcony listen --exec`.
// The client's loop is not blocked. One thread.
#pragma once

#include <balcony/task.h>

#include <map>
#include <string>

namespace balcony::cli {

// Runs `command` with /bin/sh, `input` as its standard input and `variables` in its environment.
// Returns its exit code; 127 where it could not be run, 128 and more where a signal ended it.
Task<int> run_shell(std::string command, std::string input,
                    std::map<std::string, std::string> variables);

}  // namespace balcony::cli
