// Router's part in privileged components (XEP-0356): what they are told of, and of whose presence.
#include "router/router.h"
#include "stanza/ns.h"
#include "xml/parser.h"

#include <algorithm>
#include <utility>

namespace balcony::router {
namespace {

constexpr std::chrono::milliseconds kPause{100};
// So many are handed over before others have their turn.
constexpr std::size_t kHandedAtOnce = 500;

PresenceAccess presence_access(const TrustTable& trust, std::string_view component) {
  PresenceAccess most = PresenceAccess::kNone;
  for (const std::string& host : trust.hosts_of(component)) {
    most = std::max(most, trust.find(component, host)->privileges.presence);
  }
  return most;
}

bool grants(const Host& host, std::string_view feature) {
  return std::ranges::binary_search(host.server_features(), feature);
}

Task<> pause(Loop& loop, std::chrono::milliseconds time) {
  auto slot = std::make_shared<OneShot<bool>>();
  loop.after(time, [weak = std::weak_ptr(slot)] {
    if (const auto waiting = weak.lock()) waiting->set(true);
  });
  OneShot<bool>& over = *slot;
  co_await over;
}

}  // namespace

void Router::set_components(const std::vector<ComponentSetup>& setups) {
  components_.set(setups);
  std::vector<TrustTable::Grants> hosts;
  for (const auto& [name, host] : hosts_) {
    hosts.push_back({name, grants(*host, ns::kPrivilege), grants(*host, ns::kDelegation)});
  }
  const TrustTable before = std::exchange(trust_, {});
  trust_.set(setups, hosts);
  keep_feeds(setups, before);
  has_components_ = true;
  for (const ComponentSetup& setup : setups) announce_changes(setup.domain, before);
}

// ---- announcing

void Router::send_news(Endpoint& stream, const Jid& host, const Jid& component, xml::Element news) {
  Stanza message(StanzaKind::kMessage, StanzaType::kNormal);
  message.set_from(host);
  message.set_to(component);
  message.set_id(deps_.random.token(9));
  message.edit().append(std::move(news));
  stream.deliver(message);
  ++counts_.delivered;
}

// XEP-0356 §4.2 and XEP-0355 §4.2: once the stream is there, each host for itself.
void Router::announce(Endpoint& stream, std::string_view domain) {
  for (const std::string& name : trust_.hosts_of(domain)) {
    const TrustedComponent& component = *trust_.find(domain, name);
    const Jid& at = host(name)->host();
    if (component.privileges.any()) {
      send_news(stream, at, component.domain, write_privileges(component.privileges, false));
    }
    if (component.delegations.empty()) continue;
    send_news(stream, at, component.domain, write_delegations(component.delegations));
    if (components_.streams(domain) == 1) ask_nested(component, name);
  }
}

// XEP-0355 §8, third rule; XEP-0356 leaves it open.
void Router::announce_changes(std::string_view domain, const TrustTable& before) {
  const std::vector<Endpoint*> streams = components_.streams_of(domain);
  const auto own = Jid::make("", domain);
  if (streams.empty() || !own) return;
  const TrustedComponent nothing{*own, {}, {}};
  for (const auto& [name, at] : hosts_) {
    const TrustedComponent* old = before.find(domain, name);
    const TrustedComponent* now = trust_.find(domain, name);
    if (!old) old = &nothing;
    if (!now) now = &nothing;
    for (Endpoint* stream : streams) {
      if (old->privileges != now->privileges) {
        send_news(*stream, at->host(), *own, write_privileges(now->privileges, true));
      }
      if (old->delegations != now->delegations) {
        send_news(*stream, at->host(), *own, write_delegations(now->delegations));
      }
    }
    if (old->delegations != now->delegations) ask_nested(*now, name);
  }
}

// ---- rosters

// XEP-0356 §4.3: the component itself; its other addresses are no privileged entities.
bool Router::may_use_roster(const User& user, const Stanza& stanza) const {
  if (stanza.payload().ns() != ns::kRoster || stanza.from()->has_local()) return false;
  const TrustedComponent* component =
      trust_.find(stanza.from()->domain(), user.host->host().domain());
  return component && includes(component->privileges.roster, stanza.type() == StanzaType::kSet);
}

// ---- presence

// Feeds are kept from the start on, whether their component is connected or not.
void Router::keep_feeds(const std::vector<ComponentSetup>& setups, const TrustTable& before) {
  std::erase_if(feeds_, [this](const auto& feed) {
    return presence_access(trust_, feed.first) == PresenceAccess::kNone;
  });
  for (const ComponentSetup& setup : setups) {
    const auto domain = Jid::make("", setup.domain);
    if (!domain || !is_home(*domain)) continue;
    const PresenceAccess access = presence_access(trust_, setup.domain);
    if (access == PresenceAccess::kNone) continue;
    const bool same = access == presence_access(before, setup.domain) &&
                      trust_.hosts_of(setup.domain) == before.hosts_of(setup.domain);
    if (same && feeds_.contains(setup.domain)) continue;
    feeds_.insert_or_assign(setup.domain, PresenceFeed());
    // At the start nobody is there yet, nor are all shards.
    if (has_components_) gather_presence(setup.domain);
  }
}

// Of everybody who is available now: those who were so before the feed began, and those whose
// sessions were made anew after a restart.
void Router::gather_presence(std::string_view domain) {
  const auto component = Jid::make("", domain);
  if (!component) return;
  for (std::size_t i = 0; i < deps_.shards.count(); ++i) {
    deps_.shards.post(i, [to = *component, hosts = trust_.hosts_of(domain)](Router& there) {
      there.users_.for_each([&](User& user) {
        if (std::ranges::find(hosts, user.bare.domain()) == hosts.end()) return;
        if (user.host->fire(PresenceSending{user, to, StanzaType::kAvailable}) == Flow::kStop)
          return;
        for (const auto& resource : user.resources) {
          if (!resource->available || resource->presence.empty()) continue;
          auto element = xml::parse(resource->presence);
          if (!element) continue;
          if (auto presence = Stanza::make(*element)) {
            there.feed_presence(to, *std::move(presence));
          }
        }
      });
    });
  }
}

void Router::feed_presence(const Jid& component, Stanza presence) {
  at_home(component, [component, presence = std::move(presence)](Router& home) mutable {
    home.take_presence(component, std::move(presence));
  });
}

void Router::take_presence(const Jid& component, Stanza presence) {
  const auto feed = feeds_.find(component.domain());
  if (feed == feeds_.end()) return;
  presence.set_receipt(nullptr);
  presence.set_to(component);
  if (!feed->second.take(presence)) return;
  Endpoint* stream = components_.choose(component.domain(), *presence.from());
  if (!stream) return;
  stream->deliver(presence);
  ++counts_.delivered;
}

// XEP-0356 §8, first rule: who connects later is told what he has missed, as fast as he reads.
Task<> Router::hand_presence(std::string domain, const Endpoint* stream) {
  const auto start = feeds_.find(domain);
  if (start == feeds_.end()) co_return;
  const std::vector<std::string> names = start->second.available();
  for (std::size_t i = 0; i < names.size(); ++i) {
    bool waits = i % kHandedAtOnce == kHandedAtOnce - 1 || !stream->has_room();
    while (waits) {
      co_await pause(deps_.loop, kPause);
      if (!components_.has_stream(domain, *stream)) co_return;
      waits = !stream->has_room();
    }
    const auto feed = feeds_.find(domain);
    if (feed == feeds_.end()) co_return;
    const auto presence = feed->second.presence_of(names[i]);
    if (!presence) continue;
    Endpoint* to = components_.choose(domain, *presence->from());
    if (to != stream) continue;
    to->deliver(*presence);
    ++counts_.delivered;
  }
}

}  // namespace balcony::router
