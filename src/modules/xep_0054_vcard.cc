// XEP-0054: vcard-temp: a user's card, which everybody may read.
#include "modules/modules.h"
#include "stanza/ns.h"
#include "xml/parser.h"
#include "xml/writer.h"

namespace balcony::modules {
namespace {

using router::User;

constexpr std::string_view kVcardStore = "vcard";

struct VcardOptions {
  Bytes size_max{128 * 1024};
};

// §3.1 and §3.3
Task<IqReply> get(Server& server, std::shared_ptr<User> user, bool own) {
  BALCONY_CO_ASSIGN(
      const std::optional<storage::Value> found,
      co_await server.store().get(user->bare.str(), std::string(kVcardStore), std::string()));
  if (!found) {
    // §3.3: the same as of an account that does not exist, so that nobody learns which ones do.
    if (!own) co_return fail(Errc::kServiceUnavailable);
    co_return fail(Errc::kItemNotFound, "you have no vCard yet");
  }
  BALCONY_CO_ASSIGN(xml::Element card, xml::parse(found->value));
  co_return IqAnswer(std::move(card));
}

// §3.2
IqReply set(Server& server, const VcardOptions& options, const IqRequest& request) {
  std::string card = xml::to_string(request.payload);
  if (card.size() > options.size_max) {
    return fail(Errc::kNotAcceptable,
                "a vCard may have at most " +
                    format_bytes(static_cast<std::int64_t>(options.size_max.count)));
  }
  User& user = *request.user;
  storage::Batch batch;
  batch.add(user.bare.str(), storage::op::Put{std::string(kVcardStore), "", std::move(card)});
  server.events().fire(router::VcardChanging{user, request.payload, batch});
  const storage::Ticket ticket = server.commit(user, std::move(batch));
  server.after_commit(ticket, [&server, account = user.bare] {
    const auto loaded = server.loaded_user(account);
    if (loaded) server.events().fire(router::VcardChanged{*loaded});
  });
  return IqAnswer{{}, ticket};
}

void attach_vcard(Registrar& on, Server& server, const VcardOptions& options) {
  on.feature(ns::kVcardTemp);
  on.account_feature(ns::kVcardTemp);
  on.iq_get_task({ns::kVcardTemp, "vCard"}, Target::kAccount, Access::kAnyone,
                 [&server](const IqRequest& request) {
                   return get(server, request.user, request.from.same_bare(request.user->bare));
                 });
  on.iq_set(
      {ns::kVcardTemp, "vCard"}, Target::kAccount, Access::kOwner,
      [&server, &options](const IqRequest& request) { return set(server, options, request); });
}

}  // namespace

extern const ModuleSpec xep_0054_vcard = router::module<VcardOptions>(
    "vcard", {{"XEP-0054", "1.3.0"}}, "Keeps users' cards (vcard-temp).",
    {option("size_max", &VcardOptions::size_max, Bytes{1024}, Bytes{1024 * 1024},
            "How large a card may be, with its photo.")},
    attach_vcard);

}  // namespace balcony::modules
