#include "net/srv.h"

#include "base/random.h"

#include <algorithm>
#include <utility>

namespace balcony {
namespace {

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
  const auto byte = [bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  return static_cast<std::uint16_t>(byte(at) << 8 | byte(at + 1));
}

bool is_host_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// RFC 1035 §2.3.4 as text: the lengths of the labels are dots, the last one and the root's none.
constexpr std::size_t kNameMax = 253;

// RFC 1035 §3.1, without compression (RFC 2782: it is not used in targets).
Result<std::string> parse_name(std::string_view bytes) {
  std::string name;
  for (;;) {
    if (bytes.empty()) return fail(Errc::kMalformed, "a name in DNS has no end");
    const std::size_t size = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    if (size == 0) break;
    if (size > 63 || size > bytes.size() || name.size() + !name.empty() + size > kNameMax) {
      return fail(Errc::kMalformed, "a name in DNS is too long or compressed");
    }
    const std::string_view label = bytes.substr(0, size);
    if (!std::ranges::all_of(label, is_host_byte)) {
      return fail(Errc::kMalformed, "a name in DNS is no host name");
    }
    if (!name.empty()) name += '.';
    name += label;
    bytes.remove_prefix(size);
  }
  if (!bytes.empty()) return fail(Errc::kMalformed, "bytes follow a name in DNS");
  return name;
}

}  // namespace

Result<SrvRecord> parse_srv(std::string_view rdata) {
  constexpr std::size_t kNumbers = 6;
  if (rdata.size() <= kNumbers) return fail(Errc::kMalformed, "an SRV record is too short");
  SrvRecord record;
  record.priority = number_at(rdata, 0);
  record.weight = number_at(rdata, 2);
  record.port = number_at(rdata, 4);
  BALCONY_ASSIGN(record.target, parse_name(rdata.substr(kNumbers)));
  return record;
}

std::vector<SrvRecord> order_srv(std::vector<SrvRecord> records, Random& random) {
  // RFC 2782, "Weight": those with weight 0 stand first in each round of the drawing.
  std::ranges::sort(records, {}, [](const SrvRecord& record) {
    return std::pair(record.priority, record.weight != 0);
  });
  std::vector<SrvRecord> ordered;
  ordered.reserve(records.size());
  while (!records.empty()) {
    const auto group_end = std::ranges::find_if(records, [&](const SrvRecord& record) {
      return record.priority != records.front().priority;
    });
    std::uint64_t total = 0;
    for (auto it = records.begin(); it != group_end; ++it) total += it->weight;
    const std::uint64_t drawn = random.u64() % (total + 1);  // 0 to the sum, both inclusive
    auto chosen = records.begin();
    for (std::uint64_t sum = chosen->weight; sum < drawn; sum += chosen->weight) ++chosen;
    ordered.push_back(std::move(*chosen));
    records.erase(chosen);
  }
  return ordered;
}

}  // namespace balcony
