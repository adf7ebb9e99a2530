// RDATA of SRV records, as a name server may send it: what is accepted is a host name.
#include "net/srv.h"

#include "base/assert.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto record = balcony::parse_srv({reinterpret_cast<const char*>(data), size});
  if (record) {
    BALCONY_ASSERT(record->target.size() <= 253, "a target is longer than a name may be");
    BALCONY_ASSERT(
        record->target.find_first_of(std::string_view("\0\n /@", 5)) == std::string::npos,
        "a target is no host name");
  }
  return 0;
}
