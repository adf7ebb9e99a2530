#include "bench/load/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace balcony::bench {
namespace {

std::string proc(int pid, const char* name) {
  return "/proc/" + std::to_string(pid) + '/' + name;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

double cpu_seconds(int pid) {
  std::ifstream file(proc(pid, "stat"));
  std::string line;
  if (!std::getline(file, line)) return 0;
  // proc(5): the name of the program stands in parentheses and may hold anything; behind it come
  // the state and, twelfth and thirteenth, utime and stime.
  std::istringstream rest(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) rest >> skipped;
  double user = 0;
  double system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double own_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::int64_t resident_kib(int pid) {
  std::ifstream file(proc(pid, "status"));
  std::string word;
  std::int64_t kib = 0;
  while (file >> word) {
    if (word == "VmRSS:") file >> kib;
  }
  return kib;
}

}  // namespace balcony::bench
