// The handshake of an external component (XEP-0114), both ends as machines: what was read goes in,
// what is to be done comes out. They know no socket and no time.
//
//   component                                server
//   <stream:stream to='irc.example.org'>  ->
//                                         <- <stream:stream from='irc.example.org' id='X'>
//   <handshake>SHA-1(X + secret)</>       ->
//                                         <- <handshake/>: stanzas may be sent, both ways
//   <enable xmlns='urn:xmpp:sm:3'/>       ->
//                                         <- <enabled/>: both ends count (XEP-0198 §3)
//
// XEP-0114 knows no acknowledgements; the last two lines are what two ends may agree on that do.
//
// AcceptingComponent is used by server/, InitiatingComponent by client/. The driver performs the
// actions in their order. One thread at a time.
#pragma once

#include "base/random.h"
#include "stream/actions.h"
#include "xml/parser.h"

#include <balcony/element.h>
#include <balcony/result.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace balcony::stream {

// What <handshake/> holds: SHA-1 of the stream's id and the secret in lowercase hexadecimal
// (XEP-0114 §3).
std::string component_handshake(std::string_view stream_id, std::string_view secret);

// ---- the server's end

// The peer knows the secret: bring the connection to the home of the domain, then on_home().
struct SecretProved {};
// The peer does not know the secret: let it wait as long as it has earned, then on_slowed().
struct SecretWrong {};

using AcceptingAction = std::variant<Send, SecretProved, SecretWrong, EndStream>;
using AcceptingActions = std::vector<AcceptingAction>;

class AcceptingComponent {
 public:
  // kWaiting: for on_home() or on_slowed(); nothing else is handed in but end().
  enum class State : std::uint8_t { kOpening, kHandshake, kWaiting, kAccepted, kEnded };

  // The secret of a component's domain, which is prepared; nullopt for a domain that is none's.
  using Secrets = std::function<std::optional<std::string>(std::string_view domain)>;

  // `random` must outlive the machine; `secrets` is called in on_header() only.
  AcceptingComponent(Secrets secrets, Random& random);

  AcceptingActions on_header(const xml::StreamHeader& header);
  // An element before the stream is accepted.
  AcceptingActions on_element(xml::ElementView element);
  // The peer closed its stream (RFC 6120 §4.4).
  AcceptingActions on_stream_end();
  // What was read is no XML for a stream, or a limit was passed.
  AcceptingActions on_error(const Error& error);
  // The connection is at home; `refused`: what the stream has to end with there, as <conflict/>.
  AcceptingActions on_home(const std::optional<StreamError>& refused);
  AcceptingActions on_slowed();

  // Ends the stream from our side, in every state.
  AcceptingActions end(const StreamError& error);

  State state() const noexcept { return state_; }
  // The domain that the peer asks for, prepared; empty before.
  const std::string& domain() const noexcept { return domain_; }
  const std::string& id() const noexcept { return id_; }

 private:
  AcceptingActions refuse(StreamCondition condition, std::string text = {});

  Secrets secrets_;
  Random& random_;
  State state_ = State::kOpening;
  bool header_sent_ = false;
  std::string domain_;
  std::string id_;
  std::string expected_;  // what the handshake must be; the secret itself is not kept
};

// ---- the component's end

// The server has accepted us. `acknowledges`: it counts stanzas from here on, and so do we.
struct ComponentAccepted {
  bool acknowledges = false;
};
// There is no way on; the stream has been ended where there was one.
struct ComponentFailed {
  Error error;
};

using ComponentAction = std::variant<Send, ComponentAccepted, ComponentFailed>;
using ComponentActions = std::vector<ComponentAction>;

// Whether the server is asked for acknowledgements. One that knows XEP-0114 alone may say no, end
// the stream (was_asking() is true then), or say nothing.
enum class AskForAcknowledgements : std::uint8_t { kNo, kYes };

class InitiatingComponent {
 public:
  enum class State : std::uint8_t { kIdle, kOpening, kHandshake, kAsking, kAccepted, kFailed };

  InitiatingComponent(std::string domain, std::string secret,
                      AskForAcknowledgements ask = AskForAcknowledgements::kNo);

  ComponentActions on_start();
  ComponentActions on_header(const xml::StreamHeader& header);
  ComponentActions on_element(xml::ElementView element);
  ComponentActions on_stream_end();
  // The connection or the server's XML broke.
  ComponentActions on_error(const Error& error);

  State state() const noexcept { return state_; }
  const std::string& id() const noexcept { return id_; }
  // Whether it failed while we waited for the answer to <enable/>.
  bool was_asking() const noexcept { return was_asking_; }
  // Stanzas that came before that answer: they are ours, and not counted.
  std::vector<xml::Element> take_early() { return std::exchange(early_, {}); }

 private:
  static constexpr std::size_t kEarlyMax = 10'000;

  ComponentActions on_answer(xml::ElementView element);
  ComponentActions failed(Error error);
  // The server breaks the rules: it is told so.
  ComponentActions refused(StreamCondition condition, std::string why);

  std::string domain_;
  std::string secret_;
  std::string id_;
  State state_ = State::kIdle;
  AskForAcknowledgements ask_;
  bool was_asking_ = false;
  std::vector<xml::Element> early_;
};

}  // namespace balcony::stream
