#include "server/s2s/loans.h"

#include "base/log.h"
#include "server/hop.h"
#include "server/s2s/federation.h"
#include "server/s2s/outgoing_stream.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <iterator>

namespace balcony::server::s2s {
namespace {

// How long a server that refused a further domain is not asked again, and how many are remembered.
constexpr std::chrono::hours kRefusedFor{1};
constexpr std::size_t kRefusedMax = 1'000;

}  // namespace

// What the route has in place of the stream. It hands over all stanzas of a turn at once.
class Loans::BorrowedStream final : public router::Endpoint {
 public:
  BorrowedStream(ShardContext& context, router::DomainPair pair, Loan loan)
      : context_(context), pair_(std::move(pair)), loan_(std::move(loan)) {}

  void deliver(const Stanza& stanza, std::string_view) override { keep(stanza.clone()); }
  void deliver(xml::ElementView element) override {
    xml::Element copy = element.clone();
    if (auto stanza = Stanza::make(copy)) keep(*std::move(stanza));
  }
  void close(const StreamError&) override {}
  Info info() const override { return loan_.info; }

  const Loan& loan() const { return loan_; }
  void end() { is_over_ = true; }
  void take_back(std::deque<Stanza> stanzas) {
    std::ranges::move(stanzas, std::back_inserter(returned_));
  }
  // What did not reach the stream, in order.
  std::deque<Stanza> take_all() {
    std::ranges::move(std::exchange(next_, {}), std::back_inserter(returned_));
    return std::exchange(returned_, {});
  }

 private:
  void keep(Stanza stanza) {
    next_.push_back(std::move(stanza));
    if (next_.size() > 1) return;
    context_.shard.post([weak = std::weak_ptr(self_)] {
      if (const auto self = weak.lock()) (*self)->hand_over();
    });
  }
  void hand_over() {
    if (is_over_ || next_.empty()) return;
    ShardContext& there = *context_.shared.contexts[loan_.lender];
    there.shard.post([&there, pair = pair_, loan = loan_, here = context_.shard.index(),
                      stanzas = std::exchange(next_, {})]() mutable {
      there.federation->loans.carry(pair, loan, here, std::move(stanzas));
    });
  }

  ShardContext& context_;
  const router::DomainPair pair_;
  const Loan loan_;
  std::vector<Stanza> next_;
  std::deque<Stanza> returned_;
  bool is_over_ = false;
  std::shared_ptr<BorrowedStream*> self_ = std::make_shared<BorrowedStream*>(this);
};

Loans::Loans(ShardContext& context) : context_(context) {}

Loans::~Loans() = default;

// ---- the borrower

Task<bool> Loans::borrow(Wanted wanted) {
  const auto& contexts = context_.shared.contexts;
  const std::size_t here = context_.shard.index();
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    ShardContext& there = *contexts[(here + i) % contexts.size()];
    const std::function<Task<Result<Loan>>()> ask = [&there, &wanted, here] {
      return there.federation->loans.lend(wanted, here);
    };
    Result<Loan> loan = co_await run_on<Result<Loan>>(context_.shard, there.shard, ask);
    if (!loan && loan.error().code == Errc::kNotFound) continue;
    if (!loan) co_return false;
    if (&there == &context_) co_return true;  // its stream took the route itself
    auto borrowed = std::make_unique<BorrowedStream>(context_, wanted.pair, *std::move(loan));
    BorrowedStream& stream = *borrowed;
    borrowed_[wanted.pair] = std::move(borrowed);
    context_.router->remotes().ready(wanted.pair, stream);
    co_return true;
  }
  co_return false;
}

Loans::BorrowedStream* Loans::find(const router::DomainPair& pair, std::uint64_t number) {
  const auto found = borrowed_.find(pair);
  const bool is_it = found != borrowed_.end() && found->second->loan().number == number;
  return is_it ? found->second.get() : nullptr;
}

void Loans::suspended(const router::DomainPair& pair, std::uint64_t number) {
  if (BorrowedStream* stream = find(pair, number)) {
    context_.router->remotes().suspended(pair, *stream);
  }
}

void Loans::over(const router::DomainPair& pair, std::uint64_t number) {
  BorrowedStream* stream = find(pair, number);
  if (!stream) return;
  context_.router->remotes().withdrawn(pair, *stream);
  stream->end();
  // There and back again: everything that was on its way is here then.
  ShardContext& there = *context_.shared.contexts[stream->loan().lender];
  there.shard.post([&here = context_, pair, number] {
    here.shard.post([&here, pair, number] { here.federation->loans.settle(pair, number); });
  });
}

void Loans::came_back(const router::DomainPair& pair, std::uint64_t number,
                      std::deque<Stanza> stanzas) {
  if (BorrowedStream* stream = find(pair, number)) return stream->take_back(std::move(stanzas));
}

void Loans::settle(const router::DomainPair& pair, std::uint64_t number) {
  BorrowedStream* stream = find(pair, number);
  if (!stream) return;
  std::deque<Stanza> left = stream->take_all();
  borrowed_.erase(pair);
  context_.router->remotes().came_back(pair, std::move(left));
}

// ---- the lender

Task<Result<Loan>> Loans::lend(const Wanted& wanted, std::size_t borrower) {
  OutgoingStream* found = nullptr;
  for (PeerStream* stream : context_.federation->streams) {
    OutgoingStream* outgoing = stream->as_outgoing();
    if (!outgoing || !outgoing->can_share(wanted)) continue;
    if (is_refused(outgoing->place(), wanted.pair.remote)) continue;
    found = outgoing;
    break;
  }
  if (!found) co_return fail(Errc::kNotFound, "no stream goes there");
  const SocketAddress place = found->place();
  const bool is_elsewhere = borrower != context_.shard.index();
  Loan loan;
  loan.lender = context_.shard.index();
  loan.number = ++number_;
  loan.stream = found->handle();
  loan.info = found->info();
  const Borrower to(is_elsewhere, borrower, loan.number);
  const auto answered = std::make_shared<OneShot<Result<>>>();
  found->share(wanted, to, [answered](const Result<>& verdict) { answered->set(verdict); });
  OneShot<Result<>>& waiter = *answered;
  const Result<> verdict = co_await waiter;
  if (verdict) co_return loan;
  remember(place, wanted.pair.remote, verdict.error());
  // kNotFound says that nobody was asked.
  co_return fail(Errc::kNotAllowed, verdict.error().detail);
}

void Loans::carry(const router::DomainPair& pair, const Loan& loan, std::size_t borrower,
                  std::vector<Stanza> stanzas) {
  std::deque<Stanza> late;
  for (Stanza& stanza : stanzas) {
    const auto stream = loan.stream.lock();
    if (stream && (*stream)->may_carry(pair)) {
      (*stream)->deliver(stanza, {});
    } else {
      late.push_back(std::move(stanza));
    }
  }
  if (late.empty()) return;
  ShardContext& there = *context_.shared.contexts[borrower];
  there.shard.post([&there, pair, number = loan.number, late = std::move(late)]() mutable {
    there.federation->loans.came_back(pair, number, std::move(late));
  });
}

void Loans::suspend(const router::DomainPair& pair, const Borrower& borrower) {
  ShardContext& there = *context_.shared.contexts[borrower.shard];
  there.shard.post([&there, pair, number = borrower.number] {
    there.federation->loans.suspended(pair, number);
  });
}

void Loans::recall(const router::DomainPair& pair, const Borrower& borrower) {
  ShardContext& there = *context_.shared.contexts[borrower.shard];
  there.shard.post(
      [&there, pair, number = borrower.number] { there.federation->loans.over(pair, number); });
}

// ---- who refuses

bool Loans::is_refused(const SocketAddress& place, const std::string& domain) {
  const Instant now = context_.shard.clock().now();
  for (const Refusal& one : {Refusal(place, ""), Refusal(place, domain)}) {
    const auto found = refused_.find(one);
    if (found != refused_.end() && now < found->second) return true;
  }
  return false;
}

// XEP-0220 §2.5: what says something of that one domain, and what of the server.
void Loans::remember(const SocketAddress& place, const std::string& domain, const Error& error) {
  log_info("a stream is not shared",
           {{"remote", domain}, {"peer", place.to_string()}, {"error", error.to_string()}});
  const bool is_of_domain = error.code == Errc::kItemNotFound ||
                            error.code == Errc::kRemoteServerNotFound ||
                            error.code == Errc::kRemoteServerTimeout;
  const Instant now = context_.shard.clock().now();
  if (refused_.size() >= kRefusedMax) {
    std::erase_if(refused_, [now](const auto& one) { return one.second <= now; });
  }
  if (refused_.size() >= kRefusedMax) refused_.clear();
  refused_[{place, is_of_domain ? domain : ""}] = now + kRefusedFor;
}

}  // namespace balcony::server::s2s
