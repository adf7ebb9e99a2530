// What rosters, service discovery and the like consist of, as ordinary types. Values; any thread.
//
// The client's verbs (balcony/client.h) give and take these.
#pragma once

#include <balcony/element.h>
#include <balcony/jid.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace balcony {

// An entry of the user's roster (RFC 6121 §2.1.2).
struct RosterItem {
  enum class Subscription : std::uint8_t { kNone, kTo, kFrom, kBoth, kRemove };

  explicit RosterItem(Jid jid_, std::string name_ = {}, std::vector<std::string> groups_ = {})
      : jid(std::move(jid_)), name(std::move(name_)), groups(std::move(groups_)) {}

  Jid jid;
  std::string name;
  std::vector<std::string> groups;
  // The rest is the server's to say; ignored in what is sent.
  Subscription subscription = Subscription::kNone;
  bool ask = false;       // a request of ours waits for the contact's answer
  bool approved = false;  // RFC 6121 §3.4: pre-approved

  friend bool operator==(const RosterItem&, const RosterItem&) = default;
};

std::string_view to_string(RosterItem::Subscription subscription) noexcept;

// The answer to disco#info (XEP-0030 §3).
struct DiscoInfo {
  struct Identity {
    std::string category;
    std::string type;
    std::string name;

    friend bool operator==(const Identity&, const Identity&) = default;
  };
  std::vector<Identity> identities;
  std::vector<std::string> features;

  bool has(std::string_view feature) const noexcept;
  friend bool operator==(const DiscoInfo&, const DiscoInfo&) = default;
};

// One of the answers to disco#items (XEP-0030 §4).
struct DiscoItem {
  explicit DiscoItem(Jid jid_, std::string node_ = {}, std::string name_ = {})
      : jid(std::move(jid_)), node(std::move(node_)), name(std::move(name_)) {}

  Jid jid;
  std::string node;
  std::string name;

  friend bool operator==(const DiscoItem&, const DiscoItem&) = default;
};

// Software version (XEP-0092).
struct SoftwareVersion {
  std::string name;
  std::string version;
  std::string os;  // may be empty

  friend bool operator==(const SoftwareVersion&, const SoftwareVersion&) = default;
};

// Entity time (XEP-0202).
struct EntityTime {
  std::chrono::sys_time<std::chrono::milliseconds> utc{};
  std::chrono::minutes zone{0};  // east of Greenwich

  friend bool operator==(const EntityTime&, const EntityTime&) = default;
};

// What a person says about himself (XEP-0054, XEP-0292), as far as it is text. Empty: not said.
struct VCard {
  std::string full_name;
  std::string nickname;
  std::string email;
  std::string url;
  std::string birthday;  // as written, "1982-04-23"
  std::string description;
  std::string photo_type;  // "image/png" when there is a photo; not sent

  friend bool operator==(const VCard&, const VCard&) = default;
};

// Something published at a node (XEP-0060 §1.1): an account's or a service's.
struct PubsubItem {
  std::string id;
  xml::Element payload;  // empty: it has none
};

// How something is published (XEP-0060 §7.1).
struct PublishOptions {
  PublishOptions() = default;
  explicit PublishOptions(std::string id_, std::map<std::string, std::string> preconditions_ = {})
      : id(std::move(id_)), preconditions(std::move(preconditions_)) {}

  std::string id;  // of the item; one that is there is replaced. Empty: the server makes one
  // What the node's configuration has to be (§7.1.5), and is made to be where there is no node yet:
  // {"access_model", "open"}, without "pubsub#".
  std::map<std::string, std::string> preconditions;
};

// What changed in the list of who is blocked (XEP-0191 §3.3, §3.4).
struct BlockPush {
  BlockPush(bool blocked_, std::vector<Jid> jids_) : blocked(blocked_), jids(std::move(jids_)) {}

  bool blocked;           // else unblocked
  std::vector<Jid> jids;  // none: everybody was unblocked
};

// Last activity (XEP-0012).
struct LastActivity {
  std::chrono::seconds ago{0};
  std::string status;  // of the last unavailable presence; may be empty

  friend bool operator==(const LastActivity&, const LastActivity&) = default;
};

}  // namespace balcony
