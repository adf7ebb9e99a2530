#include "server/unacknowledged.h"

#include "base/log.h"
#include "router/delivery.h"
#include "xml/parser.h"

#include <utility>

namespace balcony::server {

Result<Stanza> read_sent(std::string_view text) {
  BALCONY_ASSIGN(xml::Element element, xml::parse(text, xml::Scope{}));
  return Stanza::make(element);
}

std::vector<Stanza> read_kept(std::deque<stream::Kept> kept, std::string_view content_ns) {
  xml::Scope scope;
  scope.default_ns = scope.content_ns = content_ns;
  std::vector<Stanza> all;
  for (stream::Kept& sent : kept) {
    auto element = xml::parse(sent.text, scope);
    if (!element) continue;
    auto stanza = Stanza::make(*element);
    if (!stanza) continue;
    stanza->set_receipt(std::move(sent.receipt));
    all.push_back(*std::move(stanza));
  }
  return all;
}

void return_unacknowledged(ShardContext& context, const Jid& jid,
                           std::deque<stream::Kept> stanzas) {
  if (stanzas.empty()) return;
  router::Router& router = *context.router;
  // shared: what is called may be copied, receipts and all.
  auto kept = std::make_shared<std::deque<stream::Kept>>(std::move(stanzas));
  router.users().with(jid.bare(), [&router, kept](router::UserTable::Loaded user) {
    if (!user) return;  // the account is gone, and what was sent to it
    for (stream::Kept& sent : *kept) {
      auto stanza = read_sent(sent.text);
      if (!stanza) {
        log_error("a stanza that was sent cannot be read", {{"error", stanza.error().to_string()}});
        continue;
      }
      stanza->set_receipt(std::move(sent.receipt));
      router::deliver_again(router, **user, *std::move(stanza), sent.when);
    }
  });
}

ManagedStream::Keeper keeper_of(ShardContext& context, const Jid& jid) {
  return [&context, bare = jid.bare()](const stream::Kept& sent) -> std::optional<ReceiptPtr> {
    const auto user = context.router->users().loaded(bare.str());
    if (!user) return std::nullopt;
    auto stanza = read_sent(sent.text);
    if (!stanza) return sent.receipt;
    stanza->set_receipt(sent.receipt);
    return router::keep_unacknowledged(*user, *stanza, sent.when);
  };
}

}  // namespace balcony::server
