#include "gateway/runner.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace balcony::gateway {
namespace {

using Started = Result<std::shared_ptr<Gateway>>;

Task<Started> start_here(Runtime& runtime, GatewaySetup setup) {
  co_return Gateway::start(runtime, std::move(setup));
}

// The last holder: the gateway ends on its loop.
Task<> stop_here(std::shared_ptr<Gateway> gateway) {
  co_await gateway->stop();
}

}  // namespace

Runner::~Runner() {
  while (!gateways_.empty()) stop(gateways_.back()->name());
}

Result<> Runner::start(GatewaySetup setup) {
  if (!setup.data.empty()) {
    std::error_code error;
    std::filesystem::create_directories(setup.data, error);
    if (error) return fail(Errc::kIo, "cannot make " + setup.data + ": " + error.message());
  }
  if (!runtime_) runtime_ = std::make_unique<Runtime>(Runtime::Thread::kOwn);
  BALCONY_ASSIGN(std::shared_ptr<Gateway> started,
                 runtime_->run(start_here(*runtime_, std::move(setup))));
  gateways_.push_back(std::move(started));
  return {};
}

void Runner::stop(std::string_view name) {
  const auto found = std::ranges::find(gateways_, name, [](const auto& g) { return g->name(); });
  if (found == gateways_.end()) return;
  std::shared_ptr<Gateway> gateway = std::move(*found);
  gateways_.erase(found);
  runtime_->run(stop_here(std::move(gateway)));
}

bool Runner::runs(std::string_view name) const {
  return std::ranges::any_of(gateways_, [&](const auto& g) { return g->name() == name; });
}

}  // namespace balcony::gateway
