// What the PRECIS framework says of a single code point (RFC 8264 §8 and §9).
//
// The properties are computed from the Unicode database that ICU carries, as the RFC asks, not read
// from a table of one Unicode version. Used by precis.cc and idna.cc. Pure functions; any thread.
#pragma once

#include <cstdint>

namespace balcony::precis {

// RFC 8264 §8: the derived property.
enum class Property : std::uint8_t {
  kValid,       // PVALID: in both classes
  kFreeform,    // ID_DIS or FREE_PVAL: only in the FreeformClass
  kContextJ,    // CONTEXTJ: joiners, by RFC 5892 §A.1, §A.2
  kContextO,    // CONTEXTO: others, by RFC 5892 §A.3 to §A.9
  kDisallowed,  // DISALLOWED
  kUnassigned,  // UNASSIGNED in this version of Unicode
};

Property property(char32_t code_point);

// Whether IDNA2008 lets `code_point` stand in a U-label, perhaps by a contextual rule (RFC 5892
// §3), given that it has been mapped as UTS #46 does.
bool in_u_label(char32_t code_point);

}  // namespace balcony::precis
