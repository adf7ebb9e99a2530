#include "gateway/options.h"

#include <balcony/jid.h>

namespace balcony::gateway {

Result<std::vector<std::string>> served_domains(const GatewayOptions& options) {
  std::vector<std::string> wanted = options.users;
  if (wanted.empty()) {
    const std::size_t dot = options.domain.find('.');
    if (dot == std::string::npos || dot + 1 == options.domain.size()) {
      return fail(Errc::kConfig, "there is no domain above " + options.domain +
                                     ": say in `users` whose users are served");
    }
    wanted.push_back(options.domain.substr(dot + 1));
  }
  std::vector<std::string> prepared;
  for (const std::string& name : wanted) {
    const auto domain = Jid::make("", name);
    if (!domain) return fail(Errc::kConfig, "users: " + name + " is no domain");
    prepared.emplace_back(domain->domain());
  }
  return prepared;
}

}  // namespace balcony::gateway
