// Publishing and reading what is published (XEP-0060, XEP-0163), and cards among it (XEP-0292).
#include "payload/pubsub.h"

#include "payload/vcard4.h"
#include "stanza/ns.h"

#include <balcony/client.h>

#include <utility>

namespace balcony {

Task<Result<std::vector<PubsubItem>>> Client::items(std::optional<Jid> of, std::string node,
                                                    std::uint32_t newest) {
  BALCONY_CO_ASSIGN(const xml::Element answer,
                    co_await get(std::move(of), payload::pubsub_items_query(node, newest)));
  co_return payload::read_pubsub_items(answer);
}

Task<Result<std::string>> Client::publish(std::string node, xml::Element payload,
                                          PublishOptions options) {
  xml::Element request = payload::pubsub_publish(node, std::move(payload), options);
  BALCONY_CO_ASSIGN(const xml::Element answer, co_await set(std::nullopt, std::move(request)));
  std::string id = payload::read_published_id(answer);
  if (id.empty()) id = std::move(options.id);
  co_return id;
}

Task<Result<>> Client::retract(std::string node, std::string id) {
  BALCONY_CO_CHECK(co_await set(std::nullopt, payload::pubsub_retract(node, id)));
  co_return Result<>{};
}

Task<Result<VCard>> Client::vcard4(std::optional<Jid> of) {
  std::string node(ns::kVcard4Node);
  BALCONY_CO_ASSIGN(const auto found, co_await items(std::move(of), std::move(node), 1));
  if (found.empty()) co_return fail(Errc::kItemNotFound, "there is no vCard4");
  co_return payload::read_vcard4(found.back().payload);
}

// What the card holds beside the fields of VCard (a photo, an address) stays as it is.
Task<Result<>> Client::set_vcard4(VCard card) {
  std::string node(ns::kVcard4Node);
  const auto before = co_await items(std::nullopt, node, 1);
  if (!before && before.error().code != Errc::kItemNotFound) co_return fail(before.error());
  xml::ElementView old;
  PublishOptions options("current", {{"access_model", "open"}, {"persist_items", "true"}});
  if (before && !before->empty()) {
    old = before->back().payload;
    options.id = before->back().id;
  }
  const xml::Element made = payload::write_vcard4(card, old);
  // XEP-0292 §3.1: for everybody (XEP-0222), as vcard-temp is; unless the node is set otherwise.
  auto done = co_await publish(node, made.clone(), options);
  if (!done && done.error().code == Errc::kConflict) {
    options.preconditions.clear();
    done = co_await publish(node, made.clone(), options);
  }
  if (!done) co_return fail(done.error());
  co_return Result<>{};
}

}  // namespace balcony
