// XEP-0012: Last Activity: how long the server runs (§6), and when a user was last there (§4, §5).
#include "modules/modules.h"
#include "stanza/ns.h"

#include <charconv>

namespace balcony::modules {
namespace {

using router::ResourceUnavailable;
using router::User;

constexpr std::string_view kStore = "last";

// What is kept: seconds since 1970, a space, the status of the last unavailable presence.
std::string stored(std::int64_t seconds, std::string_view status) {
  return std::to_string(seconds) + ' ' + std::string(status);
}

std::int64_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

IqAnswer answer(std::int64_t seconds, std::string_view status = {}) {
  xml::Element query(ns::kLastActivity, "query");
  query.set("seconds", std::to_string(std::max<std::int64_t>(0, seconds)));
  query.append_text(status);
  return query;
}

Task<IqReply> last_of(Server& server, std::shared_ptr<User> user) {
  // §5: somebody who is there was last active just now.
  if (user->has_available()) co_return answer(0);
  BALCONY_CO_ASSIGN(
      const std::optional<storage::Value> found,
      co_await server.store().get(user->bare.str(), std::string(kStore), std::string()));
  if (!found) co_return fail(Errc::kItemNotFound, "this user has not been here yet");
  const std::string_view value = found->value;
  std::int64_t then = 0;
  const auto space = std::min(value.find(' '), value.size());
  std::from_chars(value.data(), value.data() + space, then);
  co_return answer(seconds_of(server.clock().wall()) - then,
                   value.substr(std::min(space + 1, value.size())));
}

void attach(Registrar& on, Server& server, const NoOptions&) {
  on.feature(ns::kLastActivity);
  on.account_feature(ns::kLastActivity);
  on.iq_get({ns::kLastActivity, "query"}, Target::kServer, Access::kAnyone,
            [&server](const IqRequest&) -> IqReply {
              const auto up = server.clock().now() - server.started();
              return answer(std::chrono::duration_cast<std::chrono::seconds>(up).count());
            });
  // §4: only who may see the user's presence.
  on.iq_get_task({ns::kLastActivity, "query"}, Target::kAccount, Access::kSubscribers,
                 [&server](const IqRequest& request) { return last_of(server, request.user); });
  on.on<ResourceUnavailable>([&server](ResourceUnavailable& event) {
    User& user = *event.resource.user;
    if (user.has_available()) return Flow::kContinue;
    const std::string status = event.presence.xml().child_text(ns::kClient, "status");
    storage::Batch batch;
    batch.add(user.bare.str(), storage::op::Put{std::string(kStore), "",
                                                stored(seconds_of(server.clock().wall()), status)});
    server.commit(user, std::move(batch));
    return Flow::kContinue;
  });
}

}  // namespace

extern const ModuleSpec xep_0012_last = router::module<NoOptions>(
    "last", {{"XEP-0012", "2.0"}},
    "Tells how long the server runs, and subscribers when a user was last there.", {}, attach);

}  // namespace balcony::modules
