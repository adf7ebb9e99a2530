#include "router/testing/test_world.h"
#include "router/delivery.h"
#include "router/registration_limit.h"

#include <utility>

namespace balcony::router::testing {

// Hands everything on; commits fail while the world says so.
class World::FailingStore final : public storage::Store {
 public:
  FailingStore(World& world, Loop& loop, std::unique_ptr<storage::Store> under)
      : world_(world), loop_(loop), under_(std::move(under)) {}

  storage::Ticket commit(storage::Batch batch) override {
    if (!world_.fail_commits) return under_->commit(std::move(batch));
    failed_.emplace_back(--next_failed_, *world_.fail_commits);
    return next_failed_;
  }
  void when(storage::Ticket ticket, storage::Done done) override {
    for (const auto& [number, error] : failed_) {
      if (number != ticket) continue;
      loop_.post([done = std::move(done), e = error]() mutable { done(fail(e)); });
      return;
    }
    under_->when(ticket, std::move(done));
  }
  storage::Ticket busy_until() const override { return under_->busy_until(); }
  Task<Result<std::optional<storage::Value>>> get(std::string o, std::string s,
                                                  std::string k) override {
    return under_->get(std::move(o), std::move(s), std::move(k));
  }
  Task<Result<std::vector<storage::MapEntry>>> scan(std::string o, std::string s, std::string p,
                                                    std::string a, std::uint32_t l) override {
    return under_->scan(std::move(o), std::move(s), std::move(p), std::move(a), l);
  }
  Task<Result<storage::ArchivePage>> page(std::string o, std::string s,
                                          storage::ArchiveQuery q) override {
    return under_->page(std::move(o), std::move(s), std::move(q));
  }
  Task<Result<std::uint64_t>> count(std::string o, std::string s,
                                    storage::ArchiveQuery q) override {
    return under_->count(std::move(o), std::move(s), std::move(q));
  }
  Task<Result<std::optional<storage::ArchiveRow>>> find(std::string o, std::string s,
                                                        std::string i) override {
    return under_->find(std::move(o), std::move(s), std::move(i));
  }
  Task<Result<std::optional<storage::ArchiveRow>>> find_origin(std::string o, std::string s,
                                                               std::string w,
                                                               std::string i) override {
    return under_->find_origin(std::move(o), std::move(s), std::move(w), std::move(i));
  }
  Task<Result<std::vector<std::string>>> owners(std::string s, std::string a,
                                                std::uint32_t l) override {
    return under_->owners(std::move(s), std::move(a), l);
  }
  Task<Result<std::optional<storage::Account>>> account(std::string h, std::string u) override {
    return under_->account(std::move(h), std::move(u));
  }
  Task<Result<std::vector<storage::Account>>> accounts(std::string h, std::string a,
                                                       std::uint32_t l) override {
    return under_->accounts(std::move(h), std::move(a), l);
  }
  Task<Result<AccountCounts>> account_counts(std::string h) override {
    return under_->account_counts(std::move(h));
  }

 private:
  World& world_;
  Loop& loop_;
  std::unique_ptr<storage::Store> under_;
  std::vector<std::pair<storage::Ticket, Error>> failed_;
  storage::Ticket next_failed_ = ~storage::Ticket{0};
};

// Accounts without hashing: the password is kept for the test to look at. As the server's, they
// work on the account's home shard.
class World::TestAccounts final : public Accounts {
 public:
  explicit TestAccounts(World& world) : world_(world) {}

  Task<Result<>> create(Jid account, std::string password) override {
    if (password == kRefusedPassword) co_return fail(Errc::kNotAcceptable, "not this password");
    BALCONY_CO_ASSIGN(const bool found, co_await exists(account));
    if (found) co_return fail(Errc::kConflict);
    world_.passwords[account.str()] = password;
    storage::Batch batch = put_account(account);
    co_return co_await home_of(account).store->write(std::move(batch));
  }
  Task<Result<>> set_password(Jid account, std::string password) override {
    if (password == kRefusedPassword) co_return fail(Errc::kNotAcceptable, "not this password");
    BALCONY_CO_ASSIGN(const bool found, co_await exists(account));
    if (!found) co_return fail(Errc::kItemNotFound);
    world_.passwords[account.str()] = password;
    co_return Result<>{};
  }
  Task<Result<>> remove(Jid account, std::function<void()> when_removed) override {
    BALCONY_CO_ASSIGN(const bool found, co_await exists(account));
    if (!found) co_return fail(Errc::kItemNotFound);
    // A caller on another shard is the test itself, which runs all loops.
    Shard& home = home_of(account);
    co_await home.router->users().get(account);
    const auto user = home.router->begin_removal(account);
    storage::Batch batch;
    batch.add(account.domain(), storage::op::EraseAccount{std::string(account.local())});
    batch.add(account.str(), storage::op::EraseOwner{});
    const Result<> written = co_await home.store->write(std::move(batch));
    if (written && when_removed) when_removed();
    if (user) home.router->finish_removal(*user, written);
    co_return written;
  }
  Task<Result<bool>> exists(Jid account) override {
    auto found = co_await home_of(account).store->account(std::string(account.domain()),
                                                          std::string(account.local()));
    if (!found) co_return fail(found.error());
    co_return found->has_value();
  }

  Task<bool> admit_registration(std::string address, std::int64_t per_hour) override {
    co_return registrations_.admit(address, per_hour, world_.shards_.front()->loop.clock().now());
  }

  static storage::Batch put_account(const Jid& jid) {
    storage::Account account;
    account.user = jid.local();
    storage::Batch batch;
    batch.add(jid.domain(), storage::op::PutAccount{std::move(account)});
    return batch;
  }

 private:
  Shard& home_of(const Jid& account) {
    return *world_.shards_[home_shard(account.bare_str(), world_.shards_.size())];
  }
  World& world_;
  RegistrationLimit registrations_;
};

xml::Element World::stranger(std::string_view xml, std::string_view address, std::size_t shard) {
  auto iq = xml::parse(xml, xml::Scope{}, xml::Limits{});
  EXPECT_TRUE(iq) << xml;
  xml::Element answer;
  if (!iq) return answer;
  balcony::spawn([](Router& at, xml::Element asked, std::string from, xml::Element& to) -> Task<> {
    to = co_await at.stranger("localhost", std::move(asked), from);
  }(router(shard), *std::move(iq), std::string(address), answer));
  run();
  return answer;
}

World::World(std::vector<const ModuleSpec*> modules, std::size_t shards)
    : accounts_(std::make_unique<TestAccounts>(*this)),
      database_(storage::make_memory_database()),
      modules_(std::move(modules)) {
  for (std::size_t i = 0; i < shards; ++i) {
    auto shard = std::make_unique<Shard>();
    shard->store = std::make_unique<FailingStore>(*this, shard->loop, database_->open(shard->loop));
    shards_.push_back(std::move(shard));
  }
  for (std::size_t i = 0; i < shards; ++i) {
    Shard& shard = *shards_[i];
    const RouterDeps deps{
        shard.loop, *shard.store, random_, *accounts_, *this, i, shard.loop.clock().now()};
    shard.router = std::make_unique<Router>(deps, RouterOptions{});
  }
  set_hosts();
}

World::~World() {
  run();
}

void World::set_hosts() {
  std::vector<HostSetup> setups;
  for (const std::string& domain : domains_) {
    HostSetup setup{*Jid::parse(domain), {}};
    for (const ModuleSpec* spec : modules_) {
      std::shared_ptr<void> options = spec->options.make();
      for (const auto& [name, value] : options_[spec->name]) {
        const Result<> set = set_option(*spec->options.find(name), options.get(), value);
        EXPECT_TRUE(set) << set.error().to_string();
      }
      setup.modules.push_back({spec, std::move(options)});
    }
    setups.push_back(std::move(setup));
  }
  for (auto& shard : shards_) shard->router->set_hosts(setups);
  run();
}

void World::add_host(std::string_view domain) {
  domains_.emplace_back(domain);
  set_hosts();
}

void World::set(std::string_view module, std::string_view option, OptionValue value) {
  options_[std::string(module)][std::string(option)] = std::move(value);
  set_hosts();
}

void World::account(std::string_view bare) {
  const Jid jid = *Jid::parse(bare);
  store().commit(TestAccounts::put_account(jid));
  run();
}

TestClient& World::login(std::string_view full_jid) {
  const Jid jid = *Jid::parse(full_jid);
  account(jid.bare_str());
  Router& router = router_of(jid.bare_str());
  clients_.push_back(std::make_unique<TestClient>(*this, router));
  TestClient& client = *clients_.back();
  balcony::spawn([](Router& at, Jid who, TestClient& to) -> Task<> {
    auto bound = co_await at.bind(who.bare(), std::string(who.resource()), to);
    EXPECT_TRUE(bound) << bound.error().to_string();
    if (bound) {
      to.resource_ = *bound;
      to.jid_ = (*bound)->jid;
    }
  }(router, jid, client));
  run();
  EXPECT_NE(client.resource_, nullptr) << full_jid << " could not log in";
  return client;
}

TestClient& World::login_available(std::string_view full_jid) {
  TestClient& client = login(full_jid);
  client.send("<presence/>");
  client.clear();
  return client;
}

void World::run() {
  for (bool again = true; again;) {
    again = false;
    for (auto& shard : shards_) again = shard->loop.run() || again;
  }
}

void World::advance(std::chrono::milliseconds by) {
  for (auto& shard : shards_) shard->loop.advance(by);
  run();
}

Router& World::router_of(std::string_view bare) {
  return *shards_[home_shard(bare, shards_.size())]->router;
}

void World::post(std::size_t shard, std::move_only_function<void(Router&)> job) {
  shards_[shard]->loop.post(
      [router = shards_[shard]->router.get(), job = std::move(job)]() mutable { job(*router); });
}

void TestClient::send(std::string_view text) {
  xml::Scope scope;
  auto element = xml::parse(text, scope, xml::Limits{.stanza_bytes_max = 1 << 20});
  ASSERT_TRUE(element) << text << ": " << element.error().to_string();
  auto stanza = Stanza::make(*element);
  ASSERT_TRUE(stanza) << text << ": " << stanza.error().to_string();
  ASSERT_NE(resource_, nullptr) << "the session has ended";
  if (auto task = router_.receive(*resource_, *std::move(stanza))) balcony::spawn(std::move(*task));
  world_.run();
}

std::string TestClient::received() {
  if (inbox_.empty()) return {};
  std::string first = std::move(inbox_.front());
  inbox_.pop_front();
  return first;
}

xml::Element TestClient::received_element() {
  const std::string text = received();
  if (text.empty()) return {};
  auto element = xml::parse(text);
  EXPECT_TRUE(element) << text;
  return element ? *std::move(element) : xml::Element{};
}

std::string TestClient::received_all() {
  std::string all;
  while (!inbox_.empty()) {
    if (!all.empty()) all.push_back('\n');
    all.append(received());
  }
  return all;
}

void TestClient::disconnect() {
  if (resource_) router_.unbind(*std::exchange(resource_, nullptr));
  world_.run();
}

void TestClient::deliver(const Stanza& stanza, std::string_view to) {
  std::string text;
  xml::write(text, stanza.xml(), {.scope_ns = {}, .stream_prefix = false, .to = to});
  if (is_managed_) {
    held_.push_back({text, stanza.receipt()});
  } else if (stanza.receipt()) {
    stanza.receipt()->delivered();
  }
  inbox_.push_back(std::move(text));
}

void TestClient::acknowledge(std::size_t count) {
  ASSERT_LE(count, held_.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (held_.front().receipt) held_.front().receipt->delivered();
    held_.pop_front();
  }
  world_.run();
}

void TestClient::give_back() {
  const auto user = router_.users().loaded(jid_.bare_str());
  ASSERT_NE(user, nullptr);
  for (Held& held : std::exchange(held_, {})) {
    auto element = xml::parse(held.text);
    ASSERT_TRUE(element) << held.text;
    auto stanza = Stanza::make(*element);
    ASSERT_TRUE(stanza) << held.text;
    stanza->set_receipt(std::move(held.receipt));
    deliver_again(router_, *user, *std::move(stanza), world_.wall());
  }
  world_.run();
}

}  // namespace balcony::router::testing
