// Server Dialback (XEP-0220 1.1.1) as values: its elements, its keys, its stream feature.
//
// A server asks with <db:result/> to send from one of its domains to one of the peer's (§2.1.1),
// and the peer asks the domain's authoritative server with <db:verify/> whether the key in it is
// true (§2.1.2). Used by incoming_pairs.h, outgoing_pairs.h and the machines that have those. Pure
// functions; any thread.
#pragma once

#include <balcony/element.h>
#include <balcony/error.h>
#include <balcony/result.h>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace balcony::stream {

// Sender Domain and Target Domain (XEP-0220 §1.3). Prepared (RFC 7622 §3.2).
struct DomainPair {
  std::string from;
  std::string to;

  friend bool operator==(const DomainPair&, const DomainPair&) = default;
  friend auto operator<=>(const DomainPair&, const DomainPair&) = default;
};

// The same, to look one up without copies.
struct DomainPairView {
  std::string_view from;
  std::string_view to;
};
struct DomainPairLess {
  using is_transparent = void;
  template <class A, class B>
  bool operator()(const A& a, const B& b) const noexcept {
    const int order = std::string_view(a.from).compare(b.from);
    return order != 0 ? order < 0 : std::string_view(a.to) < std::string_view(b.to);
  }
};

// The pair of the other direction: of an answer, and of stanzas back (XEP-0288 §2.2).
DomainPair reversed(const DomainPair& pair);

struct Dialback {
  enum class Kind : std::uint8_t { kResult, kVerify };
  // kRequest: without a `type` attribute.
  enum class Type : std::uint8_t { kRequest, kValid, kInvalid, kError };

  Kind kind = Kind::kResult;
  Type type = Type::kRequest;
  DomainPair addresses;  // `from` and `to` of the element as they stand there
  std::string id;        // of kVerify: the stream that the key is for
  std::string key;       // of kRequest
  // Of kError: one of the first group of Errc (XEP-0220 §2.5).
  Errc condition = Errc::kUndefinedCondition;
};

// Whether `element` is in the namespace of dialback.
bool is_dialback(xml::ElementView element) noexcept;

// Reads <db:result/> and <db:verify/>; addresses are prepared, white space around the key is
// dropped.
// Errors: kJidMalformed: `from` or `to` is missing or no domain (RFC 6120 §4.9.3.7). kMalformed:
// another element, another type, a verification without id, a request without a key or with one of
// more than 1 KiB. An error without a known condition is read as kUndefinedCondition.
Result<Dialback> read_dialback(xml::ElementView element);

// As it stands in a stream that declares the prefix `db` and the content namespace jabber:server;
// with the prefix, as there are servers that look for it (XEP-0220 §2.4.1).
std::string write_dialback(const Dialback& dialback);

// The answer of `type` to the request `to`, with addresses reversed; `condition` with kError.
Dialback answer_to(const Dialback& to, Dialback::Type type,
                   Errc condition = Errc::kUndefinedCondition);

// The key for `pair` on the stream `id`, which the receiving server gave (XEP-0185 §3):
// HMAC-SHA-256 in hexadecimal. `secret` is that of the sender's servers. Not empty.
std::string dialback_key(std::string_view secret, const DomainPair& pair, std::string_view id);

// Whether `verify`, a request that came, holds the key that dialback_key() gives: it was made by
// who knows our secret. In constant time.
bool is_our_key(std::string_view secret, const Dialback& verify);

// What the initiating server is told when its key could not be verified (XEP-0220 §2.5): `why`, of
// Connection, Resolver or Failed, as <remote-server-not-found/> where there is no such domain, else
// as <remote-server-timeout/>. What is a stanza condition already stays.
Error no_answer_to_key(const Error& why);

// <dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback> (XEP-0220 §2.4.2).
void append_dialback_feature(xml::ElementRef features);
// Whether the peer's features have it with <errors/>: several target domains may be asked for on
// one stream (§2.7.2).
bool has_dialback_errors(xml::ElementView features) noexcept;

}  // namespace balcony::stream
