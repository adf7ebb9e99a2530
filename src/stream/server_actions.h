// What the machines of a stream between servers ask their driver to do, and what they decide by:
// the same for both ends. Plain values.
//
// Used by incoming_pairs, outgoing_pairs, receiving_server, initiating_server and who drives them.
#pragma once

#include "stream/actions.h"
#include "stream/dialback.h"
#include "stream/stream_limits.h"
#include "stream/stream_management.h"

#include <balcony/element.h>
#include <balcony/error.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace balcony::stream {

// ---- questions: the stream goes on meanwhile, unless it says otherwise

// Is the certificate that the peer has shown in TLS trusted, and is it for this domain (RFC 6120
// §13.7.2, XEP-0178 §3)? Then on_certificate(domain, …). Asked only when there is one. Both
// machines wait for the first answer after a stream header, and read nothing meanwhile.
struct CheckCertificate {
  std::string domain;
};
// Ask the authoritative server of pair.from whether it made `key` for pair and the stream `id`
// (XEP-0220 §2.1.2), on another connection than this one (XEP-0288 §2.2); then on_key(pair, …).
// What came of it is told by the Error of the answer: no_answer_to_key() says which code for what.
struct VerifyKey {
  DomainPair pair;
  std::string id;
  std::string key;
};

// ---- news

// How a pair of domains was proved.
enum class PairProof : std::uint8_t {
  kExternal,     // SASL EXTERNAL (XEP-0178 §3)
  kCertificate,  // dialback elements, but the certificate was enough (XEP-0344 §2.4)
  kDialback,     // the authoritative server said so (XEP-0220)
};
std::string_view to_string(PairProof proof) noexcept;

// Pairs that were proved, to be found by DomainPairView too.
using ProvenPairs = std::map<DomainPair, PairProof, DomainPairLess>;

// The peer may send stanzas from pair.from to pair.to from now on. First one: the stream is
// authenticated.
struct PairAccepted {
  DomainPair pair;
  PairProof proof = PairProof::kDialback;
};
// The peer may not; it has been told. For the log.
struct PairRejected {
  DomainPair pair;
  Error error;
};
// We may send stanzas from pair.from to pair.to from now on. Each pair that was asked for gets this
// or PairRefused once, at the latest in front of EndStream.
struct PairOpened {
  DomainPair pair;
  PairProof proof = PairProof::kDialback;
};
// We may not. `error`: one of the first group of Errc where the peer answered, kForbidden for
// `invalid`; kClosed where the stream ended before; else why we did not even ask.
struct PairRefused {
  DomainPair pair;
  Error error;
};
// What the authoritative server at the other end says of a key that verify() asked for. Each gets
// this once, at the latest in front of EndStream.
struct KeyAnswered {
  DomainPair pair;  // as in VerifyKey
  std::string id;
  // Empty: it is valid. kForbidden: it is not. Else there was no answer, as in no_answer_to_key().
  std::optional<Error> error;
};

// Stream management (XEP-0198 §3, §5) that the peer asks for, on an authenticated stream: the
// driver sends <enabled/>, <resumed/> or <failed/>.
struct EnableManagement {
  bool resume = false;
};
struct ResumeManagement {
  Resume what;
};

// The initiating end: the stream stands, with TLS as wanted: open_pair() and verify() may be
// called. The first pair has been asked for, or is open by EXTERNAL: then PairOpened follows.
struct StreamReady {
  xml::Element features;  // of the last header; empty from a server without XMPP 1.0
};

// What became of stream management that we asked for comes as ManagementOutcome, in front of the
// first PairOpened: never where it is not offered or not wanted. Failed also tells, at either end,
// with what error the peer ended the stream; at the initiating end it stands in front of each
// EndStream that nobody wanted: neither end() and close(), nor a peer that closes a stream on
// which nothing waits.
using ServerAction =
    std::variant<Send, UpgradeTls, RestartStream, CheckCertificate, VerifyKey, PairAccepted,
                 PairRejected, PairOpened, PairRefused, KeyAnswered, EnableManagement,
                 ResumeManagement, StreamReady, ManagementOutcome, Failed, EndStream>;
using ServerActions = std::vector<ServerAction>;

// ---- what the server decides

// What a domain has to do to send to one of ours, and the other way round.
struct ServerTrust {
  bool allowed = true;
  bool tls_required = true;           // RFC 7590 §3.4
  bool certificate_required = false;  // dialback does not suffice
};

class ServerPolicy {
 public:
  virtual ~ServerPolicy() = default;

  // Whether this domain is one of ours (a host or a component) that other servers may send to.
  virtual bool serves(std::string_view domain) const = 0;
  // `remote` is not one of ours; empty where the peer has not said who it is.
  virtual ServerTrust trust(std::string_view remote, std::string_view local) const = 0;
  // Of XEP-0185; the same for all domains and shards, and on all machines that share a domain.
  virtual std::string dialback_secret() const = 0;
};

}  // namespace balcony::stream
