// What a Client consists of: its connection's life, its handlers, its requests.
//
// Held by the Client and by the coroutine of the connection, which may outlive the Client by the
// time that closing takes; handlers are not called any more then. On the runtime's loop.
#pragma once

#include "client/archive_collector.h"
#include "client/management.h"
#include "client/pauses.h"
#include "client/requests.h"
#include "client/runtime_impl.h"
#include "client/stream.h"
#include "client/wait_list.h"
#include "net/connector.h"

#include <balcony/client.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace balcony::client {

struct Handlers {
  using Iq = std::move_only_function<Result<xml::Element>(const IqRequest&)>;

  std::move_only_function<void(const Message&)> message;
  std::move_only_function<void(const Presence&)> presence;
  std::move_only_function<void(const RosterItem&)> roster_push;
  std::move_only_function<void(const BlockPush&)> block_push;
  std::move_only_function<void(xml::ElementView)> element;
  std::move_only_function<void()> reconnect;
  std::move_only_function<void()> resume;
  std::move_only_function<void(std::string_view)> acknowledged;
  std::move_only_function<void(xml::ElementView)> undelivered;
  std::move_only_function<void(const Error&, bool)> disconnect;
  std::move_only_function<void(const std::optional<LoginToken>&)> token;
  std::map<std::pair<std::string, std::string>, Iq> iq;
};

class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(Runtime& runtime, ClientOptions options);

  // Begins the connection's life and waits until it is bound or has failed.
  Task<Result<>> connect(bool register_first, stream::RegistrationFields fields);
  Task<> disconnect();
  Task<Error> closed();
  // The Client is gone.
  void abandon();

  bool is_connected() const noexcept { return bound_ && stream_ != nullptr; }
  Result<> send(xml::ElementView stanza);
  Result<> send_raw(std::string_view bytes);
  Task<Result<xml::Element>> request(xml::Element iq, std::chrono::milliseconds timeout);
  std::string new_id();
  // archive.cc
  static Task<Result<ArchivePage>> query_archive(std::shared_ptr<Core> core, ArchiveQuery query);
  // XEP-0352: whether somebody looks at this client.
  Result<> set_active(bool active);
  // Carbons (XEP-0280) are wanted of every session from now on, or are not.
  void want_carbons(bool wanted) noexcept { carbons_ = wanted; }

  ConnectionSummary summary() const;
  const Jid& jid() const noexcept { return jid_; }
  Loop& loop() const noexcept { return *runtime_.shard; }

  ClientOptions options;
  Handlers handlers;
  xml::Element last_presence;  // to all; sent again after a reconnect

 private:
  friend class ArchiveCollector;
  static Task<> life(std::shared_ptr<Core> core, bool register_first,
                     stream::RegistrationFields fields);
  Task<Result<>> open(bool register_first, stream::RegistrationFields fields);
  Task<Result<Connected>> reach();
  void say_goodbye(std::chrono::milliseconds within);
  Result<std::shared_ptr<const TlsClientContext>> tls_context(bool direct);
  stream::InitiatingOptions negotiation(bool direct) const;
  void keep_token(std::optional<LoginToken> token);
  Result<> on_bound(stream::Bound bound);
  void on_lost(const Error& why, bool will_reconnect);
  void ended(const Error& why);
  static Task<> keep_alive(std::shared_ptr<Core> core, std::shared_ptr<Stream> stream);

  // core_management.cc
  Result<> write_stanza(xml::ElementView stanza);
  void ask_soon();
  void hear(Management::Heard heard);
  Result<> settle(const stream::ManagementOutcome& outcome);
  void came_back();
  void report_undelivered();
  static Task<> ask_for_carbons(std::shared_ptr<Core> core);

  // dispatch.cc
  void on_element(xml::Element element);
  void on_stanza(xml::ElementView xml);
  void on_message(xml::ElementView xml, const Jid& from);
  void on_iq(xml::ElementView iq, const Jid& from);
  bool take_archived(xml::ElementView message, const Jid& from);
  bool take_block_push(xml::ElementView iq, const Jid& from);
  std::optional<Result<xml::Element>> answer(const IqRequest& request);
  bool take_roster_push(xml::ElementView iq, const Jid& from);

  Runtime::Impl& runtime_;
  Jid jid_;
  bool alive_ = false;      // life() runs
  bool bound_ = false;      // the stream is bound
  bool leaving_ = false;    // disconnect() was called
  bool abandoned_ = false;  // the Client is gone
  std::shared_ptr<Stream> stream_;
  std::shared_ptr<const TlsClientContext> tls_;
  std::shared_ptr<const TlsClientContext> direct_tls_;
  std::optional<std::size_t> certificate_addresses_;  // of the certificate that they show
  RequestTable requests_;
  std::vector<ArchiveCollector*> collectors_;
  WaitList<Result<>> opened_;
  WaitList<Error> over_;
  Pauses pauses_{loop()};
  std::optional<sasl::ClientKeys> keys_;
  std::string mechanism_;
  std::string pinned_;  // the last one that used the password (XEP-0438 §5.1)
  Management management_;
  TimerId ask_timer_ = 0;
  bool resumed_ = false;                      // the session of the stream is an earlier stream's
  std::string resend_;                        // to be written again now that it was resumed
  std::vector<xml::Element> unacknowledged_;  // of a session that is gone
  std::vector<xml::Element> early_;           // came before the stream was bound for good
  bool offers_client_state_ = false;
  bool inactive_ = false;
  bool carbons_ = false;
};

// Whether trying again may help: the network's troubles, not the server's verdicts.
bool is_passing(const Error& error) noexcept;

}  // namespace balcony::client
