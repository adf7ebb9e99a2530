#include "server/config_reference.h"

#include "server/config_privileges.h"
#include "server/config_tables.h"

#include <algorithm>

namespace balcony::server {
namespace {

constexpr std::string_view kHead = R"(# Configuration

This page is made by `balconyd --print-reference` from the declarations that the server checks
the file with.

One TOML file, `/etc/balcony/balcony.toml` unless `--config FILE` or the variable
`BALCONY_CONFIG` names another. Everything in it is optional: a server without a file is secure
and serves `localhost`. `balconyd --check-config` tells every problem of a file at once; a
running server that is sent SIGHUP (or `balconyctl reload`) takes a new file over, or keeps the
old configuration when the new one is wrong.

    data = "/var/lib/balcony"

    [hosts."example.org"]
    certificate = "/etc/balcony/example.org.crt"
    key = "/etc/balcony/example.org.key"

    [modules.ping]
    enabled = true

    [hosts."example.org".modules.ping]
    enabled = false

A duration is `"90s"`, `"5m"`, `"12h"`, `"30d"` or a number of seconds; a size is `"256KiB"`,
`"10MB"` or a number of bytes.

Keys at the top and those of `[storage]`, `[auth]`, `[log]` and `[limits]` can also be set by
the environment: `BALCONY_DATA`, `BALCONY_LOG_LEVEL`, `BALCONY_LIMITS_STANZA_BYTES`; items of a
list have commas between them. Flags of the command line beat the environment, the environment
beats the file.

`data`, `shards`, `control` and `[storage]` do not change while the server runs; everything else
does at a reload.
)";

constexpr std::string_view kDelegate = R"(
### `delegate`

In `[component."irc.example.org"]` also stands `delegate`: a list of namespaces of requests that
the component answers in the place of those hosts and their users' accounts (XEP-0355). An entry
is a namespace, or a table that also names attributes which the request's payload must have:

    delegate = ["http://jabber.org/protocol/pubsub",
                { namespace = "urn:xmpp:mam:2", attributes = ["node"] }]

Two more names stand for what is asked of an account by service discovery:
`urn:xmpp:delegation:2:bare:disco#info:*`, its nodes that the server does not know, and
`urn:xmpp:delegation:2:bare:disco#items:*`, its items. While the component is away these requests
are answered with `<service-unavailable/>`. What belongs to the stream cannot be delegated, nor
can one namespace to two components of one host.
)";

// Text in a cell of a table.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) {
    text.insert(at, "\\");
  }
  return text;
}

std::string options_table(const OptionTable& table, const void* defaults) {
  std::string out = "| key | type | default | |\n|---|---|---|---|\n";
  for (const OptionSpec& spec : table.options) {
    out += "| `" + spec.name + "` | " + cell(describe_type(spec)) + " | `" +
           cell(format_option(spec, spec.get(defaults))) + "` | " + cell(spec.help) + " |\n";
  }
  return out;
}

void add_section(std::string& out, std::string_view title, std::string_view summary,
                 const OptionTable& table) {
  out += "\n## " + std::string(title) + "\n\n" + std::string(summary) + "\n\n";
  out += options_table(table, table.make().get());
}

void add_module(std::string& out, const router::ModuleSpec& spec) {
  out += "\n### `[modules." + spec.name + "]`\n\n" + spec.summary;
  for (std::size_t i = 0; i < spec.specs.size(); ++i) {
    out += (i == 0 ? " (" : ", ") + to_string(spec.specs[i]);
  }
  out += spec.specs.empty() ? "" : ")";
  out += spec.on_by_default ? "\n" : " Off unless `enabled = true`.\n";
  if (spec.options.options.empty()) return;
  out += '\n' + options_table(spec.options, spec.options.make().get());
}

}  // namespace

std::string to_string(const router::Spec& spec) {
  return spec.version.empty() ? spec.name : spec.name + ' ' + spec.version;
}

std::string config_reference(const ModuleList& modules, const GatewayKinds& gateways) {
  std::string out(kHead);
  add_section(out, "At the top", "Before the first section.", top_options());
  add_section(
      out, "`[[listen]]`",
      "Once for each port. Without any: 5222 for `c2s`, 5223 for `c2s-tls`, 5269 for `s2s` "
      "and 5270 for `s2s-tls`, on all addresses. Without a port for other servers there "
      "is no talking to them. Where a component is configured and no port for components: 5347 on "
      "127.0.0.1.",
      listen_options());
  add_section(out, "`[hosts.\"example.org\"]`",
              "Once for each domain. Without any, the only host is `localhost`.", host_options());
  add_section(out, "`[component.\"irc.example.org\"]`",
              "Once for each external component (XEP-0114), with its domain, which is no host of "
              "this server; `docs/components.md` has examples.",
              component_options());
  add_section(out, "`[component.\"irc.example.org\".privilege]`",
              "What the component may do beyond what every component may (XEP-0356), with the "
              "users of the host whose subdomain it is; one that is below no host: with those of "
              "all. A reload changes it, and the component is told. Grant it to programs only that "
              "you trust as you trust the server.\n\n`iq` is a list of tables, each a kind of "
              "request that it may send in a user's name:\n\n"
              "    iq = [{ namespace = \"http://jabber.org/protocol/pubsub\", type = \"both\" }]",
              privilege_options());
  out += kDelegate;
  for (const ConfigSection& section : config_sections()) {
    add_section(out, "`[" + std::string(section.name) + "]`", section.summary, *section.table);
    if (section.tables.empty()) continue;
    add_section(out, "`[s2s.domain.\"example.net\"]`",
                "Once for each other server that is not treated as `[s2s]` says.",
                remote_domain_options());
  }
  for (const GatewayKind& gateway : gateways) {
    add_section(out, "`[gateway." + gateway.name + "]`", gateway.summary, *gateway.options);
  }
  out +=
      "\n## Modules\n\nEach has `enabled`, which is `true` unless said otherwise here, and its "
      "own options, for all hosts or\nfor one (`[hosts.\"example.org\".modules.NAME]`).\n";
  ModuleList sorted = modules;
  std::ranges::sort(sorted, {}, [](const router::ModuleSpec* spec) { return spec->name; });
  for (const router::ModuleSpec* spec : sorted) add_module(out, *spec);
  return out;
}

}  // namespace balcony::server
