// SRV records (RFC 2782): reading one and putting many in order. Pure functions.
#pragma once

#include <balcony/result.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace balcony {

class Random;

struct SrvRecord {
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
  std::string target;       // without the last dot; empty: the service is decidedly not there (".")
  bool direct_tls = false;  // found under _xmpps-… (XEP-0368)
  bool secure = false;      // the answer that it came in is validated by DNSSEC

  bool operator==(const SrvRecord&) const = default;
};

// From the bytes of a record's RDATA. Errors: kMalformed, also for targets with bytes that are no
// host name.
Result<SrvRecord> parse_srv(std::string_view rdata);

// In the order in which to try: lower priorities first; within one, at random by weight, where a
// weight of 0 has a very small chance of coming before others.
std::vector<SrvRecord> order_srv(std::vector<SrvRecord> records, Random& random);

}  // namespace balcony
