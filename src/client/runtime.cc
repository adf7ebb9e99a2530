#include "base/assert.h"
#include "client/runtime_impl.h"
#include "net/reactor.h"
#include "net/watcher.h"

#include <semaphore>

namespace balcony {
namespace {

thread_local Runtime* current_runtime = nullptr;

// A moment to come; nothing is left behind when the waiting coroutine is destroyed.
struct Alarm {
  Alarm(Loop& loop_, std::chrono::milliseconds time)
      : loop(loop_), timer(loop.after(time, [this] { rung.set(true); })) {}
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm() { loop.cancel(timer); }

  Loop& loop;
  OneShot<bool> rung;
  TimerId timer;
};

// A descriptor that becomes readable; forgotten when the waiting coroutine is destroyed.
struct Readable final : Watcher {
  Readable(Reactor& reactor, int descriptor_) : where(reactor), descriptor(descriptor_) {
    // epoll refuses what never makes one wait: regular files.
    if (!where.add(*this, descriptor, EPOLLIN)) ready.set(true);
  }
  ~Readable() override { where.remove(*this, descriptor); }
  void on_events(std::uint32_t) override { ready.set(true); }
  void on_shutdown() override { ready.set(true); }

  Reactor& where;
  int descriptor;
  OneShot<bool> ready;
};

Task<> then_release(Task<> task, std::binary_semaphore& done) {
  co_await std::move(task);
  done.release();
}

// Streams that are being closed get their time; the process would cut them off.
Task<> then_stop(Task<> task, Runtime& runtime, bool& done) {
  co_await std::move(task);
  for (int i = 0; i < 20 && runtime.impl().streams > 0; ++i) {
    co_await runtime.sleep(std::chrono::milliseconds(100));
  }
  done = true;
  runtime.impl().shard->stop();
}

}  // namespace

Result<Resolver*> Runtime::Impl::resolver() {
  if (!dns) {
    BALCONY_ASSIGN(dns, Resolver::create(*shard));
  }
  return dns.get();
}

Runtime::Runtime(Thread thread) : impl_(std::make_unique<Impl>()) {
  if (thread == Thread::kCallers) {
    impl_->own_shard = std::make_unique<Shard>();
    impl_->shard = impl_->own_shard.get();
    return;
  }
  impl_->threads = std::make_unique<ShardSet>(1);
  impl_->shard = &impl_->threads->at(0);
  impl_->shard->post([this] { current_runtime = this; });
}

Runtime::~Runtime() {
  if (impl_->threads) impl_->threads->stop();
  impl_->dns.reset();
}

Runtime* Runtime::current() noexcept {
  return current_runtime;
}

void Runtime::run_to_end(Task<> task) {
  if (impl_->threads) {
    BALCONY_ASSERT(!impl_->shard->is_current(), "run() would wait for itself");
    std::binary_semaphore done(0);
    impl_->shard->post([&] { spawn(then_release(std::move(task), done)); });
    done.acquire();
    return;
  }
  BALCONY_ASSERT(!std::exchange(impl_->ran, true), "this runtime runs once");
  Runtime* const outer = std::exchange(current_runtime, this);
  bool done = false;
  impl_->shard->post([&] { spawn(then_stop(std::move(task), *this, done)); });
  impl_->shard->run();
  current_runtime = outer;
  BALCONY_ASSERT(done, "the loop ended before its task");
}

void Runtime::post(std::move_only_function<void()> job) {
  impl_->shard->post(std::move(job));
}

Task<> Runtime::sleep(std::chrono::milliseconds time) {
  Alarm alarm(*impl_->shard, time);
  co_await alarm.rung;
}

Task<bool> Runtime::readable(int descriptor, std::chrono::milliseconds within) {
  Readable wait(impl_->shard->reactor(), descriptor);
  Shard& shard = *impl_->shard;
  const TimerId timer = shard.after(within, [&wait] { wait.ready.set(false); });
  const bool ready = co_await wait.ready;
  shard.cancel(timer);
  co_return ready;
}

std::chrono::milliseconds Runtime::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(
      impl_->shard->clock().now().time_since_epoch());
}

}  // namespace balcony
