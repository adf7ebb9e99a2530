// The verbs: a payload out, an ordinary type back.
#include "client/core.h"
#include "payload/disco.h"
#include "payload/last_activity.h"
#include "payload/roster.h"
#include "payload/time.h"
#include "payload/version.h"
#include "stanza/ns.h"

#include <balcony/client.h>

namespace balcony {

Task<Result<std::vector<RosterItem>>> Client::roster() {
  BALCONY_CO_ASSIGN(const xml::Element answer, co_await get(std::nullopt, payload::roster_query()));
  co_return payload::read_roster(answer);
}

Task<Result<>> Client::set_roster_item(RosterItem item) {
  BALCONY_CO_CHECK(co_await set(std::nullopt, payload::roster_set(item)));
  co_return Result<>{};
}

Task<Result<>> Client::remove_roster_item(Jid jid) {
  BALCONY_CO_CHECK(co_await set(std::nullopt, payload::roster_remove(jid)));
  co_return Result<>{};
}

Task<Result<std::chrono::microseconds>> Client::ping(std::optional<Jid> to) {
  if (!to) to = jid().domain_jid();
  const Clock& clock = core_->loop().clock();
  const Instant start = clock.now();
  BALCONY_CO_CHECK(co_await get(std::move(to), xml::Element(ns::kPing, "ping")));
  co_return std::chrono::duration_cast<std::chrono::microseconds>(clock.now() - start);
}

Task<Result<DiscoInfo>> Client::disco_info(Jid to, std::string node) {
  BALCONY_CO_ASSIGN(const xml::Element answer,
                    co_await get(std::move(to), payload::disco_info_query(node)));
  co_return payload::read_disco_info(answer);
}

Task<Result<std::vector<DiscoItem>>> Client::disco_items(Jid to, std::string node) {
  BALCONY_CO_ASSIGN(const xml::Element answer,
                    co_await get(std::move(to), payload::disco_items_query(node)));
  co_return payload::read_disco_items(answer);
}

Task<Result<SoftwareVersion>> Client::version(Jid to) {
  BALCONY_CO_ASSIGN(const xml::Element answer,
                    co_await get(std::move(to), payload::version_query()));
  co_return payload::read_version(answer);
}

Task<Result<EntityTime>> Client::time(Jid to) {
  BALCONY_CO_ASSIGN(const xml::Element answer, co_await get(std::move(to), payload::time_query()));
  co_return payload::read_time(answer);
}

Task<Result<LastActivity>> Client::last_activity(Jid to) {
  BALCONY_CO_ASSIGN(const xml::Element answer,
                    co_await get(std::move(to), payload::last_activity_query()));
  co_return payload::read_last_activity(answer);
}

Task<Result<>> Client::change_password(std::string password) {
  xml::Element query(ns::kRegister, "query");
  query.append_text_element("username", jid().local());
  query.append_text_element("password", password);
  BALCONY_CO_CHECK(co_await set(jid().domain_jid(), std::move(query)));
  core_->options.password = std::move(password);
  co_return Result<>{};
}

Task<Result<>> Client::set_carbons(bool on) {
  xml::Element wish(ns::kCarbons, on ? "enable" : "disable");
  BALCONY_CO_CHECK(co_await set(std::nullopt, std::move(wish)));
  core_->want_carbons(on);
  co_return Result<>{};
}

Result<> Client::set_active(bool active) {
  return core_->set_active(active);
}

Task<Result<>> Client::unregister() {
  xml::Element query(ns::kRegister, "query");
  query.append("remove");
  const auto done = co_await set(std::nullopt, std::move(query));
  // XEP-0077 §3.2: a server may end the stream in place of answering.
  if (!done && done.error().code != Errc::kNotAuthorized && done.error().code != Errc::kClosed) {
    co_return fail(done.error());
  }
  co_return Result<>{};
}

}  // namespace balcony
