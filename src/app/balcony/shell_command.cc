#include "app/balcony/shell_command.h"

#include <balcony/runtime.h>

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string_view>
#include <vector>

namespace balcony::cli {
namespace {

std::vector<std::string> environment_with(const std::map<std::string, std::string>& variables) {
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    if (!variables.contains(std::string(text.substr(0, text.find('='))))) all.emplace_back(text);
  }
  for (const auto& [name, value] : variables) all.push_back(name + "=" + value);
  return all;
}

// Zero: it could not be started.
pid_t start(std::string command, const std::string& input,
            const std::map<std::string, std::string>& variables) {
  const int file = ::memfd_create("message", MFD_CLOEXEC);
  if (file < 0) return 0;
  pid_t child = 0;
  if (::write(file, input.data(), input.size()) == std::ssize(input) &&
      ::lseek(file, 0, SEEK_SET) == 0) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, file, STDIN_FILENO);
    std::vector<std::string> environment = environment_with(variables);
    std::vector<char*> pointers;
    for (std::string& variable : environment) pointers.push_back(variable.data());
    pointers.push_back(nullptr);
    std::string shell = "sh";
    std::string option = "-c";
    char* const arguments[] = {shell.data(), option.data(), command.data(), nullptr};
    if (::posix_spawn(&child, "/bin/sh", &actions, nullptr, arguments, pointers.data()) != 0) {
      child = 0;
    }
    ::posix_spawn_file_actions_destroy(&actions);
  }
  ::close(file);
  return child;
}

}  // namespace

Task<int> run_shell(std::string command, std::string input,
                    std::map<std::string, std::string> variables) {
  const pid_t child = start(std::move(command), input, variables);
  if (child == 0) co_return 127;
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    co_await Runtime::current()->sleep(std::chrono::milliseconds(20));
  }
  co_return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace balcony::cli
