// Rules that look at more than one code point: the contextual rules of RFC 5892 appendix A and the
// Bidi Rule of RFC 5893 §2. Used by precis.cc. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace balcony::precis {

// Whether the code point at `at`, a CONTEXTJ or CONTEXTO one, may stand there (RFC 5892 §A.1 to
// §A.9). True for a code point that has no contextual rule.
bool context_allows(std::u32string_view text, std::size_t at);

// Whether `text` satisfies the Bidi Rule. True when it holds no right-to-left code point: the rule
// does not apply then (RFC 8264 §5.2.5).
bool satisfies_bidi_rule(std::u32string_view text);

}  // namespace balcony::precis
