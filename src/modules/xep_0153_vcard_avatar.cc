// XEP-0153: vCard-Based Avatars: the server says in a user's presence which photo is in his card,
// so that no client has to fetch it first (by the rules of XEP-0398 §4).
//
// Store: "vcard_photo", one entry: the hash of the photo.
#include "base/base64.h"
#include "modules/modules.h"
#include "modules/presence_sending.h"
#include "sasl/crypto.h"
#include "stanza/ns.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace balcony::modules {
namespace {

using router::ConnectedResource;
using router::SlotKey;
using router::User;

constexpr std::string_view kPhotoStore = "vcard_photo";

// Of a user who has, or had since he was loaded, a photo.
struct Avatar {
  std::string hash;  // lower-case hexadecimal; empty: no photo
  bool changed = false;
  bool telling = false;  // the presence under way is of this module
};
const SlotKey<Avatar> kAvatar;
// Of a session whose client says that there is no image (§4.1 rule 3).
const SlotKey<bool> kNoImage;

// §3.1: of the image itself, whatever white space its base64 has (§4.6). Empty for none, and for
// what is no base64.
std::string photo_hash(xml::ElementView card) {
  std::string text = card.child("PHOTO").child_text(ns::kVcardTemp, "BINVAL");
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  const auto image = base64_decode(text);
  if (!image || image->empty()) return {};
  return hex_encode(sasl::digest(sasl::ScramHash::kSha1, *image));
}

void set_update(Stanza& presence, std::string_view hash) {
  presence.edit().remove_children(ns::kVcardUpdate, "x");
  xml::ElementRef photo = presence.edit().append(ns::kVcardUpdate, "x").append("photo");
  if (!hash.empty()) photo.append_text(hash);
}

// XEP-0398 §4: what the client says is corrected, but for its word that there is no image.
bool says_no_image(const Stanza& presence) {
  const xml::ElementView photo = presence.xml().child(ns::kVcardUpdate, "x").child("photo");
  return photo && photo.text().empty();
}

void add_hash(const User& user, Stanza& presence) {
  const Avatar* avatar = user.slots.find(kAvatar);
  if (!avatar || avatar->hash.empty() || avatar->telling) return;
  if (!says_no_image(presence)) set_update(presence, avatar->hash);
}

// A client's own presence, for all.
Flow broadcasting(router::PresenceOutgoing& event) {
  if (event.stanza.to() || event.stanza.type() != StanzaType::kAvailable) return Flow::kContinue;
  const Avatar* avatar = event.sender.user->slots.find(kAvatar);
  if (avatar && avatar->telling) return Flow::kContinue;
  if (says_no_image(event.stanza)) {
    event.sender.slots.get(kNoImage) = true;
  } else {
    event.sender.slots.erase(kNoImage);
  }
  add_hash(*event.sender.user, event.stanza);
  return Flow::kContinue;
}

void change(router::VcardChanging& event) {
  std::string hash = photo_hash(event.card);
  Avatar* avatar = event.user.slots.find(kAvatar);
  if (hash == (avatar ? avatar->hash : std::string{})) return;
  const std::string& owner = event.user.bare.str();
  if (hash.empty()) {
    event.batch.add(owner, storage::op::Erase{std::string(kPhotoStore), {}});
  } else {
    event.batch.add(owner, storage::op::Put{std::string(kPhotoStore), {}, hash});
  }
  Avatar& made = event.user.slots.get(kAvatar);
  made.hash = std::move(hash);
  made.changed = true;
}

// §3.1: everybody who sees the user is told, in the last presence of each of his resources.
void tell(Server& server, User& user) {
  Avatar* avatar = user.slots.find(kAvatar);
  if (!avatar || !std::exchange(avatar->changed, false)) return;
  std::vector<std::pair<Jid, Stanza>> all;
  for (const auto& resource : user.resources) {
    if (!resource->available || resource->slots.find(kNoImage)) continue;
    auto presence = last_presence(*resource);
    if (!presence) continue;
    set_update(*presence, avatar->hash);
    all.emplace_back(resource->jid, *std::move(presence));
  }
  for (auto& [jid, presence] : all) {
    ConnectedResource* resource = user.find(jid.resource());
    if (!resource) continue;
    user.slots.get(kAvatar).telling = true;
    server.events().fire(router::PresenceOutgoing{*resource, presence});
    user.slots.get(kAvatar).telling = false;
  }
}

Task<Result<>> load_photo(Server& server, std::shared_ptr<User> user) {
  BALCONY_CO_ASSIGN(
      const std::optional<storage::Value> found,
      co_await server.store().get(user->bare.str(), std::string(kPhotoStore), std::string()));
  if (found) user->slots.get(kAvatar).hash = found->value;
  co_return Result<>{};
}

void attach_vcard_avatar(Registrar& on, Server& server, const NoOptions&) {
  on.on_load_user(
      [&server](std::shared_ptr<User> user) { return load_photo(server, std::move(user)); });
  on.on<router::VcardChanging>([](router::VcardChanging& event) {
    change(event);
    return Flow::kContinue;
  });
  on.on<router::VcardChanged>([&server](router::VcardChanged& event) {
    tell(server, event.user);
    return Flow::kContinue;
  });
  on.on<router::PresenceOutgoing>(
      Priority::kEarly, [](router::PresenceOutgoing& event) { return broadcasting(event); });
  // XEP-0398 §4: also to rooms and whomever else.
  on.on<router::StanzaOutgoing>(
      StanzaKind::kPresence, Priority::kNormal, [](router::StanzaOutgoing& event) {
        const bool available = event.stanza.type() == StanzaType::kAvailable;
        if (available) add_hash(*event.sender.user, event.stanza);
        return Flow::kContinue;
      });
}

}  // namespace

extern const ModuleSpec xep_0153_vcard_avatar = router::module<NoOptions>(
    "vcard_avatar", {{"XEP-0153", "1.1.1"}}, "Tells in presence which photo is in a user's card.",
    {}, attach_vcard_avatar);

}  // namespace balcony::modules
