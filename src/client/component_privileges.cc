// What a Component does in the name of a host's users (XEP-0356).
#include "client/component_core.h"
#include "client/privileges.h"
#include "payload/roster.h"
#include "stanza/ns.h"

#include <balcony/component.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace balcony {
namespace {

using Types = ComponentPrivileges::Types;

constexpr std::chrono::milliseconds kUsualTimeout{0};  // that of the options

Error not_granted(const Jid& host, std::string_view what) {
  return Error(Errc::kForbidden, host.str() + " has not granted this: " + std::string(what));
}

xml::Element roster_iq(const Jid& user, std::string_view type, xml::Element query) {
  xml::Element iq(ns::kClient, "iq");
  iq.set("to", user.bare().str()).set("type", type);
  iq.append(std::move(query));
  return iq;
}

}  // namespace

ComponentPrivileges Component::privileges(const Jid& host) const {
  return core_->privileges_at(host.domain());
}

void Component::on_privileges(
    std::move_only_function<void(const Jid&, const ComponentPrivileges&)> handler) {
  core_->handlers.privileges = std::move(handler);
}

void Component::on_roster_push(
    std::move_only_function<void(const Jid&, const RosterItem&)> handler) {
  core_->handlers.roster_push = std::move(handler);
}

Result<> Component::send_as(const Jid& sender, xml::Element message) {
  const Jid host = sender.domain_jid();
  if (!privileges(host).messages) return fail(not_granted(host, "messages"));
  message.set("from", sender.bare().str());
  return core_->send(client::wrap_message(std::move(message), host));
}

Task<Result<xml::Element>> Component::request_as(Jid user, xml::Element iq,
                                                 std::chrono::milliseconds timeout) {
  const Jid host = user.domain_jid();
  const std::string ns(iq.first_child().ns());
  const Types type = iq.attr("type") == "set" ? Types::kSet : Types::kGet;
  const ComponentPrivileges granted = privileges(host);
  const auto found = granted.iq.find(ns);
  if (found == granted.iq.end() || !includes(found->second, type)) {
    co_return fail(not_granted(host, "requests with " + ns));
  }
  if (!iq.has_attr("id")) iq.set("id", client::ComponentCore::new_id());
  xml::Element outer = client::wrap_request(std::move(iq), user);
  BALCONY_CO_ASSIGN(const xml::Element answer, co_await core_->request(std::move(outer), timeout));
  co_return client::unwrap_answer(answer);
}

Task<Result<std::vector<RosterItem>>> Component::roster_of(Jid user) {
  const Jid host = user.domain_jid();
  if (!includes(privileges(host).roster, Types::kGet)) {
    co_return fail(not_granted(host, "reading rosters"));
  }
  xml::Element iq = roster_iq(user, "get", payload::roster_query());
  BALCONY_CO_ASSIGN(const xml::Element answer,
                    co_await core_->request(std::move(iq), kUsualTimeout));
  co_return payload::read_roster(answer);
}

Task<Result<>> Component::set_roster_item_of(Jid user, RosterItem item) {
  const Jid host = user.domain_jid();
  if (!includes(privileges(host).roster, Types::kSet)) {
    co_return fail(not_granted(host, "changing rosters"));
  }
  const bool removes = item.subscription == RosterItem::Subscription::kRemove;
  xml::Element query = removes ? payload::roster_remove(item.jid) : payload::roster_set(item);
  xml::Element iq = roster_iq(user, "set", std::move(query));
  BALCONY_CO_CHECK(co_await core_->request(std::move(iq), kUsualTimeout));
  co_return Result<>{};
}

}  // namespace balcony
