// The version of Balcony, from the build.
#pragma once

#include <string_view>

namespace balcony {

inline constexpr std::string_view kBalconyVersion = BALCONY_VERSION;

}  // namespace balcony
