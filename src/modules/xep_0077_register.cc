// XEP-0077: In-Band Registration: users change their password (§3.3) and remove their account
// (§3.2); strangers make an account (§3.1), where the operator lets them.
#include "modules/modules.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"

#include <set>

namespace balcony::modules {
namespace {

using router::ConnectedResource;

struct RegisterOptions {
  bool open = false;
  std::int64_t per_hour = 5;
  std::string instructions = "Choose a username and a password.";
  std::vector<std::string> reserved{
      "abuse",      "admin", "administrator", "hostmaster", "info",   "noreply",   "operator",
      "postmaster", "root",  "security",      "support",    "system", "webmaster", "xmpp"};
  bool remove = true;
};

// What a request says. §4: what is in a data form counts first; none was offered, so none is read.
struct Fields {
  // A constructor, as g++ 12 destroys an aggregate twice that is made in a co_await.
  Fields(std::string username_, std::string password_)
      : username(std::move(username_)), password(std::move(password_)) {}
  std::string username;
  std::string password;
};

Fields read_fields(xml::ElementView query) {
  return {query.child_text(ns::kRegister, "username"), query.child_text(ns::kRegister, "password")};
}

bool asks_removal(xml::ElementView query) {
  return static_cast<bool>(query.child(ns::kRegister, "remove"));
}

// ---- users
// -----------------------------------------------------------------------------------------

// The session that asks, if it is one of this host's own: nobody else is registered here.
bool is_registered(const Server& server, const IqRequest& request) {
  return request.session && request.from.domain() == server.host().domain();
}

// §3.1: what is on file. The password is not: only its keys are kept.
IqReply registered(const IqRequest& request) {
  xml::Element query(ns::kRegister, "query");
  query.append("registered");
  query.append_text_element("username", request.from.local());
  query.append("password");
  return query;
}

// §3.3. An error holds nothing of the request: the router never sends it back.
Task<IqReply> change_password(Server& server, Jid account, Fields fields) {
  // §3.3: an empty password leaves the old one as it is.
  if (fields.username.empty() || fields.password.empty()) {
    co_return fail(Errc::kBadRequest, "give your username and the new password");
  }
  const auto named = Jid::make(fields.username, server.host().domain());
  if (!named || *named != account) {
    co_return fail(Errc::kNotAllowed, "the password of another account cannot be changed");
  }
  BALCONY_CO_CHECK(co_await server.accounts().set_password(account, std::move(fields.password)));
  co_return IqAnswer{};
}

// §3.2. The result goes to the session from here, as the router will not find it any more when this
// handler has ended.
Task<IqReply> remove_account(Server& server, Jid session, xml::Element result) {
  const auto kept = std::make_shared<xml::Element>(std::move(result));
  const Jid account = session.bare();
  // The endpoint is looked up before the user is taken out of the table.
  const auto user = server.loaded_user(account);
  std::function<void()> when_removed = [user, session, kept] {
    ConnectedResource* asking = user ? user->find(session.resource()) : nullptr;
    if (asking) asking->endpoint->deliver(kept->view());
  };
  BALCONY_CO_CHECK(co_await server.accounts().remove(account, std::move(when_removed)));
  co_return IqAnswer{};
}

Task<IqReply> from_user(Server& server, const RegisterOptions& options, const IqRequest& request) {
  if (!is_registered(server, request)) {
    co_return fail(Errc::kRegistrationRequired, "you have no account here");
  }
  if (!request.is_set) co_return registered(request);
  if (!asks_removal(request.payload)) {
    co_return co_await change_password(server, request.from.bare(), read_fields(request.payload));
  }
  if (request.payload.first_child().next_sibling()) {
    co_return fail(Errc::kBadRequest, "remove stands alone");
  }
  if (!options.remove) co_return fail(Errc::kNotAllowed, "ask the operator to remove your account");
  co_return co_await remove_account(server, request.from, result_reply(request.stanza.xml()));
}

// ---- strangers
// -------------------------------------------------------------------------------------

class Registration {
 public:
  Registration(Server& server, const RegisterOptions& options)
      : server_(server), options_(options) {
    for (const std::string& name : options.reserved) {
      const auto jid = Jid::make(name, server.host().domain());
      if (jid) reserved_.emplace(jid->local());
    }
  }

  // §3.1
  IqReply form() const {
    xml::Element query(ns::kRegister, "query");
    query.append_text_element("instructions", options_.instructions);
    query.append("username");
    query.append("password");
    return query;
  }

  Task<IqReply> create(Fields fields, std::string address) {
    if (fields.username.empty() || fields.password.empty()) {
      co_return fail(Errc::kNotAcceptable, "give a username and a password");
    }
    const auto account = Jid::make(fields.username, server_.host().domain());
    if (!account) co_return fail(Errc::kNotAcceptable, "this cannot be a username");
    // Counted before anything is looked up: each answer tells whether a name is taken.
    if (!co_await server_.accounts().admit_registration(address, options_.per_hour)) {
      co_return fail(Errc::kResourceConstraint, "too many registrations; try again later");
    }
    if (reserved_.contains(account->local())) {
      co_return fail(Errc::kConflict, "this username is taken");
    }
    // Also before the password is hashed, which is dear.
    BALCONY_CO_ASSIGN(const bool exists, co_await server_.accounts().exists(*account));
    if (exists) co_return fail(Errc::kConflict, "this username is taken");
    BALCONY_CO_CHECK(co_await server_.accounts().create(*account, std::move(fields.password)));
    co_return IqAnswer{};
  }

 private:
  Server& server_;
  const RegisterOptions& options_;
  std::set<std::string, std::less<>> reserved_;
};

Task<IqReply> from_stranger(std::shared_ptr<Registration> registration, const IqRequest& request) {
  if (!request.is_set) co_return registration->form();
  // §3.2: nobody is there whose account it could be.
  if (asks_removal(request.payload)) {
    co_return fail(Errc::kUnexpectedRequest, "log in to remove your account");
  }
  co_return co_await registration->create(read_fields(request.payload),
                                          std::string(request.address));
}

void attach_register(Registrar& on, Server& server, const RegisterOptions& options) {
  on.feature(ns::kRegister);
  const auto user = [&server, &options](const IqRequest& request) {
    return from_user(server, options, request);
  };
  // §3.2 wants no 'to' with a removal, which makes it one for the account; clients name the host.
  const router::QName query{ns::kRegister, "query"};
  on.iq_get_task(query, Target::kServerAndAccount, Access::kOwner, user);
  on.iq_set_task(query, Target::kServerAndAccount, Access::kOwner, user);
  if (!options.open) return;
  const auto registration = std::make_shared<Registration>(server, options);
  on.iq_stranger(query, [registration](const IqRequest& request) {
    return from_stranger(registration, request);
  });
}

}  // namespace

extern const ModuleSpec xep_0077_register = router::module<RegisterOptions>(
    "register", {{"XEP-0077", "2.4"}},
    "Lets users change their password and remove their account, and strangers make one.",
    {option("open", &RegisterOptions::open, "Let everybody make an account."),
     option("per_hour", &RegisterOptions::per_hour, 1, 10'000,
            "Attempts to make an account from one address (IPv6: network of 64 bits) in an hour; "
            "each shard counts for itself."),
     option("instructions", &RegisterOptions::instructions,
            "What somebody reads who makes an account."),
     option("reserved", &RegisterOptions::reserved, "Usernames that nobody gets this way."),
     option("remove", &RegisterOptions::remove, "Let users remove their account.")},
    attach_register);

}  // namespace balcony::modules
