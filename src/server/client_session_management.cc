// Stream management of a client's stream (XEP-0198): enabling it, its elements, and taking up a
// session whose stream was lost.
#include "base/number.h"
#include "server/client_session.h"

#include "base/log.h"
#include "server/session_store.h"
#include "server/unacknowledged.h"
#include "stanza/ns.h"
#include "xml/writer.h"

#include <algorithm>
#include <utility>

namespace balcony::server {
namespace {

std::string written(const xml::Element& element) {
  std::string text;
  xml::write(text, element);
  return text;
}

bool asks_to_resume(xml::ElementView enable) {
  const std::string_view resume = enable.attr("resume");
  return resume == "true" || resume == "1";
}

}  // namespace

Next ClientSession::on_management(xml::ElementView element) {
  if (element.name() == "enable") {
    transport_->write(written(enable_management(element)));
    return Next::kGoOn;
  }
  if (!managed_) {
    transport_->write(written(stream::write_failed(Errc::kUnexpectedRequest)));
    return Next::kGoOn;
  }
  const auto effect = managed_->on_element(element);
  transport_->write(effect.reply);
  if (!effect.error) return Next::kGoOn;
  log_info("stream ended", {{"stream", stream_id_}, {"error", effect.error->text}});
  if (!std::exchange(ended_, true)) transport_->write("</stream:stream>");
  return Next::kEnd;
}

xml::Element ClientSession::enable_management(xml::ElementView request) {
  // XEP-0198 §3: once in a stream.
  if (managed_) return stream::write_failed(Errc::kUnexpectedRequest);
  ManagedOptions options = managed_options(*context_->config);
  std::string id;
  if (asks_to_resume(request) && options.resume_timeout.count() > 0) {
    id = system_random().token(16);
    // §3: a client may want less.
    const auto wanted = read_number<std::uint32_t>(request.attr("max"));
    if (wanted.value_or(0) > 0) {
      options.resume_timeout = std::min(options.resume_timeout, std::chrono::seconds(*wanted));
    }
  }
  // §4: counting begins now. What came before is nobody's concern any more.
  if (ledger_) ledger_->close();
  ledger_ = std::make_shared<Ledger>(context_->shard);
  managed_ = std::make_unique<ManagedStream>(context_->shard, ledger_, id, options);
  managed_->keep_with(keeper_of(*context_, *account_));
  managed_->attach(this);
  if (managed_->is_resumable()) context_->resumable[id] = this;
  return stream::write_enabled(id, static_cast<std::uint32_t>(options.resume_timeout.count()));
}

void ClientSession::told(stream::StanzaCount h) {
  if (managed_->is_resumable()) remember_count(*context_, *account_, managed_->id(), h);
}

void ClientSession::peer_is_silent() {
  log_info("the client acknowledges nothing", {{"stream", stream_id_}, {"jid", account_->str()}});
  transport_->set_deadline_in(std::chrono::milliseconds(0));
}

// ---- what the client says of itself ----

// XEP-0352 §4.2
bool ClientSession::indicate(xml::ElementView state) {
  if (state.name() == "active") {
    send_held();
    return true;
  }
  router::ClientInactive event{*resource_};
  if (state.name() != "inactive" || resource_->user->host->fire(event) != router::Flow::kStop) {
    return false;
  }
  if (client_state_) return true;
  client_state_ = std::make_unique<stream::ClientState>(
      stream::ClientStateLimits{event.stanzas_max, event.bytes_max});
  return true;
}

void ClientSession::send_held() {
  if (client_state_) send_all(std::exchange(client_state_, nullptr)->flush(), nullptr);
}

// `receipt`: of the last one.
void ClientSession::send_all(const std::vector<std::string>& stanzas, ReceiptPtr receipt) {
  for (const std::string& text : stanzas) {
    sent(text, &text == &stanzas.back() ? std::move(receipt) : nullptr);
  }
}

// ---- resumption ----

Task<stream::Actions> ClientSession::resume(stream::ResumeSession what) {
  if (is_outdated()) co_return end_outdated();
  const auto found = context_->resumable.find(what.previd);
  // §5: somebody else's session is not known, and does not notice.
  if (found == context_->resumable.end() || !found->second->jid().same_bare(*account_)) {
    const auto count = co_await last_count(*context_, *account_, what.previd);
    co_return negotiation_->on_resumed({}, stream::write_failed(Errc::kItemNotFound, count));
  }
  Resumable& lost = *found->second;
  auto missed = lost.managed().resume(what.h);
  if (!missed) {
    const auto count = lost.managed().h();
    co_return negotiation_->on_resumed({}, stream::write_failed(Errc::kBadRequest, count));
  }
  take_up(lost.hand_over(), *std::move(missed));
  xml::Element resumed = stream::write_resumed(what.previd, managed_->h());
  co_return negotiation_->on_resumed(resource_->jid, std::move(resumed));
}

void ClientSession::take_up(Held held, std::string missed) {
  resource_ = held.resource;
  resource_->endpoint = this;
  account_ = resource_->jid;
  managed_ = std::move(held.managed);
  ledger_ = managed_->ledger();
  managed_->attach(this);
  context_->resumable[managed_->id()] = this;
  // What was saved over a restart of the server is not to come back once more.
  remember_count(*context_, *account_, managed_->id(), managed_->h());
  behind_answer_ = std::move(missed);
  begin_bound();
  log_info("session resumed", {{"stream", stream_id_}, {"jid", account_->str()}});
}

Resumable::Held ClientSession::hand_over() {
  context_->resumable.erase(managed_->id());
  send_held();
  ledger_.reset();
  Held held{std::exchange(resource_, nullptr), std::move(managed_)};
  end({StreamCondition::kConflict, "the session goes on in another stream"});
  return held;
}

}  // namespace balcony::server
