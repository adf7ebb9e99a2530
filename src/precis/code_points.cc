#include "precis/code_points.h"

#include <unicode/normlzr.h>
#include <unicode/uchar.h>

namespace balcony::precis {
namespace {

constexpr bool between(char32_t low, char32_t c, char32_t high) {
  return low <= c && c <= high;
}

// RFC 8264 §9.6 (RFC 5892 §2.6): code points whose property the rules alone would get wrong.
// False when `c` is none of them.
bool exception(char32_t c, Property& property) {
  switch (c) {
    case 0x00DF:
    case 0x03C2:
    case 0x06FD:
    case 0x06FE:
    case 0x0F0B:
    case 0x3007: property = Property::kValid; return true;
    case 0x00B7:
    case 0x0375:
    case 0x05F3:
    case 0x05F4:
    case 0x30FB: property = Property::kContextO; return true;
    case 0x0640:
    case 0x07FA:
    case 0x302E:
    case 0x302F:
    case 0x303B: property = Property::kDisallowed; return true;
    default: break;
  }
  if (between(0x0660, c, 0x0669) || between(0x06F0, c, 0x06F9)) {
    property = Property::kContextO;
    return true;
  }
  if (between(0x3031, c, 0x3035)) {
    property = Property::kDisallowed;
    return true;
  }
  return false;
}

bool is_old_hangul_jamo(UChar32 c) {  // RFC 8264 §9.9
  switch (u_getIntPropertyValue(c, UCHAR_HANGUL_SYLLABLE_TYPE)) {
    case U_HST_LEADING_JAMO:
    case U_HST_VOWEL_JAMO:
    case U_HST_TRAILING_JAMO: return true;
    default: return false;
  }
}

bool is_ignorable(UChar32 c) {  // RFC 8264 §9.13: PrecisIgnorableProperties
  return u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ||
         u_hasBinaryProperty(c, UCHAR_NONCHARACTER_CODE_POINT);
}

// RFC 8264 §9.17: HasCompat, toNFKC(cp) != cp, which is what NFKC_Quick_Check=No says.
bool has_compat(UChar32 c) {
  return u_getIntPropertyValue(c, UCHAR_NFKC_QUICK_CHECK) == UNORM_NO;
}

}  // namespace

// The order of the questions is that of RFC 8264 §8. BackwardCompatible (§9.7) is empty.
Property property(char32_t code_point) {
  if (Property known{}; exception(code_point, known)) return known;
  const auto c = static_cast<UChar32>(code_point);
  const auto category = u_charType(c);
  const bool noncharacter = u_hasBinaryProperty(c, UCHAR_NONCHARACTER_CODE_POINT);
  if (category == U_UNASSIGNED && !noncharacter) return Property::kUnassigned;  // §9.10
  if (between(0x21, code_point, 0x7E)) return Property::kValid;                 // §9.11: ASCII7
  if (u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL)) return Property::kContextJ;   // §9.8
  if (is_old_hangul_jamo(c)) return Property::kDisallowed;
  if (is_ignorable(c)) return Property::kDisallowed;
  if (category == U_CONTROL_CHAR) return Property::kDisallowed;  // §9.12
  if (has_compat(c)) return Property::kFreeform;
  const std::uint32_t mask = U_MASK(category);
  constexpr std::uint32_t kLetterDigits =  // §9.1
      U_GC_LL_MASK | U_GC_LU_MASK | U_GC_LO_MASK | U_GC_ND_MASK | U_GC_LM_MASK | U_GC_MN_MASK |
      U_GC_MC_MASK;
  if (mask & kLetterDigits) return Property::kValid;
  constexpr std::uint32_t kFreeform = U_GC_LT_MASK | U_GC_NL_MASK | U_GC_NO_MASK |
                                      U_GC_ME_MASK |  // §9.18: OtherLetterDigits
                                      U_GC_ZS_MASK |  // §9.14: Spaces
                                      U_GC_S_MASK |   // §9.15: Symbols
                                      U_GC_P_MASK;    // §9.16: Punctuation
  return mask & kFreeform ? Property::kFreeform : Property::kDisallowed;
}

bool in_u_label(char32_t code_point) {
  // RFC 5892 §2.4: IgnorableBlocks, the one rule that PRECIS left out.
  if (between(0x20D0, code_point, 0x20FF) || between(0x1D100, code_point, 0x1D1FF) ||
      between(0x1D200, code_point, 0x1D24F)) {
    return false;
  }
  switch (property(code_point)) {
    case Property::kValid:
    case Property::kContextJ:
    case Property::kContextO: return true;
    default: return false;
  }
}

}  // namespace balcony::precis
