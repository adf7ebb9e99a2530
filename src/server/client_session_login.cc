// How a client gets in: what the negotiation asks for is done here, until a resource is bound.
#include "server/client_session.h"

#include "base/base64.h"
#include "base/log.h"
#include "sasl/server.h"
#include "server/accounts.h"
#include "server/client_policy.h"
#include "server/hop.h"
#include "server/login_tokens.h"
#include "server/user_certificate.h"
#include "stanza/ns.h"
#include "xml/writer.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace balcony::server {
namespace {

bool same_scope(const xml::StreamHeader& a, const xml::StreamHeader& b) {
  const auto same = [](const auto& x, const auto& y) {
    return x.prefix == y.prefix && x.ns == y.ns;
  };
  return a.content_ns == b.content_ns && a.lang == b.lang &&
         std::ranges::equal(a.declarations, b.declarations, same);
}

// Tells installations of an account's clients apart, and nothing of them.
std::uint64_t client_number(std::string_view secret, const Jid& account, std::string_view id) {
  std::string label("client");
  label.append(1, '\0').append(account.str()).append(1, '\0').append(id);
  const std::string digest = sasl::hmac(sasl::ScramHash::kSha256, secret, label);
  std::uint64_t number = 0;
  std::memcpy(&number, digest.data(), sizeof number);
  return number | 1U;  // 0 is: unknown
}

// Of a bound stream only the header's scope still counts, and most clients say the same: one header
// for all of them on a thread.
using HeaderPtr = std::shared_ptr<const xml::StreamHeader>;
HeaderPtr shared_header(HeaderPtr header) {
  thread_local HeaderPtr last;
  if (!last || !same_scope(*last, *header)) last = std::move(header);
  return last;
}

}  // namespace

// Actions whose answers come later give new actions: a queue, not recursion.
Task<Next> ClientSession::perform(stream::Actions actions) {
  for (std::size_t i = 0; i < actions.size(); ++i) {
    stream::Action action = std::move(actions[i]);
    stream::Actions more;
    if (auto* send = std::get_if<stream::Send>(&action)) {
      transport_->write(send->bytes);
    } else if (std::holds_alternative<stream::RestartStream>(action)) {
      reader_.restart();
      reader_.set_limits(limits());
    } else if (std::holds_alternative<stream::UpgradeTls>(action)) {
      if (auto tls = co_await upgrade_tls(); !tls) co_return Next::kEnd;
      more = negotiation_->on_tls(transport_->channel_bindings(),
                                  read_shown(transport_->peer_certificate()));
    } else if (auto* what = std::get_if<stream::LookUp>(&action)) {
      more = co_await look_up(std::move(*what));
    } else if (auto* password = std::get_if<stream::VerifyPassword>(&action)) {
      more = co_await verify(std::move(*password));
    } else if (auto* certified = std::get_if<stream::CheckAccount>(&action)) {
      more = co_await check_account(std::move(*certified));
    } else if (auto* token = std::get_if<stream::VerifyToken>(&action)) {
      more = co_await verify_token(std::move(*token));
    } else if (auto* asked = std::get_if<stream::IssueToken>(&action)) {
      more = co_await issue_token(std::move(*asked));
    } else if (auto* keys = std::get_if<stream::AddKeys>(&action)) {
      more = co_await add_keys(std::move(*keys));
    } else if (auto* home = std::get_if<stream::ComeHome>(&action)) {
      if (come_home(*home) == Next::kMove) co_return Next::kMove;
      more = now_home();
    } else if (auto* failed = std::get_if<stream::AttemptFailed>(&action)) {
      co_await attempt_failed(std::move(*failed));
    } else if (auto* wanted = std::get_if<stream::BindResource>(&action)) {
      more = co_await bind(std::move(*wanted));
    } else if (auto* lost = std::get_if<stream::ResumeSession>(&action)) {
      more = co_await resume(std::move(*lost));
    } else if (auto* request = std::get_if<stream::RegisterRequest>(&action)) {
      co_await answer_registration(std::move(request->iq));
    } else if (auto* end = std::get_if<stream::EndStream>(&action)) {
      if (end->error) {
        log_info("stream ended", {{"stream", stream_id_},
                                  {"peer", transport_->peer()},
                                  {"condition", to_string(end->error->condition)},
                                  {"text", end->error->text}});
      }
      ended_ = true;
      co_return Next::kEnd;
    }
    actions.insert(actions.end(), std::make_move_iterator(more.begin()),
                   std::make_move_iterator(more.end()));
    if (ended_) co_return Next::kEnd;
  }
  // Nothing of the negotiation stays in memory once it is over (ARCHITECTURE.md, idea 4).
  if (resource_ && negotiation_) {
    negotiation_.reset();
    header_ = shared_header(std::move(header_));
    transport_->write(std::exchange(behind_answer_, {}));
  } else if (negotiation_ && negotiation_->authenticated()) {
    reader_.set_limits(limits());  // XEP-0388: without a new stream
  }
  co_return Next::kGoOn;
}

Task<Result<>> ClientSession::upgrade_tls() {
  std::string hint = negotiation_->domain();
  std::string leftover = reader_.take_rest_before_tls();
  auto upgraded = co_await transport_->start_tls_server(*context_->shared.tls, std::move(hint),
                                                        std::move(leftover));
  if (!upgraded) {
    log_info("TLS failed", {{"stream", stream_id_},
                            {"peer", transport_->peer()},
                            {"error", upgraded.error().to_string()}});
    ended_ = true;
  }
  co_return upgraded;
}

Result<Jid> ClientSession::begin_attempt(std::string_view username) {
  attempt_began_ = context_->shard.clock().now();
  return Jid::make(username, negotiation_->domain());
}

// docs/security.md: whoever begins to log in before a new password, or before the account is
// disabled, and takes his time is not in afterwards.
bool ClientSession::is_outdated() {
  return context_->accounts->changed_since(*account_, attempt_began_);
}

stream::Actions ClientSession::end_outdated() {
  // RFC 6120 §4.9.3.16: the client is to log in anew.
  return negotiation_->end(
      {StreamCondition::kReset, "the account was changed since this login began"});
}

Task<stream::Actions> ClientSession::look_up(stream::LookUp what) {
  const auto account = begin_attempt(what.username);
  if (!account) co_return negotiation_->on_credentials(std::optional<sasl::ScramKeys>{});
  auto found = co_await context_->accounts->keys(*account, what.hash);
  if (!found) co_return negotiation_->on_credentials(fail(found.error()));
  co_return negotiation_->on_credentials(std::move(found->keys), found->disabled);
}

Task<stream::Actions> ClientSession::verify(stream::VerifyPassword what) {
  const auto account = begin_attempt(what.username);
  if (!account) co_return negotiation_->on_verified(false);
  auto matches = co_await context_->accounts->verify(*account, std::move(what.password));
  co_return negotiation_->on_verified(std::move(matches));
}

Task<stream::Actions> ClientSession::check_account(stream::CheckAccount what) {
  const auto account = begin_attempt(what.username);
  if (!account) co_return negotiation_->on_account_checked(false);
  auto exists = co_await context_->accounts->may_log_in(*account);
  co_return negotiation_->on_account_checked(std::move(exists));
}

// ---- XEP-0484, XEP-0480 ----

Task<stream::Actions> ClientSession::verify_token(stream::VerifyToken what) {
  const auto account = begin_attempt(what.what.username);
  if (!account) co_return negotiation_->on_token_verified(std::optional<stream::UsedToken>{});
  auto used = co_await context_->tokens->verify(*account, std::move(what));
  co_return negotiation_->on_token_verified(std::move(used));
}

Task<stream::Actions> ClientSession::issue_token(stream::IssueToken what) {
  if (is_outdated()) co_return end_outdated();
  auto token = co_await context_->tokens->issue(*account_, std::move(what));
  if (!token) {
    log_warning("no token was issued",
                {{"jid", account_->str()}, {"error", token.error().to_string()}});
  }
  co_return negotiation_->on_token_issued(std::move(token));
}

Task<stream::Actions> ClientSession::add_keys(stream::AddKeys what) {
  if (is_outdated()) co_return end_outdated();
  log_info("keys added", {{"jid", account_->str()}, {"hash", sasl::to_string(what.keys.hash)}});
  Result<> added = co_await context_->accounts->add_keys(*account_, std::move(what.keys));
  co_return negotiation_->on_keys_added(std::move(added));
}

Task<> ClientSession::attempt_failed(stream::AttemptFailed what) {
  log_info("login failed", {{"stream", stream_id_},
                            {"peer", transport_->peer()},
                            {"host", negotiation_->domain()},
                            {"user", what.username},
                            {"mechanism", what.mechanism},
                            {"error", what.error.to_string()}});
  if (what.error.code != Errc::kSaslNotAuthorized) co_return;
  if (auto account = Jid::make(what.username, negotiation_->domain())) {
    context_->accounts->attempt_failed(*account);
  }
  const Instant now = context_->shard.clock().now();
  const std::string address = transport_->peer_address();
  context_->by_address.failed(address, now);
  // docs/security.md: slowed by address too. The answer is out; it is the next try that waits.
  const auto delay = context_->by_address.delay(address, now);
  if (delay.count() > 0) co_await delay_for(context_->shard, delay);
}

// ---- coming home and binding ----

Next ClientSession::come_home(const stream::ComeHome& what) {
  const std::size_t shards = context_->shared.contexts.size();
  const std::string& domain = negotiation_->domain();
  account_.reset();  // of an attempt that failed after this step
  auto account = Jid::make(what.username, domain);
  if (what.anonymous) {
    // decision 0010: anonymous names are chosen to be at home where the connection is.
    do {
      account = Jid::make("anonymous-" + hex_encode(system_random().token(9)), domain);
    } while (router::home_shard(account->bare_str(), shards) != context_->shard.index());
  }
  if (!account) return Next::kGoOn;
  account_ = *std::move(account);
  const std::size_t home = router::home_shard(account_->bare_str(), shards);
  if (home == context_->shard.index()) return Next::kGoOn;
  move_to(*context_->shared.contexts[home]);
  return Next::kMove;
}

void ClientSession::move_to(ShardContext& home) {
  auto detached = std::make_shared<Detached>(transport_->release());
  transport_.reset();
  context_->sessions.erase(this);
  home.shard.post([this, &home, detached] {
    context_ = &home;
    transport_ = std::make_unique<session::TcpTransport>(
        Connection::adopt(home.shard, std::move(*detached)));
    negotiation_->set_policy(*home.policy);
    home.sessions.insert(this);
    spawn(run(now_home()));
  });
}

stream::Actions ClientSession::now_home() {
  if (!account_ || is_outdated()) {
    return negotiation_->on_home(fail(Errc::kSaslTemporaryAuthFailure));
  }
  transport_->leave_address_limit();
  context_->by_address.succeeded(transport_->peer_address());
  context_->accounts->attempt_succeeded(*account_);
  log_info("logged in", {{"stream", stream_id_},
                         {"jid", account_->str()},
                         {"mechanism", negotiation_->mechanism()},
                         {"tls", transport_->tls_summary()},
                         {"peer", transport_->peer()}});
  return negotiation_->on_home(*account_);
}

Task<stream::Actions> ClientSession::bind(stream::BindResource what) {
  auto bound = co_await context_->router->bind(*account_, std::move(what.wanted), *this);
  if (!bound) co_return negotiation_->on_bound(fail(bound.error()));
  if (context_->shared.stopping) {
    context_->router->unbind(**bound);
    co_return negotiation_->end({StreamCondition::kSystemShutdown, ""});
  }
  if (is_outdated()) {
    context_->router->unbind(**bound);
    co_return end_outdated();
  }
  resource_ = *bound;
  account_ = resource_->jid;
  begin_bound();
  log_info("session bound", {{"stream", stream_id_}, {"jid", resource_->jid.str()}});
  replace_earlier(what.user_agent);
  std::vector<xml::Element> answers;
  if (what.inline_bind) {
    answers = enable_inline(what.inline_bind);
    co_await finish_inline(answers);
  }
  if (!resource_) co_return stream::Actions{};  // the session was ended meanwhile
  co_return negotiation_->on_bound(resource_->jid, std::move(answers));
}

// XEP-0386 §3.2: earlier sessions of the same client end, whatever their resource is called.
void ClientSession::replace_earlier(const std::string& user_agent) {
  if (user_agent.empty()) return;
  const router::User& user = *resource_->user;
  resource_->client = client_number(context_->shared.fake_secret, user.bare, user_agent);
  std::vector<router::ConnectedResource*> earlier;
  for (const auto& resource : user.resources) {
    if (resource.get() != resource_ && resource->client == resource_->client) {
      earlier.push_back(resource.get());
    }
  }
  for (router::ConnectedResource* resource : earlier) {
    context_->router->end_session(*resource,
                                  {StreamCondition::kConflict, "this client has a newer session"});
  }
}

// XEP-0386 §3.2: what the client wants of its new session.
std::vector<xml::Element> ClientSession::enable_inline(xml::ElementView bind) {
  std::vector<xml::Element> answers;
  for (const xml::ElementView feature : bind.children()) {
    if (feature.is(ns::kStreamManagement, "enable")) {
      answers.push_back(enable_management(feature));
    } else if (feature.ns() == ns::kClientState) {
      (void)indicate(feature);  // what is none is ignored
    } else if (feature.ns() != ns::kBind2) {
      resource_->user->host->fire(router::InlineEnable{*resource_, feature});
    }
  }
  return answers;
}

// What modules have to do and to say first.
Task<> ClientSession::finish_inline(std::vector<xml::Element>& answers) {
  router::InlineBound event{*resource_};
  resource_->user->host->fire(event);
  for (Task<xml::Element>& work : event.work) {
    xml::Element answer = co_await std::move(work);
    if (answer) answers.push_back(std::move(answer));
  }
}

void ClientSession::begin_bound() {
  transport_->clear_deadline();
  const LimitsConfig& config = context_->config->limits;
  transport_->set_rate(static_cast<std::uint32_t>(config.rate.count),
                       static_cast<std::uint32_t>(config.rate_burst.count));
  reader_.set_limits(limits());
}

Task<> ClientSession::answer_registration(xml::Element iq) {
  const xml::Element answer = co_await context_->router->stranger(
      negotiation_->domain(), std::move(iq), transport_->peer_address());
  if (!answer) co_return;
  std::string text;
  xml::write(text, answer);
  transport_->write(text);
}

}  // namespace balcony::server
