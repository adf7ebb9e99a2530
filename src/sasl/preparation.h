// The two functions of src/precis that SASL needs; its own header takes this one's place.
#pragma once

#include <balcony/result.h>

#include <string>
#include <string_view>

namespace balcony::precis {

// RFC 8265 §4.2, for passwords. Errors: kPrecis….
Result<std::string> opaque_string(std::string_view text);

// RFC 8265 §3.3 (UsernameCaseMapped), for names. Errors: kPrecis….
Result<std::string> username_case_mapped(std::string_view text);

}  // namespace balcony::precis
