#include "gateway/gateway.h"

#include "base/log.h"
#include "base/version.h"
#include "client/runtime_impl.h"
#include "gateway/answers.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"

#include <algorithm>

namespace balcony::gateway {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr auto kTryAgain = 10s;
constexpr auto kStep = 100ms;
constexpr auto kDealtWith = 20s;  // a message, by the server

// What is encrypted for the recipient alone: OMEMO, OpenPGP, and what says so (XEP-0380).
constexpr std::string_view kEncrypted[] = {"eu.siacs.conversations.axolotl", "urn:xmpp:omemo:2",
                                           "urn:xmpp:openpgp:0", "jabber:x:encrypted",
                                           "urn:xmpp:eme:0"};

bool is_encrypted(xml::ElementView message) {
  for (const xml::ElementView child : message.children()) {
    if (std::ranges::find(kEncrypted, child.ns()) != std::end(kEncrypted)) return true;
  }
  return false;
}

ComponentOptions component_options(const GatewaySetup& setup, const Jid& domain) {
  ComponentOptions options(domain, setup.secret);
  options.server = setup.server;
  options.version = {"Balcony gateway", std::string(kBalconyVersion), ""};
  options.acknowledgements = true;
  return options;
}

}  // namespace

Gateway::Gateway(Runtime& runtime, GatewaySetup setup, std::vector<std::string> served,
                 std::unique_ptr<Database> database, Contacts contacts, ComponentOptions component)
    : runtime_(runtime),
      setup_(std::move(setup)),
      options_(setup_.spec->common(setup_.options.get())),
      domain_(component.domain.domain()),
      served_(std::move(served)),
      database_(std::move(database)),
      contacts_(contacts),
      from_users_(static_cast<double>(options_.messages_per_minute),
                  static_cast<double>(options_.messages_at_once)),
      from_outside_(from_users_),
      component_(runtime, std::move(component)) {}

Result<std::shared_ptr<Gateway>> Gateway::start(Runtime& runtime, GatewaySetup setup) {
  const GatewayOptions& options = setup.spec->common(setup.options.get());
  const auto domain = Jid::make("", options.domain);
  if (!domain) return fail(Errc::kConfig, "the gateway's domain is none: " + options.domain);
  BALCONY_ASSIGN(std::vector<std::string> served, served_domains(options));
  const std::string file =
      setup.data.empty() ? ":memory:" : setup.data + '/' + setup.spec->name + ".sqlite";
  BALCONY_ASSIGN(std::unique_ptr<Database> database, Database::open(file));
  BALCONY_ASSIGN(const Contacts contacts,
                 Contacts::open(*database, static_cast<std::size_t>(options.contacts_per_user)));
  ComponentOptions component = component_options(setup, *domain);
  const std::shared_ptr<Gateway> gateway(new Gateway(runtime, std::move(setup), std::move(served),
                                                     std::move(database), contacts,
                                                     std::move(component)));
  gateway->network_ = gateway->setup_.spec->make(*gateway, gateway->setup_.options);
  BALCONY_CHECK(gateway->network_->start());
  gateway->set_handlers();
  gateway->alive_ = true;
  spawn(life(gateway));
  return gateway;
}

void Gateway::set_handlers() {
  component_.on_message([this](const Message& message) { on_message(message); });
  component_.on_presence([this](const Presence& presence) { on_presence(presence); });
  component_.on_reconnect([this] { connected(); });
  component_.on_disconnect([this](const Error& why, bool) {
    log_warning("gateway lost its server", {{"gateway", name()}, {"error", why.to_string()}});
  });
  for (const auto& [ns, payload] : answered_payloads()) {
    component_.on_iq(std::string(ns), std::string(payload), [this](const IqRequest& request) {
      const AnswerContext context{
          setup_.spec->about, [this](const Jid& jid) { return address_of(jid); },
          [this](std::string_view entered) -> Result<Jid> {
            BALCONY_ASSIGN(const std::string address, network_->address(entered));
            return jid_of(address);
          }};
      return answer(context, request);
    });
  }
}

// The component comes back by itself after a connection that breaks; here is what it gives up: a
// server that is not there at the start, or that refused it.
Task<> Gateway::life(std::shared_ptr<Gateway> self) {
  while (!self->stopping_) {
    const auto connected = co_await self->component_.connect();
    if (connected) {
      self->connected();
      const Error why = co_await self->component_.closed();
      if (!self->stopping_) {
        log_warning("gateway refused", {{"gateway", self->name()}, {"error", why.to_string()}});
      }
    } else if (!self->stopping_) {
      log_warning("gateway cannot connect",
                  {{"gateway", self->name()}, {"error", connected.error().to_string()}});
    }
    for (auto waited = 0ms; waited < kTryAgain && !self->stopping_; waited += kStep) {
      co_await self->runtime_.sleep(kStep);
    }
  }
  self->alive_ = false;
}

void Gateway::connected() {
  log_info("gateway connected", {{"gateway", name()}, {"domain", domain_}});
  spawn(announce(shared_from_this(), ""));
  network_->on_connected();
}

Task<> Gateway::stop() {
  stopping_ = true;
  co_await announce(shared_from_this(), "unavailable");
  co_await network_->stop();
  co_await component_.disconnect();
  while (alive_) co_await runtime_.sleep(kStep);
}

// ---- what the network may ask

Loop& Gateway::loop() {
  return *runtime_.impl().shard;
}

Random& Gateway::random() {
  return system_random();
}

ShardSet* Gateway::shards() {
  return runtime_.impl().threads.get();
}

bool Gateway::serves(std::string_view domain) const {
  return std::ranges::find(served_, domain) != served_.end();
}

Result<Jid> Gateway::jid_of(std::string_view address) const {
  if (address.empty()) return Jid::make("", domain_);
  BALCONY_ASSIGN(const std::string local, escape_localpart(address));  // XEP-0106 §4.2
  return Jid::make(local, domain_);
}

Result<std::string> Gateway::address_of(const Jid& jid) const {
  if (!jid.has_local()) return std::string();
  auto address = network_->address(unescape_localpart(jid.local()));  // XEP-0106 §4.3
  if (!address) return fail(Errc::kItemNotFound, address.error().detail);
  return address;
}

bool Gateway::is_contact(const Jid& user, std::string_view address) {
  return contacts_.has(user.bare_str(), address);
}

bool Gateway::has_contacts(const Jid& user) {
  return contacts_.has_any(user.bare_str());
}

bool Gateway::take_from_outside(const Jid& user) {
  return from_outside_.take(user.bare_str(), loop().clock().now());
}

void Gateway::send(xml::Element stanza) {
  (void)component_.send(std::move(stanza));
}

// An error for the message has come before the server acknowledges it (docs/decisions/0017).
Task<Result<>> Gateway::deliver(xml::Element message) {
  const std::string id(message.attr("id"));
  Delivery delivery;
  deliveries_[id] = &delivery;
  Result<> taken;
  if (component_.acknowledges()) {
    taken = co_await component_.send_acknowledged(std::move(message), kDealtWith);
  } else {
    taken = co_await send_and_ask(std::move(message));
  }
  deliveries_.erase(id);
  if (delivery.refused) co_return fail(*delivery.refused);
  if (!taken) co_return fail(Errc::kRemoteServerTimeout, taken.error().detail);
  co_return Result<>{};
}

// Where there are no acknowledgements: a request to the user behind the message is answered when
// the message has been dealt with, as the server keeps the order between two addresses (RFC 6120
// §10.1), though not always on its disk.
Task<Result<>> Gateway::send_and_ask(xml::Element message) {
  xml::Element ping(ns::kClient, "iq");
  BALCONY_CO_ASSIGN(const Jid to, Jid::parse(message.attr("to")));
  ping.set("type", "get").set("from", message.attr("from")).set("to", to.bare_str());
  ping.append(ns::kPing, "ping");
  BALCONY_CO_CHECK(component_.send(std::move(message)));
  const auto answered = co_await component_.request(std::move(ping), kDealtWith);
  const bool unknown = !answered && (answered.error().code == Errc::kClosed ||
                                     answered.error().code == Errc::kTimeout);
  if (unknown) co_return fail(answered.error());
  co_return Result<>{};
}

// ---- messages

void Gateway::on_message(const Message& message) {
  if (message.type == "error") {
    const auto found = deliveries_.find(std::string(message.id));
    const auto error = read_stanza_error(message.xml);
    if (found != deliveries_.end()) {
      found->second->refused =
          error ? Error(error->condition, error->text) : Error(Errc::kUndefinedCondition);
    }
    return;
  }
  // Chat states, receipts and the like mean nothing outside; headlines expect no answer.
  if (message.body.empty() || message.type == "headline") return;
  if (const auto taken = take_message(message); !taken) {
    log_debug("gateway refuses", {{"from", message.from.str()},
                                  {"to", message.to ? message.to->str() : ""},
                                  {"error", taken.error().to_string()}});
    if (xml::Element reply = error_reply(message.xml, taken.error())) send(std::move(reply));
  }
}

Result<> Gateway::take_message(const Message& message) {
  if (!message.to) return fail(Errc::kBadRequest);
  if (!message.to->has_local()) {
    return fail(Errc::kNotAcceptable, setup_.spec->about.description);
  }
  if (message.type == "groupchat") return fail(Errc::kNotAcceptable, "there is no room here");
  BALCONY_ASSIGN(const std::string address, address_of(*message.to));
  BALCONY_CHECK(may_write(message.from, address));
  if (is_encrypted(message.xml)) {
    return fail(Errc::kNotAcceptable,
                "this message is encrypted, and nobody could read it: turn encryption off");
  }
  if (!from_users_.take(message.from.bare_str(), loop().clock().now())) {
    return fail(Errc::kResourceConstraint, "too many messages: wait a minute");
  }
  return network_->on_message(message, address);
}

Result<> Gateway::may_write(const Jid& user, const std::string& address) {
  if (!user.has_local() || !serves(user.domain())) {
    return fail(Errc::kForbidden, "only users of " + served_.front() + " may write from here");
  }
  if (options_.who_may_write == kContacts && !is_contact(user, address)) {
    return fail(Errc::kSubscriptionRequired, "add " + address + " to your contacts, then write");
  }
  return {};
}

}  // namespace balcony::gateway
