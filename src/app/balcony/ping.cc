#include "app/balcony/commands.h"
#include "app/balcony/exit_code.h"
#include "app/balcony/output.h"

#include <nlohmann/json.hpp>

namespace balcony::cli {

Task<int> ping(Client& client, Globals globals, PingArguments arguments) {
  Jid to = client.jid().domain_jid();
  if (!arguments.to.empty()) {
    auto jid = Jid::parse(arguments.to);
    if (!jid) co_return report(jid.error());
    to = *std::move(jid);
  }
  for (std::size_t i = 0; i < arguments.count && !was_interrupted(); ++i) {
    if (i > 0) co_await Runtime::current()->sleep(std::chrono::seconds(1));
    const auto took = co_await client.ping(to);
    if (!took) co_return report(took.error());
    const double ms = static_cast<double>(took->count()) / 1000;
    if (globals.json) {
      say_json(nlohmann::json{{"to", to.str()}, {"ms", ms}});
    } else {
      say(to.str() + " answered in " + std::to_string(ms).substr(0, 6) + " ms");
    }
  }
  co_return kOk;
}

}  // namespace balcony::cli
