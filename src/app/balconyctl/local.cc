// Commands without a server: in this process, on the configuration and the database.
#include "app/balconyctl/runner.h"

#include "base/assert.h"
#include "modules/modules.h"

#include <sys/stat.h>
#include <unistd.h>

#include <thread>

namespace balcony::app {
namespace {

using server::Config;
using server::Value;

// Files that root makes in a data folder could not be opened by the server's user afterwards: root
// becomes the folder's owner.
Result<> become_owner(const std::string& data) {
  struct stat folder{};
  if (::geteuid() != 0 || ::stat(data.c_str(), &folder) != 0 || folder.st_uid == 0) return {};
  if (::setegid(folder.st_gid) != 0 || ::seteuid(folder.st_uid) != 0) {
    return fail(Errc::kIo, "cannot become the owner of " + data);
  }
  return {};
}

class Local final : public Runner {
 public:
  explicit Local(std::shared_ptr<const Config> config) : config_(std::move(config)) {}

  // A server without listeners has all that commands need.
  Result<> open_database() {
    BALCONY_CHECK(become_owner(config_->data));
    auto lock = server::DataLock::take(config_->data);
    if (!lock && lock.error().code == Errc::kConflict) {
      return fail(Errc::kConnect,
                  lock.error().detail + ", and it cannot be reached at " + config_->control_path());
    }
    if (!lock) return fail(lock.error());
    lock_ = *std::move(lock);
    Config quiet = *config_;
    quiet.listen.clear();
    quiet.shards = 1;
    quiet.auth.hash_threads = std::max(1U, std::thread::hardware_concurrency());
    config_ = std::make_shared<const Config>(std::move(quiet));
    server_ = std::make_unique<server::Server>();
    return server_->start(config_);
  }

  Result<Value> run(const server::CommandSpec& spec, const Value& args, Output& output,
                    const OnProgress& progress) override {
    server::CommandContext context;
    context.server = server_.get();
    context.config = config_;
    context.modules = &modules::all_modules();
    context.row = [&output](Value row) -> Task<> {
      output.add_row(std::move(row));
      return []() -> Task<> { co_return; }();
    };
    context.progress = progress;
    if (!server_) {
      auto task = server::run_command(context, spec.name, args);
      BALCONY_ASSERT(task.start(), "a command that needs no server waits for one");
      return task.take();
    }
    using Answer = Result<Value>;
    return server_->call<Answer>(0, [&](server::ShardContext& at) {
      context.at = &at;
      return server::run_command(context, spec.name, args);
    });
  }

 private:
  std::shared_ptr<const Config> config_;
  std::optional<server::DataLock> lock_;
  std::unique_ptr<server::Server> server_;
};

}  // namespace

Result<std::unique_ptr<Runner>> run_here(const server::CommandSpec& spec,
                                         std::shared_ptr<const Config> config) {
  if (spec.needs == server::Needs::kServer) {
    return fail(Errc::kConnect, "no server can be reached at " + config->control_path() +
                                    ", and `" + spec.name + "` needs one");
  }
  if (spec.needs == server::Needs::kAccounts && config->storage.backend != "sqlite") {
    return fail(Errc::kConnect, "no server can be reached at " + config->control_path() +
                                    ", and its accounts are in its memory");
  }
  auto local = std::make_unique<Local>(config);
  if (spec.needs == server::Needs::kAccounts) BALCONY_CHECK(local->open_database());
  return local;
}

}  // namespace balcony::app
