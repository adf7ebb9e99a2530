#include "modules/xep_0356_privilege/on_behalf.h"

#include "router/host.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"
#include "xml/parser.h"
#include "xml/writer.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace balcony::modules {

using router::Flow;
using router::Server;
using router::TrustedComponent;
using router::User;

namespace {

constexpr std::chrono::seconds kAnswerWithin{60};

// For what is sent without a session: keeps what the session would have been told.
class NoClient final : public router::Endpoint {
 public:
  void deliver(const Stanza& stanza, std::string_view) override { deliver(stanza.xml()); }
  void deliver(xml::ElementView element) override { told = element.clone(); }
  void close(const StreamError&) override {}
  Info info() const override { return {}; }

  xml::Element told;
};

// A component, when it is `from` itself that is privileged: its other addresses are not.
const TrustedComponent* find_component(Server& server, const Jid& from) {
  if (from.has_local()) return nullptr;
  const auto& all = server.trusted();
  const auto found = std::ranges::find_if(
      all, [&from](const auto& component) { return component->domain.domain() == from.domain(); });
  return found == all.end() ? nullptr : found->get();
}

// RFC 6120 §8: what the user's clients send passes through the modules; so does this. nullopt: it
// may go on; else why not.
std::optional<Error> pass_outgoing(Server& server, User& user, Stanza& stanza) {
  NoClient nobody;
  std::uint64_t delivered = 0;
  router::ConnectedResource sender(user.bare, user, router::EndpointLink(nobody, delivered));
  router::StanzaOutgoing event{sender, stanza, std::nullopt};
  if (server.events().fire(event) != Flow::kStop) return std::nullopt;
  if (event.error) return event.error;
  const auto told = nobody.told ? read_stanza_error(nobody.told) : std::nullopt;
  return told ? Error(told->condition, told->text) : Error(Errc::kNotAcceptable);
}

// ---- messages

void send_as_user(Server& there, const std::shared_ptr<User>& user, const Stanza& outer,
                  Stanza message) {
  // §5.1: there is no such managed entity.
  if (!user) return there.bounce(outer, Error(Errc::kForbidden, "not from this address"));
  if (!message.to()) message.set_to(user->bare);  // RFC 6120 §10.3.1
  if (const auto error = pass_outgoing(there, *user, message)) return there.bounce(outer, *error);
  there.route(std::move(message));
}

// The message in the envelope; empty: there is none.
xml::Element inner_message(const Stanza& outer) {
  const xml::ElementView forwarded =
      outer.xml().child(ns::kPrivilege, "privilege").child(ns::kForward, "forwarded");
  if (const auto message = forwarded.child(ns::kClient, "message")) return message.clone();
  const auto message = forwarded.child(ns::kComponent, "message");
  if (!message) return {};
  // COMPAT(slixmpp, 1.8): writes it in the namespace of its own stream. §6.3 refuses that for
  // requests, §5.1 says nothing of messages.
  xml::Scope scope;
  scope.content_ns = ns::kComponent;
  auto read = xml::parse(xml::to_string(message), scope);
  return read ? *std::move(read) : xml::Element{};
}

// ---- requests

// §6.3: the answer, as it came but for the id, which was ours.
void give_answer(Server& there, const Stanza& outer, std::string_view id, xml::ElementView answer) {
  xml::Element copy = answer.clone();
  copy.set("id", id);
  xml::Element payload(ns::kPrivilege, "privilege");
  payload.append(ns::kForward, "forwarded").append(std::move(copy));
  xml::Element reply = result_reply(outer.xml(), std::move(payload));
  if (auto stanza = Stanza::make(reply)) there.route(*std::move(stanza));
}

void ask_as_user(Server& there, const std::shared_ptr<User>& user, const Stanza& outer,
                 Stanza request) {
  if (!user) return there.bounce(outer, Error(Errc::kForbidden, "no account of this server"));
  request.set_from(user->bare);
  // RFC 6120 §10.3.3: without 'to' the server answers for the account.
  if (!request.to()) request.set_to(user->bare);
  const std::string id(request.id());
  const Jid& to = *request.to();
  // As in Router::receive_iq(): what the server answers itself is not sent to anybody.
  const bool here = to == user->bare || to == there.host();
  if (!here) {
    if (const auto error = pass_outgoing(there, *user, request)) {
      return give_answer(there, outer, id, error_reply(request.xml(), *error));
    }
  }
  const auto asked = std::make_shared<Stanza>(outer.head());
  there.ask(std::move(request), outer.from()->domain(), kAnswerWithin,
            [&there, asked, id](Result<Stanza> answer) {
              if (!answer) return there.bounce(*asked, answer.error());
              give_answer(there, *asked, id, answer->xml());
            });
}

// §6.3, but for what needs the account.
Result<> check_request(const TrustedComponent* component, const Stanza& outer,
                       xml::ElementView inner, const Jid& host) {
  const Jid& to = *outer.to();
  if (!component) return fail(Errc::kForbidden, "this service is not privileged");
  if (!to.has_local() || to.is_full() || to.domain() != host.domain()) {
    return fail(Errc::kForbidden, "no bare address of an account");
  }
  if (!inner.is(ns::kClient, "iq")) {
    return fail(Errc::kForbidden, "the request is not in jabber:client");
  }
  if (inner.attr("type") != outer.xml().attr("type")) {
    return fail(Errc::kForbidden, "the two requests are of different types");
  }
  const bool is_set = outer.type() == StanzaType::kSet;
  const router::IqTypes types = component->privileges.iq_types(inner.first_child().ns());
  if (!router::includes(types, is_set)) {
    return fail(Errc::kForbidden, "not with this namespace and type");
  }
  if (!inner.has_attr("from")) return {};
  const auto from = Jid::parse(inner.attr("from"));
  if (!from || *from != to) return fail(Errc::kForbidden, "the sender is another account");
  return {};
}

}  // namespace

Result<> send_on_behalf(Server& server, const Stanza& outer) {
  const TrustedComponent* component = find_component(server, *outer.from());
  if (!component || !component->privileges.message) {
    return fail(Errc::kForbidden, "this service may not send messages for others");
  }
  xml::Element copy = inner_message(outer);
  if (!copy) return fail(Errc::kBadRequest, "there is no message in it");
  auto message = Stanza::make(copy);
  if (!message) return fail(Errc::kBadRequest, message.error().detail);
  // §5.1: a bare JID of the server.
  const auto& from = message->from();
  if (!from || from->is_full() || from->domain() != server.host().domain()) {
    return fail(Errc::kForbidden, "the sender is no bare address of this server");
  }
  if (!from->has_local()) {
    if (!message->to()) return fail(Errc::kBadRequest, "'to' is missing");
    server.route(*std::move(message));
    return {};
  }
  const auto kept = std::make_shared<std::pair<Stanza, Stanza>>(outer.clone(), *std::move(message));
  server.at_user(kept->second.from()->bare(),
                 [kept](Server& there, const std::shared_ptr<User>& user) {
                   send_as_user(there, user, kept->first, std::move(kept->second));
                 });
  return {};
}

Result<> ask_on_behalf(Server& server, const Stanza& outer) {
  const xml::ElementView inner = outer.payload().first_child();
  BALCONY_CHECK(check_request(find_component(server, *outer.from()), outer, inner, server.host()));
  xml::Element copy = inner.clone();
  auto request = Stanza::make(copy);
  if (!request) return fail(Errc::kBadRequest, request.error().detail);
  const auto kept = std::make_shared<std::pair<Stanza, Stanza>>(outer.clone(), *std::move(request));
  server.at_user(outer.to()->bare(), [kept](Server& there, const std::shared_ptr<User>& user) {
    ask_as_user(there, user, kept->first, std::move(kept->second));
  });
  return {};
}

}  // namespace balcony::modules
