// What a Component consists of: its connection's life, its handlers, its requests.
//
// Held by the Component and by the coroutine of the connection, which may outlive the Component by
// the time that closing takes; handlers are not called any more then. On the runtime's loop.
#pragma once

#include "client/acknowledgements.h"
#include "client/component_stream.h"
#include "client/pauses.h"
#include "client/requests.h"
#include "client/runtime_impl.h"
#include "client/wait_list.h"

#include <balcony/component.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace balcony::client {

struct ComponentHandlers {
  using Iq = std::move_only_function<Result<xml::Element>(const IqRequest&)>;

  std::move_only_function<void(const Message&)> message;
  std::move_only_function<void(const Presence&)> presence;
  std::move_only_function<void(const Jid&, const ComponentPrivileges&)> privileges;
  std::move_only_function<void(const Jid&, const RosterItem&)> roster_push;
  std::move_only_function<void()> reconnect;
  std::move_only_function<void(const Error&, bool)> disconnect;
  std::map<std::pair<std::string, std::string>, Iq> iq;
};

class ComponentCore : public std::enable_shared_from_this<ComponentCore> {
 public:
  ComponentCore(Runtime& runtime, ComponentOptions options);

  // Begins the connection's life and waits until it is accepted or has failed.
  Task<Result<>> connect();
  Task<> disconnect();
  Task<Error> closed();
  // The Component is gone.
  void abandon();

  bool is_connected() const noexcept { return accepted_ && stream_ != nullptr; }
  bool acknowledges() const noexcept { return is_connected() && acknowledgements_.is_on(); }
  // `who` waits until the server has it; null: nobody.
  Result<> send(xml::Element stanza, Acknowledgements::Waiting* who = nullptr);
  Task<Result<>> send_acknowledged(xml::Element stanza, std::chrono::milliseconds timeout);
  Task<Result<xml::Element>> request(xml::Element iq, std::chrono::milliseconds timeout);
  static std::string new_id();
  // What this host has announced on the connection that is there.
  ComponentPrivileges privileges_at(std::string_view host) const;

  ComponentOptions options;
  ComponentHandlers handlers;

 private:
  static Task<> life(std::shared_ptr<ComponentCore> core);
  static Task<> keep_alive(std::shared_ptr<ComponentCore> core,
                           std::weak_ptr<ComponentStream> stream);
  Task<Result<>> open();
  Task<Result<>> open_stream(stream::AskForAcknowledgements ask);
  void ask_soon();
  void close_stream(std::chrono::milliseconds within);
  void on_lost(const Error& why, bool will_reconnect);
  void ended(const Error& why);

  void on_element(const xml::Element& element);
  void on_acknowledgement(const xml::Element& element);
  void on_stanza(const xml::Element& element);
  bool on_announcement(xml::ElementView message, const Jid& from);
  std::optional<Result<xml::Element>> on_roster(const IqRequest& request);
  void on_iq(xml::ElementView iq, const Jid& from);
  std::optional<Result<xml::Element>> answer(const IqRequest& request);
  Loop& loop() const noexcept { return *runtime_.shard; }

  Runtime::Impl& runtime_;
  bool alive_ = false;      // life() runs
  bool accepted_ = false;   // stanzas may be sent
  bool leaving_ = false;    // disconnect() was called
  bool abandoned_ = false;  // the Component is gone
  std::shared_ptr<ComponentStream> stream_;
  RequestTable requests_;
  Acknowledgements acknowledgements_;
  bool asks_soon_ = false;  // <r/> is written at the end of this turn
  WaitList<Result<>> opened_;
  WaitList<Error> over_;
  Pauses pauses_{loop()};
  std::map<std::string, ComponentPrivileges, std::less<>> privileges_;  // by host
};

}  // namespace balcony::client
