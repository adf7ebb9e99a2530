// XEP-0012: Last Activity: how long the server runs (§5), and when a user was last there (§3).
// Keeps such questions to clients from who may not see their users' presence (§4).
#include "modules/modules.h"
#include "stanza/ns.h"

#include <charconv>

namespace balcony::modules {
namespace {

using router::ResourceUnavailable;
using router::User;

constexpr std::string_view kLastStore = "last";
// A longer status is nothing that somebody wants to read later.
constexpr std::size_t kStatusBytesMax = 1024;

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
  // §3: zero for somebody who is there. Who has a session without presence is not: he hides.
  if (user->has_available()) co_return answer(0);
  BALCONY_CO_ASSIGN(
      const std::optional<storage::Value> found,
      co_await server.store().get(user->bare.str(), std::string(kLastStore), std::string()));
  if (!found) co_return fail(Errc::kItemNotFound, "this user has not been here yet");
  const std::string_view value = found->value;
  std::int64_t then = 0;
  const auto space = std::min(value.find(' '), value.size());
  if (std::from_chars(value.data(), value.data() + space, then).ec != std::errc{}) {
    co_return fail(Errc::kItemNotFound, "this user has not been here yet");
  }
  co_return answer(seconds_of(server.clock().wall()) - then,
                   value.substr(std::min(space + 1, value.size())));
}

void remember(Server& server, const ResourceUnavailable& event) {
  User& user = *event.resource.user;
  if (user.has_available()) return;
  std::string status = event.presence.xml().child_text(ns::kClient, "status");
  if (status.size() > kStatusBytesMax) status.clear();
  storage::Batch batch;
  batch.add(user.bare.str(), storage::op::Put{std::string(kLastStore), "",
                                              stored(seconds_of(server.clock().wall()), status)});
  server.commit(user, std::move(batch));
}

// §4: a request to a client comes only from who may see its presence, also by directed presence.
// The answer is the one of a resource that does not exist (§7), where the text has <forbidden/>,
// which would tell that it does.
Flow guard(router::StanzaIncoming& event) {
  const Stanza& stanza = event.stanza;
  if (stanza.type() != StanzaType::kGet || stanza.to()->is_bare() ||
      !stanza.payload().is(ns::kLastActivity, "query")) {
    return Flow::kContinue;
  }
  if (event.user.may_see_presence(*stanza.from())) return Flow::kContinue;
  const router::ConnectedResource* resource = event.user.find(stanza.to()->resource());
  if (resource && (resource->directed.contains(*stanza.from()) ||
                   resource->directed.contains(stanza.from()->bare()))) {
    return Flow::kContinue;
  }
  event.error = Error(Errc::kServiceUnavailable);
  return Flow::kStop;
}

void attach_last(Registrar& on, Server& server, const NoOptions&) {
  on.feature(ns::kLastActivity);
  on.account_feature(ns::kLastActivity);
  on.iq_get({ns::kLastActivity, "query"}, Target::kServer, Access::kAnyone,
            [&server](const IqRequest&) -> IqReply {
              const auto up = server.clock().now() - server.started();
              return answer(std::chrono::duration_cast<std::chrono::seconds>(up).count());
            });
  // §3: only who may see the user's presence; others get the answer of no account (see guard()).
  on.iq_get_task({ns::kLastActivity, "query"}, Target::kAccount, Access::kSubscribers,
                 [&server](const IqRequest& request) { return last_of(server, request.user); });
  on.on<ResourceUnavailable>([&server](ResourceUnavailable& event) {
    remember(server, event);
    return Flow::kContinue;
  });
  on.on<router::StanzaIncoming>(StanzaKind::kIq, Priority::kNormal,
                                [](router::StanzaIncoming& event) { return guard(event); });
}

}  // namespace

extern const ModuleSpec xep_0012_last = router::module<NoOptions>(
    "last", {{"XEP-0012", "2.0"}},
    "Tells how long the server runs, and subscribers when a user was last there.", {}, attach_last);

}  // namespace balcony::modules
