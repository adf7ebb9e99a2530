#include "net/resolver.h"

#include "net/reactor.h"
#include "net/shard.h"

#include "base/assert.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unbound.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace balcony {
namespace {

// RFC 1035 §3.2.2, RFC 3596, RFC 2782.
constexpr int kTypeA = 1;
constexpr int kTypeAaaa = 28;
constexpr int kTypeSrv = 33;
constexpr int kTypeTlsa = 52;  // RFC 6698 §7.1
constexpr int kClassInternet = 1;

struct Answer {
  std::vector<std::string> data;  // RDATA of each record
  bool secure = false;
};

// A question under way. Its OneShot is set on the shard that asked, unless the coroutine that waits
// for it has been destroyed.
struct Question {
  Shard& asker;
  std::string name;
  int type;
  Instant deadline;
  OneShot<Result<Answer>> answer;
  bool abandoned = false;

  void answer_from_any_thread(std::shared_ptr<Question> self, Result<Answer> result) {
    asker.post([self = std::move(self), result = std::move(result)]() mutable {
      if (!self->abandoned) self->answer.set(std::move(result));
    });
  }
};

Result<Answer> answer_of(const Question& question, int error, const ub_result* result) {
  if (error != 0) return fail(Errc::kConnect, std::string("DNS fails: ") + ub_strerror(error));
  if (result->bogus != 0) {
    const std::string why = result->why_bogus != nullptr ? result->why_bogus : "bad signature";
    return fail(Errc::kConnect, "the DNS answer for " + question.name + " is forged: " + why);
  }
  constexpr int kNoSuchName = 3;
  if (result->rcode != 0 && result->rcode != kNoSuchName) {
    return fail(Errc::kConnect, "the DNS servers give no answer for " + question.name);
  }
  if (result->havedata == 0) return fail(Errc::kNotFound, question.name + " is not in DNS");
  Answer answer;
  answer.secure = result->secure != 0;
  constexpr std::size_t kRecordsMax = 64;
  for (std::size_t i = 0; result->data[i] != nullptr && i < kRecordsMax; ++i) {
    answer.data.emplace_back(result->data[i], static_cast<std::size_t>(result->len[i]));
  }
  return answer;
}

bool is_localhost(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost");  // RFC 6761 §6.3
}

SocketAddress address_of(std::string_view rdata, std::uint16_t port) {
  sockaddr_storage storage{};
  if (rdata.size() == sizeof(in_addr)) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, rdata.data(), rdata.size());
    std::memcpy(&storage, &v4, sizeof v4);
  } else if (rdata.size() == sizeof(in6_addr)) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, rdata.data(), rdata.size());
    std::memcpy(&storage, &v6, sizeof v6);
  }
  SocketAddress address = SocketAddress::from_system(reinterpret_cast<const sockaddr&>(storage));
  address.set_port(port);
  return address;
}

}  // namespace

// libunbound's context, on the home shard.
class Resolver::Engine final : public Watcher, public std::enable_shared_from_this<Engine> {
 public:
  Engine(Shard& home, ResolverOptions options) : home_(home), options_(std::move(options)) {}
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine() override { close(); }

  Result<> configure();
  void start();
  void close();
  Shard& home() { return home_; }

  // On any shard. The Question is in the list of this engine from now on.
  std::shared_ptr<Question> ask(std::string name, int type);
  // Waits for it, no longer than the timeout.
  Task<Result<Answer>> wait(std::shared_ptr<Question> question);

 private:
  struct UnderWay {
    Engine& engine;
    std::shared_ptr<Question> question;
  };
  void on_events(std::uint32_t) override { ub_process(context_); }
  void on_shutdown() override { close(); }
  void begin(std::shared_ptr<Question> question);
  static void on_result(void* data, int error, ub_result* result);

  Shard& home_;
  const ResolverOptions options_;
  ub_ctx* context_ = nullptr;
  std::vector<std::unique_ptr<UnderWay>> under_way_;
};

Result<> Resolver::Engine::configure() {
  context_ = ub_ctx_create();
  if (context_ == nullptr) return fail(Errc::kIo, "libunbound cannot be started");
  const auto file = [](const std::string& path) { return path.empty() ? nullptr : path.c_str(); };
  ub_ctx_async(context_, 1);
  ub_ctx_set_option(context_, "msg-cache-size:", "4m");
  ub_ctx_set_option(context_, "rrset-cache-size:", "8m");
  int error = 0;
  if (!options_.forward_to.empty()) {
    ub_ctx_set_option(context_, "do-not-query-localhost:", "no");
    error = ub_ctx_set_fwd(context_, options_.forward_to.c_str());
  } else {
    error = ub_ctx_resolvconf(context_, file(options_.resolv_conf));
    // Without the system's file libunbound asks the root servers by itself.
    if (options_.resolv_conf.empty()) error = 0;
  }
  if (error != 0) return fail(Errc::kConfig, std::string("DNS servers: ") + ub_strerror(error));
  error = ub_ctx_hosts(context_, file(options_.hosts_file));
  if (error != 0 && !options_.hosts_file.empty()) {
    return fail(Errc::kConfig, options_.hosts_file + ": " + ub_strerror(error));
  }
  if (!options_.trust_anchor_file.empty()) {
    error = ub_ctx_add_ta_file(context_, options_.trust_anchor_file.c_str());
    if (error != 0) {
      return fail(Errc::kConfig, options_.trust_anchor_file + ": " + ub_strerror(error));
    }
  }
  // libunbound answers by itself that these are empty (RFC 6761 §6.2, RFC 8375); but where somebody
  // serves them at home, his name server knows better.
  for (const char* zone : {"test.", "home.arpa."}) {
    ub_ctx_zone_add(context_, zone, "transparent");
  }
  return {};
}

void Resolver::Engine::start() {
  if (context_ != nullptr && !home_.reactor().add(*this, ub_fd(context_), EPOLLIN)) close();
}

void Resolver::Engine::close() {
  if (context_ == nullptr) return;
  if (home_.is_current()) home_.reactor().remove(*this, ub_fd(context_));
  // Also ends its thread; answers that have not been processed are never given.
  ub_ctx_delete(std::exchange(context_, nullptr));
  for (auto& each : std::exchange(under_way_, {})) {
    auto question = each->question;
    question->answer_from_any_thread(question, fail(Errc::kCancelled, "the resolver has ended"));
  }
}

std::shared_ptr<Question> Resolver::Engine::ask(std::string name, int type) {
  Shard* asker = Shard::current();
  BALCONY_ASSERT(asker != nullptr, "DNS is asked on no shard");
  const Instant deadline = asker->clock().now() + options_.timeout;
  auto question = std::make_shared<Question>(*asker, std::move(name), type, deadline);
  home_.post([self = shared_from_this(), question] { self->begin(question); });
  return question;
}

void Resolver::Engine::begin(std::shared_ptr<Question> question) {
  if (context_ == nullptr) {
    question->answer_from_any_thread(question, fail(Errc::kCancelled, "the resolver has ended"));
    return;
  }
  auto under_way = std::make_unique<UnderWay>(*this, question);
  const int error = ub_resolve_async(context_, question->name.c_str(), question->type,
                                     kClassInternet, under_way.get(), on_result, nullptr);
  if (error != 0) {
    question->answer_from_any_thread(question, answer_of(*question, error, nullptr));
    return;
  }
  under_way_.push_back(std::move(under_way));
}

void Resolver::Engine::on_result(void* data, int error, ub_result* result) {
  auto* self = static_cast<UnderWay*>(data);
  auto& list = self->engine.under_way_;
  const auto question = self->question;
  std::erase_if(list, [self](const auto& each) { return each.get() == self; });
  question->answer_from_any_thread(question, answer_of(*question, error, result));
  ub_resolve_free(result);
}

Task<Result<Answer>> Resolver::Engine::wait(std::shared_ptr<Question> question) {
  struct Leaving {
    explicit Leaving(Question& left) : question(left) {}
    Leaving(const Leaving&) = delete;
    Leaving& operator=(const Leaving&) = delete;
    ~Leaving() {
      question.abandoned = true;
      question.asker.cancel(timer);
    }
    Question& question;
    TimerId timer = 0;
  };
  Leaving leaving(*question);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(question->deadline -
                                                                 question->asker.clock().now());
  leaving.timer = question->asker.after(left, [question] {
    if (question->abandoned) return;
    question->answer.set(fail(Errc::kTimeout, "DNS has no answer in time for " + question->name));
  });
  co_return co_await question->answer;
}

Resolver::Resolver(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {}

Result<std::unique_ptr<Resolver>> Resolver::create(Shard& home, ResolverOptions options) {
  auto engine = std::make_shared<Engine>(home, std::move(options));
  BALCONY_CHECK(engine->configure());
  home.post([engine] { engine->start(); });
  return std::unique_ptr<Resolver>(new Resolver(std::move(engine)));
}

Resolver::~Resolver() {
  Shard& home = engine_->home();
  home.post([engine = std::move(engine_)] { engine->close(); });
}

void Resolver::stop() {
  engine_->home().post([engine = engine_] { engine->close(); });
}

Task<Result<SrvAnswer>> Resolver::srv(std::string name) {
  const auto engine = engine_;
  BALCONY_CO_ASSIGN(const Answer answer, co_await engine->wait(engine->ask(name, kTypeSrv)));
  SrvAnswer result;
  result.secure = answer.secure;
  for (const std::string& data : answer.data) {
    // One record that makes no sense does not spoil the others.
    if (auto record = parse_srv(data)) result.records.push_back(*std::move(record));
  }
  if (result.records.empty()) co_return fail(Errc::kNotFound, name + " has no usable SRV record");
  co_return result;
}

Task<Result<TlsaAnswer>> Resolver::tlsa(std::string name) {
  const auto engine = engine_;
  BALCONY_CO_ASSIGN(const Answer answer, co_await engine->wait(engine->ask(name, kTypeTlsa)));
  TlsaAnswer result;
  result.secure = answer.secure;
  for (const std::string& data : answer.data) {
    // RFC 6698 §4.1: unusable records are as if they were not there.
    if (auto record = parse_tlsa(data)) result.records.push_back(*std::move(record));
  }
  if (result.records.empty()) co_return fail(Errc::kNotFound, name + " has no usable TLSA record");
  co_return result;
}

Task<Result<std::vector<SocketAddress>>> Resolver::addresses(std::string host, std::uint16_t port) {
  if (host.ends_with('.')) host.pop_back();
  const std::string literal = is_localhost(host) ? "::1" : host;
  std::vector<SocketAddress> result;
  if (auto address = SocketAddress::parse(literal, port)) {
    result.push_back(*address);
    if (is_localhost(host)) result.push_back(*SocketAddress::parse("127.0.0.1", port));
    co_return result;
  }
  const auto engine = engine_;
  const auto v6_question = engine->ask(host, kTypeAaaa);
  const auto v4_question = engine->ask(host, kTypeA);
  const auto v6 = co_await engine->wait(v6_question);
  const auto v4 = co_await engine->wait(v4_question);
  const std::size_t v6_count = v6 ? v6->data.size() : 0;
  const std::size_t v4_count = v4 ? v4->data.size() : 0;
  for (std::size_t i = 0; i < std::max(v6_count, v4_count); ++i) {
    if (i < v6_count) result.push_back(address_of(v6->data[i], port));
    if (i < v4_count) result.push_back(address_of(v4->data[i], port));
  }
  if (!result.empty()) co_return result;
  co_return fail(v4 ? v6.error() : v4.error());
}

}  // namespace balcony
