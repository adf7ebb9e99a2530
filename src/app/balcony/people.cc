// block, unblock, vcard.
#include "app/balcony/commands.h"
#include "app/balcony/exit_code.h"
#include "app/balcony/output.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <utility>

namespace balcony::cli {
namespace {

// The texts of a vcard, by the names of the command's options.
constexpr std::pair<const char*, std::string VCard::*> kFields[] = {
    {"name", &VCard::full_name}, {"nick", &VCard::nickname},     {"email", &VCard::email},
    {"url", &VCard::url},        {"birthday", &VCard::birthday}, {"about", &VCard::description},
};

void print(const VCard& card, bool json) {
  nlohmann::json object = nlohmann::json::object();
  for (const auto& [name, member] : kFields) {
    if ((card.*member).empty()) continue;
    object[name] = card.*member;
    if (!json) say(printable(std::string(name) + ": " + card.*member));
  }
  if (!card.photo_type.empty()) object["photo"] = card.photo_type;
  if (json) say_json(object);
}

// A card, and in which of its two forms the server has it.
struct FoundCard {
  FoundCard(VCard card_, bool is_vcard4_) : card(std::move(card_)), is_vcard4(is_vcard4_) {}
  VCard card;
  bool is_vcard4;
};

// The vCard4 (XEP-0292) where there is one, else the older one (XEP-0054).
Task<Result<FoundCard>> find_card(Client& client, std::optional<Jid> of) {
  auto newer = co_await client.vcard4(of);
  if (newer) co_return FoundCard(*std::move(newer), true);
  auto older = co_await client.vcard(std::move(of));
  if (!older) co_return fail(older.error());
  co_return FoundCard(*std::move(older), false);
}

}  // namespace

Task<int> block(Client& client, Globals globals, BlockArguments arguments) {
  if (arguments.jids.empty() && !arguments.all) {
    const auto blocked = co_await client.blocked();
    if (!blocked) co_return report(blocked.error());
    for (const Jid& jid : *blocked) {
      globals.json ? say_json(nlohmann::json{{"jid", jid.str()}}) : say(printable(jid.str()));
    }
    co_return kOk;
  }
  std::vector<Jid> jids;
  for (const std::string& text : arguments.jids) {
    auto jid = address_or(text, client.jid());
    if (!jid) co_return report(jid.error());
    jids.push_back(*std::move(jid));
  }
  Result<> done;
  if (!arguments.unblock) {
    done = co_await client.block(std::move(jids));
  } else if (arguments.all) {
    done = co_await client.unblock_all();
  } else {
    done = co_await client.unblock(std::move(jids));
  }
  if (!done) co_return report(done.error());
  co_return kOk;
}

Task<int> vcard(Client& client, Globals globals, VCardArguments arguments) {
  std::optional<Jid> of;
  if (!arguments.of.empty()) {
    auto jid = address_or(arguments.of, client.jid());
    if (!jid) co_return report(jid.error());
    of = *std::move(jid);
  }
  auto found = co_await find_card(client, std::move(of));
  if (!arguments.change) {
    if (!found) co_return report(found.error());
    print(found->card, globals.json);
    co_return kOk;
  }
  // XEP-0054 §3.1: who has no card yet may be answered with an error.
  VCard changed = found ? found->card : VCard();
  for (const auto& [name, member] : kFields) {
    const auto given = arguments.fields.find(name);
    if (given != arguments.fields.end()) changed.*member = given->second;
  }
  // In both forms, where there are both: some people's clients look at one, some at the other.
  auto done = co_await client.set_vcard(changed);
  if (!done) co_return report(done.error());
  if (found && found->is_vcard4) {
    done = co_await client.set_vcard4(std::move(changed));
    if (!done) co_return report(done.error());
  }
  co_return kOk;
}

}  // namespace balcony::cli
