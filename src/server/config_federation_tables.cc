// The options of talking to other servers: [s2s], [s2s.domain."example.net"], [dns].
#include "server/config_tables.h"

namespace balcony::server {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;

using S = S2sConfig;

std::vector<OptionSpec> trust_options() {
  return {
      option("enabled", &S::enabled,
             "Whether other servers are talked to; they need a port of kind \"s2s\" or \"s2s-tls\" "
             "to come to."),
      option("require_tls", &S::require_tls,
             "No stanza goes to or comes from another server without TLS (RFC 7590 §3.4)."),
      option("require_certificate", &S::require_certificate,
             "Only servers with a certificate that is valid for their domain; else dialback over "
             "TLS suffices (XEP-0220)."),
      option("allow_only", &S::allow_only,
             "Only these domains are talked to. Empty: all, but for those with policy \"deny\"."),
      option("ca_file", &S::ca_file,
             "Authorities of other servers' certificates, a PEM file; empty: the system's."),
      option("crl_file", &S::crl_file,
             "Revocation lists of those authorities, a PEM file; read again by a reload. Empty: "
             "none is looked at."),
      option("posh", &S::posh,
             "Where a certificate does not count by itself, the domain is asked over HTTPS which "
             "ones its server has (RFC 7711). The web server needs a certificate from `ca_file`."),
      option("dialback_secret", &S::dialback_secret,
             "What dialback keys are made with (XEP-0185). Needed where several processes serve "
             "one domain; empty: drawn at each start."),
      option("bidi", &S::bidi,
             "One stream may carry stanzas both ways where both servers want it (XEP-0288). With "
             "dns.trust_anchor_file not on streams that others open: what DNSSEC says of their "
             "certificates is looked at on the way to them."),
  };
}

std::vector<OptionSpec> limit_options() {
  return {
      option("connect_timeout", &S::connect_timeout, 1s, 1h,
             "How long DNS and connecting may take in all."),
      option("auth_timeout", &S::auth_timeout, 1s, 1h,
             "How long TLS, authentication or dialback may take in all, on both kinds of streams."),
      option("idle_timeout", &S::idle_timeout, 10s, 24h * 30,
             "A stream on which nothing came or went for so long is closed."),
      option("resume_timeout", &S::resume_timeout, 0s, 24h,
             "How long a stream whose connection was lost can be resumed (XEP-0198); 0: not."),
      option("waiting_stanzas", &S::waiting_stanzas, 1, kMany,
             "Stanzas that wait while there is no stream from one domain of ours to another "
             "server; more go back with <resource-constraint/>."),
      option("waiting_bytes", &S::waiting_bytes, Bytes{10'000}, Bytes{kGiB}, "The same in bytes."),
      option("waiting_time", &S::waiting_time, 1s, 24h,
             "How long one waits before it goes back with <remote-server-timeout/>."),
      option("retry_max", &S::retry_max, 1s, 24h,
             "After a failure nobody tries again for a second, then two, four and so on, up to "
             "this; stanzas go back at once meanwhile."),
      option("routes", &S::routes, 10, kMany,
             "Pairs of domains of which something is kept, for each shard."),
      option("unverified_per_address", &S::unverified_per_address, 0, kMany,
             "Connections from one IPv4 address or IPv6 /64 that have not proved a domain yet; 0: "
             "any number."),
      option("streams_per_domain", &S::streams_per_domain, 1, kMany,
             "Streams that one other domain may have opened at the same time."),
      option("domains_per_stream", &S::domains_per_stream, 1, 1'000,
             "Domains of another server that one stream carries stanzas to, where that server "
             "agrees (XEP-0220 §2.7.2); 1: each has a stream of its own."),
      option("verifications", &S::verifications, 1, kMany,
             "Dialback keys that are verified at the same time, for each shard; and as many "
             "certificates that others are asked about."),
      option("verifications_per_address", &S::verifications_per_address, 1, kMany,
             "Of these, how many for one IPv4 address or IPv6 /64 that the keys or certificates "
             "come from."),
      option("verifications_per_stream", &S::verifications_per_stream, 1, kMany,
             "Of these, how many for one stream on which no domain is proved yet."),
      option("failures_per_address", &S::failures_per_address, 1, kMany,
             "Verifications that may fail in a minute for one such address, for each shard; then "
             "nobody is asked for it until the minute is over. A domain whose server cannot be "
             "asked is left alone for a second, then two, four and so on, up to `retry_max`."),
      option("lookup_timeout", &S::lookup_timeout, 1s, 60s,
             "How long a handshake waits for what DNSSEC and POSH say of a certificate."),
      option("posh_fetches", &S::posh_fetches, 1, 1000,
             "POSH documents that are fetched at the same time, for each shard."),
      option("stanza_bytes", &S::stanza, Bytes{10'000}, Bytes{16 * kMiB},
             "The largest stanza that another server may send; it is told so (XEP-0478)."),
      option("rate", &S::rate, Bytes{0}, Bytes{kGiB},
             "Bytes a second that are read from each stream; 0: no limit."),
      option("rate_burst", &S::rate_burst, Bytes{0}, Bytes{kGiB},
             "Bytes that may come at once before `rate` counts."),
      option("output_queue", &S::output_queue, Bytes{64 * kKiB}, Bytes{kGiB},
             "Bytes that may wait for a server that reads slowly; more end its stream."),
  };
}

OptionTable make_s2s() {
  std::vector<OptionSpec> all = trust_options();
  for (OptionSpec& spec : limit_options()) all.push_back(std::move(spec));
  return option_table<S2sConfig>(std::move(all));
}

OptionTable make_dns() {
  using D = DnsConfig;
  return option_table<D>({
      option("forward_to", &D::forward_to,
             "One name server to ask, \"127.0.0.1@5353\", in place of those in resolv.conf."),
      option("resolv_conf", &D::resolv_conf, "A file like /etc/resolv.conf; empty: the system's."),
      option("hosts_file", &D::hosts_file, "A file like /etc/hosts; empty: the system's."),
      option("trust_anchor_file", &D::trust_anchor_file,
             "Root keys for DNSSEC, such as /usr/share/dns/root.key; empty: nothing is validated."),
  });
}

}  // namespace

const OptionTable& remote_domain_options() {
  using D = RemoteDomainConfig;
  static const OptionTable kTable = option_table<D>({
      option("policy", &D::policy, "Whether stanzas are exchanged with it: \"allow\", or \"deny\".",
             {"allow", "deny"}),
      option("certificate", &D::certificate,
             "What proves that it is this domain: \"required\", a valid certificate; \"dialback\", "
             "also without one; \"pinned\", a certificate in `pins`; empty: as [s2s] says.",
             {"", "required", "dialback", "pinned"}),
      option("pins", &D::pins,
             "SHA-256 of the certificates that it may show, in hexadecimal, colons allowed."),
      option("connect", &D::connect,
             "Where to connect to, \"192.0.2.1:5269\" or \"xmpp.example.net:5269\", in place of "
             "what DNS says of the domain."),
      option("direct_tls", &D::direct_tls, "There is TLS from the first byte at `connect`."),
      option("posh_connect", &D::posh_connect,
             "Where its web server is asked for the POSH document, \"192.0.2.1:443\", in place of "
             "what DNS says; also an address that is not of the open Internet. The certificate "
             "there still has to be the domain's."),
  });
  return kTable;
}

std::vector<ConfigSection> federation_sections() {
  static const OptionTable kS2s = make_s2s();
  static const OptionTable kDns = make_dns();
  return {
      {"s2s", "Other servers (RFC 6120 §10.4).", &kS2s, [](Config& c) -> void* { return &c.s2s; },
       "domain"},
      {"dns", "Where names are looked up.", &kDns, [](Config& c) -> void* { return &c.dns; }},
  };
}

}  // namespace balcony::server
