// The other end of an external component (XEP-0114): a program that is a domain of its own at
// somebody's server, such as a gateway or a bot that answers at many addresses.
//
//   Task<int> program() {
//     Component bot(ComponentOptions(*Jid::parse("bot.example.org"), secret));
//     bot.on_message([&](const Message& m) { bot.send_message(*m.to, m.from, m.body); });
//     if (auto connected = co_await bot.connect(); !connected) co_return 1;
//     co_await bot.closed();
//     co_return 0;
//   }
//
// It lives on the thread of its Runtime, as a Client does (balcony/client.h), and its handlers run
// there. What others ask of the domain itself (ping, software version, disco#info) is answered by
// itself, and what nobody handles with <service-unavailable/>. A component has no roster: who may
// see what of its addresses is the program's to keep.
#pragma once

#include <balcony/client.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace balcony {

struct ComponentOptions {
  ComponentOptions(Jid domain_, std::string secret_)
      : domain(std::move(domain_)), secret(std::move(secret_)) {}

  Jid domain;  // only the domainpart counts
  std::string secret;
  // Where the server takes components. The stream has no TLS: another machine than this one is
  // refused unless `allow_far`; between machines there has to be a tunnel.
  std::string server = "127.0.0.1:5347";
  bool allow_far = false;

  std::chrono::milliseconds connect_timeout = std::chrono::seconds(30);  // until accepted
  std::chrono::milliseconds request_timeout = std::chrono::seconds(30);  // of an iq
  // After so long without a word to the server a white space is sent (RFC 6120 §4.6.1), so that a
  // dead connection is noticed. 0: never.
  std::chrono::milliseconds keep_alive = std::chrono::minutes(1);

  // Agree with the server on acknowledgements (XEP-0198 §3, without resumption), for
  // send_acknowledged(); what comes is then acknowledged when its handler has returned. XEP-0114
  // knows none: Balcony agrees; a server that ends the stream over it, or says nothing for 5 s, is
  // connected to once more, without.
  bool acknowledgements = false;

  // Connect again after the connection was lost (not after the server refused us): first after
  // about `reconnect_first`, then twice as long each time, up to `reconnect_longest`.
  bool reconnect = true;
  std::chrono::milliseconds reconnect_first = std::chrono::seconds(1);
  std::chrono::milliseconds reconnect_longest = std::chrono::minutes(1);

  // What the domain says about itself (XEP-0030, XEP-0092).
  DiscoInfo::Identity identity = {"component", "generic", "Balcony"};
  std::vector<std::string> features;  // beside those that it has by itself and of on_iq()
  SoftwareVersion version = {"Balcony", "0.1", ""};
};

// What a host lets the component do with its users, beyond what every component may (XEP-0356).
// Announced by the host after connecting, and again when its configuration changes.
struct ComponentPrivileges {
  enum class Types : std::uint8_t { kNone = 0, kGet = 1, kSet = 2, kBoth = 3 };
  enum class Presence : std::uint8_t { kNone, kManagedEntity, kRoster };

  Types roster = Types::kNone;
  bool roster_pushes = false;  // on_roster_push() is called
  bool messages = false;       // send_as()
  Presence presence = Presence::kNone;
  std::map<std::string, Types> iq;  // request_as(), by the namespace of the payload

  friend bool operator==(const ComponentPrivileges&, const ComponentPrivileges&) = default;
};
// Whether `types` has all of `type`.
bool includes(ComponentPrivileges::Types types, ComponentPrivileges::Types type) noexcept;

namespace client {
class ComponentCore;
}

class Component {
 public:
  // On the Runtime whose loop runs here.
  explicit Component(ComponentOptions options);
  Component(Runtime& runtime, ComponentOptions options);
  // Closes the stream in the background. Whoever waits for an answer gets kClosed.
  ~Component();
  Component(Component&&) noexcept = default;
  Component(const Component&) = delete;
  Component& operator=(const Component&) = delete;

  // Connects and proves the secret.
  //
  // Errors   kNotFound: no such server, or it knows no component of this domain; kNotAuthorized:
  //          another secret; kConflict: connected already, as often as the server allows; kConnect,
  //          kTimeout, kMalformed: what is there is no server for components; kTls: it is on
  //          another machine; kUsage: connected already.
  Task<Result<>> connect();
  // Closes the stream in order and waits for the end, at most 5 s.
  Task<> disconnect();
  // Waits until the connection is over and will not come again, and says why.
  Task<Error> closed();
  bool is_connected() const noexcept;
  const Jid& domain() const noexcept;

  // ---- stanzas. Errors of sending: kClosed: there is no connection; kUsage: `from` is not at the
  // domain, or there is no `to`

  // Queues a stanza; without `from` it is from the domain. What is queued when the connection
  // breaks may be lost.
  Result<> send(xml::Element stanza);
  // Sends a stanza and waits until the server has it: it is delivered, on the server's disk, or
  // refused; an error for it has come to the handler before. `timeout` zero: `request_timeout`.
  //
  // Errors   kFeatureNotImplemented: the server acknowledges nothing, and nothing was sent;
  //          kClosed, kTimeout: it may have it or not.
  Task<Result<>> send_acknowledged(xml::Element stanza, std::chrono::milliseconds timeout = {});
  // Whether this connection has acknowledgements.
  bool acknowledges() const noexcept;
  // Returns the message's id. `type` as in Message.
  Result<std::string> send_message(const Jid& from, const Jid& to, std::string_view body,
                                   std::string_view type = "chat");
  // `type` as "", "unavailable", "subscribe" (RFC 6121 §3, §4.7.1).
  Result<> send_presence(const Jid& from, const Jid& to, std::string_view type = {});
  // Sends `iq`, of type get or set, and returns the payload of the result. Errors: as
  // Client::request().
  Task<Result<xml::Element>> request(xml::Element iq, std::chrono::milliseconds timeout = {});

  // ---- in the name of a host and its users (XEP-0356). Errors: kForbidden: the host has not
  // granted it, by what it announced or by what it answers; and those of send() and request().
  // Whatever is asked about a user goes to his server, never to his clients.

  // Nothing until the host has announced something.
  ComponentPrivileges privileges(const Jid& host) const;
  // Sends `message` as if `sender`, the bare JID of a user or a host, had sent it: his other
  // clients get carbons, his archive keeps it.
  Result<> send_as(const Jid& sender, xml::Element message);
  // Sends `iq`, of type get or set, from the bare JID of `user`, and returns the payload of the
  // result.
  Task<Result<xml::Element>> request_as(Jid user, xml::Element iq,
                                        std::chrono::milliseconds timeout = {});
  Task<Result<std::vector<RosterItem>>> roster_of(Jid user);
  // Adds or changes; with the subscription kRemove it removes the item.
  Task<Result<>> set_roster_item_of(Jid user, RosterItem item);

  // ---- handlers. One each; a later one replaces the earlier. `to` says which address is meant

  void on_message(std::move_only_function<void(const Message&)> handler);
  void on_presence(std::move_only_function<void(const Presence&)> handler);
  // Requests to any address of the domain whose payload has this name. The handler's Element
  // becomes the result's payload, its Error the stanza error.
  void on_iq(std::string ns, std::string name,
             std::move_only_function<Result<xml::Element>(const IqRequest&)> handler);
  // A host has announced what it grants.
  void on_privileges(
      std::move_only_function<void(const Jid& host, const ComponentPrivileges&)> handler);
  // The roster of `user` has changed (RFC 6121 §2.1.6).
  void on_roster_push(std::move_only_function<void(const Jid& user, const RosterItem&)> handler);
  // Connected again after the connection was lost: the server knows nothing of what was.
  void on_reconnect(std::move_only_function<void()> handler);
  // The connection was lost. `will_reconnect`: it will be tried again.
  void on_disconnect(std::move_only_function<void(const Error&, bool will_reconnect)> handler);

 private:
  std::shared_ptr<client::ComponentCore> core_;
};

}  // namespace balcony
