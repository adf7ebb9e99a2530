#include "sasl/channel_binding.h"

#include <algorithm>

namespace balcony::sasl {

const ChannelBinding* find_binding(std::span<const ChannelBinding> bindings,
                                   std::string_view type) {
  const auto found = std::ranges::find(bindings, type, &ChannelBinding::type);
  return found == bindings.end() ? nullptr : &*found;
}

}  // namespace balcony::sasl
