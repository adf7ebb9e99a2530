// What the kernel tells about a process: CPU time and memory. No state; any thread.
#pragma once

#include <cstdint>

namespace balcony::bench {

// CPU seconds, user and system, of process `pid` with all its threads; 0 without such a process.
// The kernel counts in steps of 10 ms (proc(5), utime and stime).
double cpu_seconds(int pid);
// CPU seconds of this process.
double own_cpu_seconds();
// Resident memory of process `pid`, in KiB; 0 without such a process.
std::int64_t resident_kib(int pid);

}  // namespace balcony::bench
