// The machines of both ends of a stream between servers under one name, for what a session does
// with either. Calls go through as they are; see stream/receiving_server.h and initiating_server.h.
#pragma once

#include "stream/initiating_server.h"
#include "stream/receiving_server.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace balcony::server::s2s {

class Machine {
 public:
  virtual ~Machine() = default;

  virtual stream::ServerActions on_header(const xml::StreamHeader& header) = 0;
  virtual stream::ServerActions on_element(xml::Element element) = 0;
  virtual stream::ServerActions on_stream_end() = 0;
  virtual stream::ServerActions on_error(const Error& error) = 0;
  virtual stream::ServerActions on_tls(bool has_certificate) = 0;
  virtual stream::ServerActions on_certificate(std::string_view domain,
                                               const Result<>& verdict) = 0;
  virtual stream::ServerActions on_key(const stream::DomainPair& pair, const Result<>& verdict) = 0;
  virtual stream::ServerActions end(const StreamError& error) = 0;
  virtual stream::ServerActions close() = 0;
  virtual std::optional<StreamError> check(const Stanza& stanza) const = 0;
  // Whether stanzas may come: they go to check(), and not to on_element().
  virtual bool is_open() const = 0;
  // Whether it waits for on_certificate(), and nothing else may be handed in before.
  virtual bool waits_for_certificate() const = 0;
  virtual bool is_tls() const = 0;
  virtual bool is_bidirectional() const = 0;
  virtual const std::string& id() const = 0;
  virtual const stream::StreamLimits& peer_limits() const = 0;
  virtual const stream::IncomingPairs& incoming() const = 0;
};

template <class M>
class MachineOf final : public Machine {
 public:
  template <class... Args>
  explicit MachineOf(Args&&... args) : own(std::forward<Args>(args)...) {}

  stream::ServerActions on_header(const xml::StreamHeader& header) override {
    return own.on_header(header);
  }
  stream::ServerActions on_element(xml::Element element) override {
    return own.on_element(std::move(element));
  }
  stream::ServerActions on_stream_end() override { return own.on_stream_end(); }
  stream::ServerActions on_error(const Error& error) override { return own.on_error(error); }
  stream::ServerActions on_tls(bool has_certificate) override {
    return own.on_tls(has_certificate);
  }
  stream::ServerActions on_certificate(std::string_view domain, const Result<>& verdict) override {
    return own.on_certificate(domain, verdict);
  }
  stream::ServerActions on_key(const stream::DomainPair& pair, const Result<>& verdict) override {
    return own.on_key(pair, verdict);
  }
  stream::ServerActions end(const StreamError& error) override { return own.end(error); }
  stream::ServerActions close() override { return own.close(); }
  std::optional<StreamError> check(const Stanza& stanza) const override {
    return own.check(stanza);
  }
  bool is_open() const override {
    if constexpr (requires { M::State::kOpen; }) {
      return own.state() == M::State::kOpen;
    } else {
      return own.state() == M::State::kReady;
    }
  }
  bool waits_for_certificate() const override {
    if constexpr (requires { M::State::kAwaitCertificate; }) {
      return own.state() == M::State::kAwaitCertificate;
    } else {
      return own.state() == M::State::kWaiting;
    }
  }
  bool is_tls() const override { return own.is_tls(); }
  bool is_bidirectional() const override { return own.is_bidirectional(); }
  const std::string& id() const override { return own.id(); }
  const stream::StreamLimits& peer_limits() const override { return own.peer_limits(); }
  const stream::IncomingPairs& incoming() const override { return own.incoming(); }

  M own;
};

}  // namespace balcony::server::s2s
