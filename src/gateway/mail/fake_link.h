// A Link for tests: it records what is sent and answers as it is told.
#pragma once

#include "base/manual_loop.h"
#include "gateway/database.h"
#include "gateway/network.h"
#include "xml/writer.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace balcony::gateway::mail {

class FakeLink final : public Link {
 public:
  Loop& loop() override { return manual_loop; }
  Random& random() override { return seeded; }
  ShardSet* shards() override { return nullptr; }
  Database& database() override { return *file; }
  const std::string& domain() const override { return name; }
  bool serves(std::string_view of) const override { return of == "montague.example"; }
  bool is_connected() const override { return connected; }
  Result<Jid> jid_of(std::string_view address) const override {
    BALCONY_ASSIGN(const std::string local, escape_localpart(address));
    return Jid::make(local, name);
  }
  bool is_contact(const Jid& user, std::string_view address) override {
    return contacts.contains({user.str(), std::string(address)});
  }
  bool has_contacts(const Jid& user) override {
    const auto after = contacts.lower_bound({user.str(), ""});
    return after != contacts.end() && after->first == user.str();
  }
  bool take_from_outside(const Jid&) override { return allowed-- > 0; }
  Task<Result<>> deliver(xml::Element message) override {
    sent.push_back(xml::to_string(message));
    co_return answer;
  }
  void send(xml::Element stanza) override { sent.push_back(xml::to_string(stanza)); }

  ManualLoop manual_loop;
  SeededRandom seeded{1};
  std::unique_ptr<Database> file = Database::open(":memory:").value();
  std::string name = "mail.montague.example";
  bool connected = true;
  int allowed = 100;
  std::set<std::pair<std::string, std::string>> contacts;
  Result<> answer;
  std::vector<std::string> sent;
};

}  // namespace balcony::gateway::mail
