#include "storage/sqlite/account_keys.h"

namespace balcony::storage {
namespace {

// A byte that names the format, then for each key its fields in their order. Numbers are four
// bytes, the highest first; texts have their length before them.
constexpr char kFormat = 1;

void put_number(std::string& out, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(number >> shift));
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

bool take_number(std::string_view& in, std::uint32_t& number) {
  if (in.size() < 4) return false;
  number = 0;
  for (int i = 0; i < 4; ++i) {
    number = (number << 8) | static_cast<unsigned char>(in[static_cast<std::size_t>(i)]);
  }
  in.remove_prefix(4);
  return true;
}

bool take_text(std::string_view& in, std::string& text) {
  std::uint32_t size = 0;
  if (!take_number(in, size) || in.size() < size) return false;
  text = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

}  // namespace

std::string encode_keys(const std::vector<ScramKeys>& keys) {
  std::string out(1, kFormat);
  for (const ScramKeys& each : keys) {
    put_text(out, each.hash);
    put_number(out, each.iterations);
    put_text(out, each.salt);
    put_text(out, each.stored_key);
    put_text(out, each.server_key);
  }
  return out;
}

Result<std::vector<ScramKeys>> decode_keys(std::string_view bytes) {
  if (bytes.empty() || bytes.front() != kFormat) {
    return fail(Errc::kMalformed, "SCRAM keys in an unknown format");
  }
  bytes.remove_prefix(1);
  std::vector<ScramKeys> keys;
  while (!bytes.empty()) {
    ScramKeys each;
    if (!take_text(bytes, each.hash) || !take_number(bytes, each.iterations) ||
        !take_text(bytes, each.salt) || !take_text(bytes, each.stored_key) ||
        !take_text(bytes, each.server_key)) {
      return fail(Errc::kMalformed, "SCRAM keys are cut short");
    }
    keys.push_back(std::move(each));
  }
  return keys;
}

}  // namespace balcony::storage
