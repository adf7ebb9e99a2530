// vcard-temp (XEP-0054) as verbs.
#include "client/core.h"
#include "stanza/ns.h"

#include <balcony/client.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace balcony {

Task<Result<VCard>> Client::vcard(std::optional<Jid> of) {
  BALCONY_CO_ASSIGN(const xml::Element answer,
                    co_await get(std::move(of), xml::Element(ns::kVcardTemp, "vCard")));
  const auto text = [&](std::string_view name) {
    return answer.view().child_text(ns::kVcardTemp, name);
  };
  VCard card;
  card.full_name = text("FN");
  card.nickname = text("NICKNAME");
  card.url = text("URL");
  card.birthday = text("BDAY");
  card.description = text("DESC");
  card.email = answer.view().child(ns::kVcardTemp, "EMAIL").child_text(ns::kVcardTemp, "USERID");
  card.photo_type = answer.view().child(ns::kVcardTemp, "PHOTO").child_text(ns::kVcardTemp, "TYPE");
  co_return card;
}

// What the card holds beside these fields (a photo, an address) stays as it is.
Task<Result<>> Client::set_vcard(VCard card) {
  auto before = co_await get(std::nullopt, xml::Element(ns::kVcardTemp, "vCard"));
  // XEP-0054 §3.1: a server may call a card that is not there an error.
  if (!before && before.error().code != Errc::kItemNotFound) co_return fail(before.error());
  xml::Element after(ns::kVcardTemp, "vCard");
  const auto put = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) after.append_text_element(name, value);
  };
  put("FN", card.full_name);
  put("NICKNAME", card.nickname);
  put("URL", card.url);
  put("BDAY", card.birthday);
  put("DESC", card.description);
  if (!card.email.empty()) {
    after.append(ns::kVcardTemp, "EMAIL").append_text_element("USERID", card.email);
  }
  if (before) {
    constexpr std::string_view kOurs[] = {"FN", "NICKNAME", "URL", "BDAY", "DESC", "EMAIL"};
    for (auto child = before->view().first_child(); child; child = child.next_sibling()) {
      if (std::ranges::find(kOurs, child.name()) == std::end(kOurs)) {
        after.append(child.clone());
      }
    }
  }
  BALCONY_CO_CHECK(co_await set(std::nullopt, std::move(after)));
  co_return Result<>{};
}

}  // namespace balcony
