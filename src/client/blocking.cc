// The blocking command (XEP-0191) as verbs.
#include "client/core.h"
#include "stanza/ns.h"

#include <balcony/client.h>

#include <utility>

namespace balcony {
namespace {

constexpr std::string_view kBlocking = "urn:xmpp:blocking";

xml::Element write_items(std::string_view name, const std::vector<Jid>& jids) {
  xml::Element element(kBlocking, name);
  for (const Jid& jid : jids) element.append(kBlocking, "item").set("jid", jid.str());
  return element;
}

std::vector<Jid> read_items(xml::ElementView element) {
  std::vector<Jid> jids;
  for (const xml::ElementView item : element.children(kBlocking, "item")) {
    if (auto jid = Jid::parse(item.attr("jid"))) jids.push_back(*std::move(jid));
  }
  return jids;
}

}  // namespace

Task<Result<std::vector<Jid>>> Client::blocked() {
  BALCONY_CO_ASSIGN(const xml::Element answer,
                    co_await get(std::nullopt, xml::Element(kBlocking, "blocklist")));
  co_return read_items(answer);
}

Task<Result<>> Client::block(std::vector<Jid> jids) {
  // XEP-0191 §3.3: a block of nobody is a bad request; spare the way.
  if (jids.empty()) co_return fail(Errc::kUsage, "whom to block?");
  BALCONY_CO_CHECK(co_await set(std::nullopt, write_items("block", jids)));
  co_return Result<>{};
}

Task<Result<>> Client::unblock(std::vector<Jid> jids) {
  // §3.5: an empty list would be everybody.
  if (jids.empty()) co_return fail(Errc::kUsage, "whom to unblock?");
  BALCONY_CO_CHECK(co_await set(std::nullopt, write_items("unblock", jids)));
  co_return Result<>{};
}

Task<Result<>> Client::unblock_all() {
  BALCONY_CO_CHECK(co_await set(std::nullopt, xml::Element(kBlocking, "unblock")));
  co_return Result<>{};
}

// §3.3, §3.4: only the own account pushes.
bool client::Core::take_block_push(xml::ElementView iq, const Jid& from) {
  const xml::ElementView payload = iq.first_child();
  if (iq.attr("type") != "set" || payload.ns() != kBlocking || from != jid_.bare()) return false;
  if (payload.name() != "block" && payload.name() != "unblock") return false;
  if (handlers.block_push) {
    handlers.block_push(BlockPush(payload.name() == "block", read_items(payload)));
  }
  return true;
}

void Client::on_block_push(std::move_only_function<void(const BlockPush&)> handler) {
  core_->handlers.block_push = std::move(handler);
}

}  // namespace balcony
