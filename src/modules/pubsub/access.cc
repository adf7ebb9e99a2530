#include "modules/pubsub/access.h"

#include "modules/pubsub/errors.h"

#include <algorithm>

namespace balcony::modules::pubsub {

using Kind = Relation::Kind;

bool may_read(const NodeConfig& config, const Relation& relation) {
  if (relation.kind == Kind::kOwner) return true;
  switch (config.access) {
    case AccessModel::kOpen: return true;
    case AccessModel::kPresence: return relation.kind == Kind::kSubscribed;
    case AccessModel::kRoster:
      return relation.kind == Kind::kSubscribed &&
             std::ranges::any_of(relation.groups, [&config](std::string_view group) {
               return std::ranges::find(config.roster_groups, group) != config.roster_groups.end();
             });
    case AccessModel::kWhitelist: return false;
  }
  return false;
}

router::IqAnswer denial(const NodeConfig& config, const Relation& relation) {
  if (relation.kind == Kind::kStranger) return refusal(Errc::kServiceUnavailable, {});
  switch (config.access) {
    case AccessModel::kRoster:
      if (relation.kind == Kind::kSubscribed) {
        return refusal(Errc::kNotAuthorized, "not-in-roster-group");
      }
      break;
    case AccessModel::kWhitelist: return refusal(Errc::kNotAllowed, "closed-node");
    default: break;
  }
  return refusal(Errc::kNotAuthorized, "presence-subscription-required");
}

std::optional<router::IqAnswer> owner_only(const Relation& relation) {
  if (relation.kind == Kind::kOwner) return std::nullopt;
  if (relation.kind == Kind::kStranger) return refusal(Errc::kServiceUnavailable, {});
  return refusal(Errc::kForbidden, {}, "only the owner may do that");
}

router::IqAnswer no_such_node(const Relation& relation) {
  if (relation.kind == Kind::kStranger) return refusal(Errc::kServiceUnavailable, {});
  return refusal(Errc::kItemNotFound, {}, "there is no such node");
}

}  // namespace balcony::modules::pubsub
