// host list.
#include "server/certificates.h"
#include "server/commands.h"
#include "server/hop.h"

#include "net/certificate.h"
#include "router/router.h"

#include <fstream>
#include <iterator>
#include <map>

namespace balcony::server {
namespace {

using Sessions = std::map<std::string, std::int64_t>;  // by domain

Task<Sessions> sessions_here(ShardContext& here) {
  Sessions counts;
  here.router->users().for_each([&counts](router::User& user) {
    if (user.resources.empty()) return;
    counts[std::string(user.bare.domain())] += static_cast<std::int64_t>(user.resources.size());
  });
  co_return counts;
}

Result<Certificate> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Errc::kNotFound, "cannot read " + path);
  const std::string pem{std::istreambuf_iterator<char>(file), {}};
  return read_certificate_pem(pem);
}

void describe(const Result<Certificate>& certificate, WallTime now, Value& row) {
  if (!certificate) {
    row.set("days left", "");
    row.set("subject", "");
    row.set("issuer", "");
    row.set("names", certificate.error().detail);
    return;
  }
  row.set("days left", std::chrono::floor<std::chrono::days>(certificate->not_after - now).count());
  row.set("subject", certificate->subject);
  row.set("issuer", certificate->self_signed ? "itself" : certificate->issuer);
  std::vector<std::string> names = certificate->names.dns;
  for (const auto* more : {&certificate->names.srv, &certificate->names.xmpp}) {
    names.insert(names.end(), more->begin(), more->end());
  }
  row.set("names", Value::texts(names));
}

Task<Result<Value>> list_hosts(const CommandContext& context, const CommandArgs&) {
  ShardContext& at = *context.at;
  Sessions sessions;
  for (const auto& there : at.shared.contexts) {
    const std::function<Task<Sessions>()> gather = [&there] { return sessions_here(*there); };
    const Sessions found = co_await run_on<Sessions>(at.shard, there->shard, gather);
    for (const auto& [domain, count] : found) sessions[domain] += count;
  }
  for (const HostConfig& host : context.config->hosts) {
    const std::string path = certificate_path(*context.config, host);
    BALCONY_CO_ASSIGN(const auto counts, co_await at.store->account_counts(host.domain));
    const std::function<Result<Certificate>()> read = [path] { return read_file(path); };
    const auto certificate =
        co_await run_in<Result<Certificate>>(at.shard, *at.shared.hash_pool, read);
    Value row;
    row.set("host", host.domain);
    row.set("accounts", counts.accounts);
    row.set("sessions", sessions[host.domain]);
    if (certificate) describe(*certificate, at.shard.clock().wall(), row);
    co_await context.row(std::move(row));
  }
  Value result;
  result.set("hosts", context.config->hosts.size());
  co_return result;
}

}  // namespace

CommandSpec host_command() {
  return {"host list",
          "Lists the hosts with their accounts, sessions and certificates, as these are on disk.",
          {},
          "hosts: {hosts}",
          {"host list", "--json host list"},
          Role::kObserver,
          Needs::kAccounts,
          list_hosts};
}

}  // namespace balcony::server
