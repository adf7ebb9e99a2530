#include "client/requests.h"

#include "base/assert.h"
#include "stanza/stanza_error.h"
#include "stream/server_says.h"

#include <utility>

namespace balcony::client {

bool may_answer(const std::optional<Jid>& to, const std::optional<Jid>& from, const Jid& self) {
  const auto is_own = [&](const Jid& jid) {
    return jid == self || (jid.is_bare() && jid.same_bare(self));
  };
  const auto is_server = [&](const Jid& jid) {
    return !jid.has_local() && jid.is_bare() && jid.domain() == self.domain();
  };
  if (!to) return !from || is_own(*from) || is_server(*from);
  if (!from) return is_own(*to) || is_server(*to);
  return *from == *to;
}

RequestTable::Pending::Pending(RequestTable& table, Loop& loop, std::string id,
                               std::optional<Jid> to, std::chrono::milliseconds timeout)
    : table_(&table), loop_(loop), id_(std::move(id)), to_(std::move(to)) {
  BALCONY_ASSERT(table_->pending_.emplace(id_, this).second, "an iq's id is in use");
  timer_ = loop_.after(timeout, [this] {
    timer_ = 0;
    std::string who = to_ ? to_->str() : std::string("the server");
    table_->finish(*this, fail(Errc::kTimeout, "no answer from " + who + " in time"));
  });
}

RequestTable::Pending::~Pending() {
  loop_.cancel(timer_);
  if (table_) table_->pending_.erase(id_);
}

bool RequestTable::answered(xml::ElementView iq, const Jid& self) {
  const auto found = pending_.find(iq.attr("id"));
  if (found == pending_.end()) return false;
  std::optional<Jid> from;
  if (const auto text = iq.find_attr("from")) {
    auto jid = Jid::parse(*text);
    if (!jid) return false;
    from = *std::move(jid);
  }
  if (!may_answer(found->second->to_, from, self)) return false;
  if (iq.attr("type") == "error") {
    auto error = read_stanza_error(iq);
    if (!error) error.emplace();
    finish(*found->second, fail(stream::to_error(*error)));
    return true;
  }
  const xml::ElementView payload = iq.first_child();
  finish(*found->second, payload ? payload.clone() : xml::Element{});
  return true;
}

void RequestTable::fail_all(const Error& error) {
  while (!pending_.empty()) finish(*pending_.begin()->second, fail(error));
}

void RequestTable::finish(Pending& pending, Result<xml::Element> answer) {
  pending_.erase(pending.id_);
  pending.table_ = nullptr;
  pending.loop_.cancel(std::exchange(pending.timer_, 0));
  pending.answer.set(std::move(answer));  // may end the frame that `pending` lives in
}

}  // namespace balcony::client
