// Any bytes: an address or an error, and what is accepted is stable, splits into its own parts and
// survives escaping.
#include <balcony/jid.h>

#include "base/assert.h"
#include "precis/idna.h"
#include "precis/precis.h"
#include "precis/utf8.h"

#include <cstddef>
#include <cstdint>

namespace {

using balcony::Jid;

void check_jid(std::string_view text) {
  const auto jid = Jid::parse(text);
  if (!jid) {
    BALCONY_ASSERT(!jid.error().detail.empty(), "an error says what is wrong");
    return;
  }
  const auto again = Jid::parse(jid->str());
  BALCONY_ASSERT(again && *again == *jid, "a prepared address is prepared");
  const auto made = Jid::make(jid->local(), jid->domain(), jid->resource());
  BALCONY_ASSERT(made && *made == *jid, "an address is the sum of its parts");
  BALCONY_ASSERT(balcony::is_utf8(jid->str()), "an address is UTF-8");
  BALCONY_ASSERT(jid->local().size() <= Jid::kPartBytesMax &&
                     jid->domain().size() <= Jid::kPartBytesMax &&
                     jid->resource().size() <= Jid::kPartBytesMax,
                 "parts are bounded");
  const auto ascii = balcony::precis::domain_to_ascii(jid->domain());
  if (!ascii) return;
  const auto back = balcony::precis::prepare_domain(*ascii);
  BALCONY_ASSERT(back && *back == jid->domain(), "the DNS has the same name");
}

void check_profiles(std::string_view text) {
  namespace precis = balcony::precis;
  for (const auto profile : {precis::username_case_mapped, precis::username_case_preserved,
                             precis::opaque_string, precis::nickname, precis::nickname_key}) {
    const auto once = profile(text);
    if (!once) continue;
    const auto twice = profile(*once);
    BALCONY_ASSERT(twice && *twice == *once, "enforcement is idempotent");
  }
}

void check_escape(std::string_view text) {
  const auto escaped = balcony::escape_localpart(text);
  if (!escaped) return;
  BALCONY_ASSERT(balcony::unescape_localpart(*escaped) == text, "unescaping undoes escaping");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_jid(text);
  check_profiles(text);
  check_escape(text);
  return 0;
}
