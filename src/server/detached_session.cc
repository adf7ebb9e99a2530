#include "server/detached_session.h"

#include "base/log.h"
#include "server/session_store.h"
#include "server/unacknowledged.h"
#include "stanza/delay.h"
#include "xml/writer.h"

#include <utility>

namespace balcony::server {

DetachedSession::DetachedSession(ShardContext& context, Jid jid,
                                 std::unique_ptr<ManagedStream> managed, Info info)
    : context_(context),
      jid_(std::move(jid)),
      managed_(std::move(managed)),
      info_(std::move(info)) {
  context_.resumable[managed_->id()] = this;
  context_.detached.insert(this);
}

DetachedSession::~DetachedSession() {
  context_.shard.cancel(timer_);
  context_.detached.erase(this);
  if (managed_) context_.resumable.erase(managed_->id());
}

void DetachedSession::begin(ShardContext& context, Held held, Info info) {
  const Jid jid = held.resource->jid;
  auto* session = new DetachedSession(context, jid, std::move(held.managed), std::move(info));
  session->managed_->attach(nullptr);
  session->resource_ = held.resource;
  session->resource_->endpoint = session;
  log_info("session waits for its client", {{"stream", session->info_.stream_id},
                                            {"jid", jid.str()},
                                            {"waiting", session->managed_->waiting().size()}});
  session->wait(session->managed_->options().resume_timeout);
}

Task<Result<>> DetachedSession::restore(ShardContext& context, Jid jid,
                                        std::unique_ptr<ManagedStream> managed, xml::Element state,
                                        std::chrono::milliseconds timeout) {
  auto* session = new DetachedSession(context, jid, std::move(managed), {});
  auto bound = co_await context.router->bind(jid.bare(), std::string(jid.resource()), *session);
  if (!bound) {
    delete session;
    co_return fail(bound.error());
  }
  session->resource_ = *bound;
  restore_resource(*session->resource_, state);
  take_rows_back(*session->resource_, *session->managed_);
  session->wait(timeout);
  co_return Result<>{};
}

void DetachedSession::wait(std::chrono::milliseconds timeout) {
  timer_ = context_.shard.after(timeout, [this] {
    timer_ = 0;
    expire();
  });
}

void DetachedSession::keep(std::string_view text, ReceiptPtr receipt) {
  if (managed_->sent(text, std::move(receipt)) || timer_ == 0) return;
  log_info("session ends: too much waits for its client", {{"jid", jid_.str()}});
  // The router is in the middle of a delivery: its list of resources must not change now.
  context_.shard.cancel(timer_);
  wait(std::chrono::milliseconds(0));
}

void DetachedSession::deliver(const Stanza& stanza, std::string_view to) {
  std::string text;
  xml::WriteOptions options;
  options.to = to;
  // XEP-0198 §5 asks for it: the client sees when what it gets after coming back was sent.
  const Jid& host = resource_->user->host->host();
  if (stanza.is_message() && !find_delay(stanza.xml(), host)) {
    Stanza late = stanza.clone();
    late.edit().append(write_delay(Delay(context_.shard.clock().wall(), host)));
    xml::write(text, late.xml(), options);
  } else {
    xml::write(text, stanza.xml(), options);
  }
  keep(text, to_answer_for(stanza));
}

void DetachedSession::deliver(xml::ElementView element) {
  std::string text;
  xml::write(text, element);
  keep(text, nullptr);
}

void DetachedSession::close(const StreamError& /*error*/) {
  resource_ = nullptr;  // the router's to free
  end_later();
}

void DetachedSession::end_later() {
  context_.shard.cancel(std::exchange(timer_, 0));
  context_.shard.post([this] {
    if (managed_) {
      forget_session(context_, jid_, managed_->id());
      return_unacknowledged(context_, jid_, managed_->take_unacknowledged());
    }
    delete this;
  });
}

void DetachedSession::expire() {
  log_info("session ended: its client did not come back", {{"jid", jid_.str()}});
  context_.router->unbind(*std::exchange(resource_, nullptr));
  end_later();
}

Resumable::Held DetachedSession::hand_over() {
  Held held{std::exchange(resource_, nullptr), nullptr};
  context_.resumable.erase(managed_->id());
  held.managed = std::move(managed_);
  end_later();
  return held;
}

void DetachedSession::save() {
  context_.shard.cancel(std::exchange(timer_, 0));
  save_session(context_, *resource_, *managed_);
  managed_->ledger()->close();
}

}  // namespace balcony::server
