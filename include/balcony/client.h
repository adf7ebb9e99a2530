// An XMPP client: one account's connection, and verbs that return ordinary types.
//
//   Task<int> program() {
//     Client client(ClientOptions(*Jid::parse("romeo@example.net"), password));
//     client.on_message([&](const Message& m) { client.send_message(m.from, m.body); });
//     if (auto connected = co_await client.connect(); !connected) co_return 1;
//     co_await client.closed();
//     co_return 0;
//   }
//   int main() { return balcony::run(program()); }
//
// A Client lives on the thread of its Runtime: it is made, used and destroyed there, inside of
// tasks that the Runtime runs. Handlers run there too, between a task's waits; a handler that wants
// to wait spawns a task. TLS with a valid certificate is required unless the options say otherwise.
// What others ask of every client (ping, software version, disco#info) is answered by itself, and
// what nobody handles with <service-unavailable/>.
#pragma once

#include <balcony/archive.h>
#include <balcony/element.h>
#include <balcony/jid.h>
#include <balcony/payload.h>
#include <balcony/result.h>
#include <balcony/runtime.h>
#include <balcony/task.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace balcony {

// What a client may keep to log in again without the password (XEP-0484). As secret as one; a new
// one replaces it from time to time.
struct LoginToken {
  std::string mechanism;
  std::string token;
  std::chrono::sys_time<std::chrono::milliseconds> expiry{};
};

struct ClientOptions {
  ClientOptions(Jid jid_, std::string password_)
      : jid(std::move(jid_)), password(std::move(password_)) {}

  Jid jid;  // a resourcepart is asked for; without one the server makes one
  std::string password;
  bool anonymous = false;  // SASL ANONYMOUS: only the domain of `jid` counts

  // "host", "host:port" or "[::1]:port" in place of what DNS says (RFC 6120 §3.2). The certificate
  // still has to be for the domain of `jid`.
  std::string server;

  enum class Tls : std::uint8_t {
    kRequired,  // STARTTLS, or direct TLS where DNS says so (XEP-0368)
    kDirect,    // direct TLS only
    kNone,      // no encryption; refused unless the server is on this machine. For tests
  };
  Tls tls = Tls::kRequired;
  std::string ca_file;        // PEM with trusted authorities; empty: those of the system
  std::string pinned_sha256;  // exactly this certificate, in hexadecimal; empty: any valid one
  // A certificate with its chain, and its key, PEM files: shown to a server that asks for one, and
  // where it offers EXTERNAL (XEP-0178) that is the login; the password is then for other servers.
  std::string certificate_file;
  std::string key_file;
  // false: any certificate will do. Somebody in between can then read everything. PLAIN is not
  // used.
  bool verify_certificate = true;

  std::chrono::milliseconds connect_timeout = std::chrono::seconds(30);  // until bound
  std::chrono::milliseconds request_timeout = std::chrono::seconds(30);  // of an iq
  // The server is asked for a sign of life when it was silent for so long; without an answer the
  // connection is lost. 0: never.
  std::chrono::milliseconds keep_alive = std::chrono::minutes(2);

  // Connect again after a connection was lost (not after the server refused us): first after about
  // `reconnect_first`, then twice as long each time, up to `reconnect_longest`.
  bool reconnect = false;
  std::chrono::milliseconds reconnect_first = std::chrono::seconds(1);
  std::chrono::milliseconds reconnect_longest = std::chrono::minutes(1);

  // Stanzas are acknowledged (XEP-0198) where the server offers it, and with `reconnect` a lost
  // session is resumed: what was not acknowledged is sent again, what came meanwhile is delivered,
  // requests go on waiting for their answers. Where it cannot be resumed a new session is made and
  // messages that were not acknowledged are sent again, under their ids.
  bool stream_management = true;

  // SASL2 (XEP-0388) where the server has it: login and resumption in one step.
  bool sasl2 = true;
  // Binding too is a part of that step (XEP-0386), where `jid` has no resourcepart: the resource is
  // `resource_tag` and what the server adds; contacts see it. To such a session the server does not
  // give messages that came while the account was away, if its archive has them: say true when the
  // program looks there (archive.h), or wants none.
  bool reads_archive = false;
  std::string resource_tag = "Balcony";
  // A UUID, made once for each installation and kept: with it the same resource comes again, and
  // tokens can be had. Only the server sees it.
  std::string user_agent_id;
  // Ask for a token (XEP-0484); on_token() tells it. One of an earlier run goes into `token`: then
  // the login takes one round trip, and the password is needed only when the token is refused.
  bool want_token = false;
  std::optional<LoginToken> token;

  std::string lang = "en";
  // What we say about ourselves (XEP-0030, XEP-0092).
  DiscoInfo::Identity identity = {"client", "bot", "Balcony"};
  SoftwareVersion version = {"Balcony", "0.1", ""};
};

// Views of what came, valid during the handler.
struct Message {
  Jid from;
  std::string_view type;  // "normal", "chat", "groupchat", "headline", "error"
  std::string_view id;
  std::string body;
  std::string subject;
  std::string thread;
  xml::ElementView xml;  // of a copy: the copied message
  // A message of another client of this account (XEP-0280): one that it sent, to `to`, or received.
  enum class Copy : std::uint8_t { kNone, kReceived, kSent };
  Copy copy = Copy::kNone;
  std::optional<Jid> to;
  // When it was sent, where it was kept meanwhile (XEP-0203).
  std::optional<std::chrono::sys_time<std::chrono::milliseconds>> delayed_since;
  std::string_view chat_state;  // "composing", "paused", … (XEP-0085 §3); empty: none
  std::string_view receipt;     // the id of a message of ours that has arrived (XEP-0184 §5)
};

struct Presence {
  Jid from;
  std::string_view type;  // empty: available
  std::string show;       // "away", "chat", "dnd", "xa"; empty: simply there
  std::string status;
  int priority = 0;
  xml::ElementView xml;
  std::optional<Jid> to;
};

struct IqRequest {
  Jid from;
  bool is_set = false;  // else a get
  xml::ElementView payload;
  xml::ElementView xml;
  std::optional<Jid> to;
};

struct ConnectionSummary {
  std::string peer;       // address and port
  std::string tls;        // "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty: none
  std::string mechanism;  // of SASL
};

namespace client {
class Core;
}

class Client {
 public:
  // On the Runtime whose loop runs here.
  explicit Client(ClientOptions options);
  Client(Runtime& runtime, ClientOptions options);
  // Closes the stream in the background. Whoever waits for an answer gets kClosed.
  ~Client();
  Client(Client&&) noexcept = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // ---- the connection

  // Connects, logs in and binds a resource. Sends no presence.
  //
  // Errors   kNotFound, kConnect, kTimeout, kTls: no connection; kRedirect: the server names
  //          another place; kSasl…: no login; kMalformed: the server does not speak XMPP as it
  //          should; kUsage: connected already. The sentence says what to do.
  Task<Result<>> connect();
  // Makes the account first (XEP-0077), then logs in as connect() does.
  //
  // `fields`  what the server asks for beside user name and password ("email").
  // Errors    kConflict: the account exists; kNotAcceptable: the server wants more fields, named in
  //           the sentence; kRedirect, kNotAllowed, …: the server refuses. Else as connect().
  Task<Result<>> register_account(std::map<std::string, std::string> fields = {});
  // Closes the stream in order and waits for the end, at most 5 s.
  Task<> disconnect();
  // Waits until the connection is over and will not come again, and says why. At once when there is
  // none.
  Task<Error> closed();

  bool is_connected() const noexcept;
  // The full JID once bound, before what the options say.
  const Jid& jid() const noexcept;
  ConnectionSummary connection() const;

  // ---- stanzas. Errors of sending: kClosed: there is no connection

  // Queues a stanza. What is queued when the connection breaks may be lost, unless the session is
  // resumed; see on_acknowledged().
  Result<> send(xml::Element stanza);
  // Queues bytes as they are. For tools that try what a server does. Nobody counts what is in them,
  // so this ends stream management: the session cannot be resumed any more.
  Result<> send_raw(std::string_view xml);
  // Returns the message's id. `type` as in Message.
  Result<std::string> send_message(const Jid& to, std::string_view body,
                                   std::string_view type = "chat");
  // Availability to all who are subscribed (RFC 6121 §4.2, §4.4). Repeated after a reconnect.
  Result<> send_presence(std::string_view show = {}, std::string_view status = {},
                         int priority = 0);
  // To one JID; `type` as "subscribe", "unavailable" (RFC 6121 §3, §4.6).
  Result<> send_presence_to(const Jid& to, std::string_view type = {});

  // Sends `iq`, of type get or set; an id is made when it has none.
  //
  // `timeout`  0: request_timeout of the options.
  // Returns    the payload of the result; an empty Element when it has none.
  // Errors     the stanza error's condition and text (RFC 6120 §8.3); kTimeout; kClosed.
  Task<Result<xml::Element>> request(xml::Element iq, std::chrono::milliseconds timeout = {});
  // The same around a payload. Without `to` the own account is asked.
  Task<Result<xml::Element>> get(std::optional<Jid> to, xml::Element payload);
  Task<Result<xml::Element>> set(std::optional<Jid> to, xml::Element payload);

  // ---- verbs. Errors: as request(), and kMalformed: the answer is none

  Task<Result<std::vector<RosterItem>>> roster();   // RFC 6121 §2.1
  Task<Result<>> set_roster_item(RosterItem item);  // §2.3, §2.4
  Task<Result<>> remove_roster_item(Jid jid);       // §2.5
  // Returns how long it took. Without `to`: the server (XEP-0199).
  Task<Result<std::chrono::microseconds>> ping(std::optional<Jid> to = {});
  Task<Result<DiscoInfo>> disco_info(Jid to, std::string node = {});                // XEP-0030 §3
  Task<Result<std::vector<DiscoItem>>> disco_items(Jid to, std::string node = {});  // §4
  Task<Result<SoftwareVersion>> version(Jid to);                                    // XEP-0092
  Task<Result<EntityTime>> time(Jid to);                                            // XEP-0202
  Task<Result<LastActivity>> last_activity(Jid to);                                 // XEP-0012
  Task<Result<>> change_password(std::string password);                             // XEP-0077 §3.3
  // Ends the account, with all that the server keeps of it (XEP-0077 §3.2). There is no way back;
  // the server then closes the stream.
  Task<Result<>> unregister();
  // Without `of`: the own card (XEP-0054).
  Task<Result<VCard>> vcard(std::optional<Jid> of = {});
  // Replaces the own card's texts; what it holds beside (a photo) stays.
  Task<Result<>> set_vcard(VCard card);
  // The same as a vCard4, which is published at a node of its own (XEP-0292 §3). Errors of the
  // first: kItemNotFound: there is none; others that mean the same where one may not know.
  Task<Result<VCard>> vcard4(std::optional<Jid> of = {});
  Task<Result<>> set_vcard4(VCard card);
  // Items of a node, the oldest first; `newest`: only so many of the last ones, 0: all that come in
  // one answer. Without `of`: of the own account (XEP-0060 §6.5, XEP-0163).
  Task<Result<std::vector<PubsubItem>>> items(std::optional<Jid> of, std::string node,
                                              std::uint32_t newest = 0);
  // Publishes at a node of the own account, which is made where it is not there (XEP-0163 §3), and
  // tells the contacts that want to know. Returns the item's id. Errors: also kConflict: the node
  // is configured otherwise than `options` ask for.
  Task<Result<std::string>> publish(std::string node, xml::Element payload,
                                    PublishOptions options = {});
  // Takes an item back, and tells of that (XEP-0060 §7.2).
  Task<Result<>> retract(std::string node, std::string id);
  // A page of an archive (XEP-0313 §4); see balcony/archive.h.
  Task<Result<ArchivePage>> archive(ArchiveQuery query);

  // Who is blocked (XEP-0191 §3.2), and changes of that. A full JID, a bare JID or a domain each
  // block what they cover. Errors: also kUsage: nobody is named.
  Task<Result<std::vector<Jid>>> blocked();
  Task<Result<>> block(std::vector<Jid> jids);
  Task<Result<>> unblock(std::vector<Jid> jids);
  Task<Result<>> unblock_all();

  // Copies of what this account's other clients send and receive come as messages (XEP-0280 §4,
  // §5), from now on and in later sessions of this Client.
  Task<Result<>> set_carbons(bool on);
  // Whether a person looks at this client now (XEP-0352): an inactive one is not sent what can
  // wait. Said again after a reconnect. Errors: kFeatureNotImplemented: the server does not ask.
  Result<> set_active(bool active);

  // ---- handlers. One each; a later one replaces the earlier

  void on_message(std::move_only_function<void(const Message&)> handler);
  void on_presence(std::move_only_function<void(const Presence&)> handler);
  // A change of the roster (RFC 6121 §2.1.6); only what the own server says gets here.
  void on_roster_push(std::move_only_function<void(const RosterItem&)> handler);
  // A change of the list of who is blocked, also by other clients of this account (XEP-0191 §3.3).
  void on_block_push(std::move_only_function<void(const BlockPush&)> handler);
  // Requests whose payload has this name. The handler's Element becomes the result's payload, its
  // Error the stanza error.
  void on_iq(std::string ns, std::string name,
             std::move_only_function<Result<xml::Element>(const IqRequest&)> handler);
  // Every element that comes once connected, before anything else sees it.
  void on_element(std::move_only_function<void(xml::ElementView)> handler);
  // Bound again, after a reconnect: a new session, that knows nothing of the lost one.
  void on_reconnect(std::move_only_function<void()> handler);
  // The lost session goes on (XEP-0198 §5): nothing was lost, nothing is to be done again.
  void on_resume(std::move_only_function<void()> handler);
  // The server has the message of this id (XEP-0198 §4) and is answerable for it. Not called where
  // the server knows no stream management.
  void on_acknowledged(std::move_only_function<void(std::string_view id)> handler);
  // The connection is over for good, and the server has not acknowledged this stanza of ours: it
  // may have got it or not. Called before closed() returns.
  void on_undelivered(std::move_only_function<void(xml::ElementView stanza)> handler);
  // There is a new token to be kept in place of any other, or null: the one there was is worth
  // nothing.
  void on_token(std::move_only_function<void(const std::optional<LoginToken>&)> handler);
  // The connection was lost. `will_reconnect`: it will be tried again.
  void on_disconnect(std::move_only_function<void(const Error&, bool will_reconnect)> handler);

 private:
  std::shared_ptr<client::Core> core_;
};

}  // namespace balcony
