#include "stream/component.h"

#include "base/base64.h"
#include "sasl/crypto.h"
#include "stanza/ns.h"
#include "stanza/stanza.h"
#include "stream/server_says.h"
#include "stream/stream_management.h"
#include "xml/writer.h"

#include <balcony/jid.h>

#include <utility>

namespace balcony::stream {
namespace {

// XEP-0114 §3: without a version, as there are no stream features.
std::string header(std::string_view from, std::string_view to, std::string_view id) {
  std::string text = "<?xml version='1.0'?><stream:stream xmlns='";
  text.append(ns::kComponent).append("' xmlns:stream='").append(ns::kStream).append("'");
  const std::pair<std::string_view, std::string_view> kAttributes[] = {
      {"from", from}, {"to", to}, {"id", id}};
  for (const auto& [name, value] : kAttributes) {
    if (value.empty()) continue;
    text.append(" ").append(name).append("='");
    xml::append_escaped_attribute(text, value);
    text += '\'';
  }
  text += '>';
  return text;
}

bool has_right_namespaces(const xml::StreamHeader& header) {
  return header.root_ns == ns::kStream && header.content_ns == ns::kComponent;
}

}  // namespace

std::string component_handshake(std::string_view stream_id, std::string_view secret) {
  std::string text(stream_id);
  text += secret;
  return hex_encode(sasl::digest(sasl::ScramHash::kSha1, text));
}

// ---- the server's end

AcceptingComponent::AcceptingComponent(Secrets secrets, Random& random)
    : secrets_(std::move(secrets)), random_(random) {}

AcceptingActions AcceptingComponent::on_header(const xml::StreamHeader& opened) {
  if (state_ != State::kOpening) return refuse(StreamCondition::kBadFormat);
  if (opened.root_name != "stream") return refuse(StreamCondition::kBadFormat);
  if (!has_right_namespaces(opened)) return refuse(StreamCondition::kInvalidNamespace);
  const auto domain = Jid::make("", opened.to);
  const auto secret = domain ? secrets_(domain->domain()) : std::nullopt;
  // XEP-0114 §3: a name that the server will not service.
  if (!secret) return refuse(StreamCondition::kHostUnknown);
  domain_ = domain->domain();
  id_ = random_.token(16);
  expected_ = component_handshake(id_, *secret);
  state_ = State::kHandshake;
  header_sent_ = true;
  return list(Send{header(domain_, {}, id_)});
}

AcceptingActions AcceptingComponent::on_element(xml::ElementView element) {
  if (state_ == State::kEnded) return {};
  // RFC 6120 §4.9.3.12: before it has proved who it is, a peer sends nothing else.
  if (state_ != State::kHandshake || !element.is(ns::kClient, "handshake")) {
    return refuse(StreamCondition::kNotAuthorized);
  }
  state_ = State::kWaiting;
  const bool proved = sasl::equal_constant_time(element.text(), expected_);
  expected_.clear();
  if (proved) return list(SecretProved{});
  return list(SecretWrong{});
}

AcceptingActions AcceptingComponent::on_home(const std::optional<StreamError>& refused) {
  if (state_ != State::kWaiting) return {};
  if (refused) return end(*refused);
  state_ = State::kAccepted;
  return list(Send{"<handshake/>"});
}

AcceptingActions AcceptingComponent::on_slowed() {
  if (state_ != State::kWaiting) return {};
  return refuse(StreamCondition::kNotAuthorized);
}

AcceptingActions AcceptingComponent::on_stream_end() {
  if (state_ == State::kEnded) return {};
  state_ = State::kEnded;
  if (!header_sent_) return list(EndStream{});
  return list(Send{std::string(kStreamEndTag)}, EndStream{});
}

AcceptingActions AcceptingComponent::on_error(const Error& error) {
  return end(to_stream_error(error));
}

AcceptingActions AcceptingComponent::refuse(StreamCondition condition, std::string text) {
  return end({condition, std::move(text)});
}

AcceptingActions AcceptingComponent::end(const StreamError& error) {
  if (state_ == State::kEnded) return {};
  state_ = State::kEnded;
  std::string bytes;
  // RFC 6120 §4.9.1.2: an error stands inside of a stream, also one about its header.
  if (!std::exchange(header_sent_, true)) bytes = header(domain_, {}, random_.token(16));
  xml::WriteOptions options;
  options.scope_ns = options.content_ns = ns::kComponent;
  xml::write(bytes, write_stream_error(error), options);
  bytes += kStreamEndTag;
  return list(Send{std::move(bytes)}, EndStream{error});
}

// ---- the component's end

InitiatingComponent::InitiatingComponent(std::string domain, std::string secret,
                                         AskForAcknowledgements ask)
    : domain_(std::move(domain)), secret_(std::move(secret)), ask_(ask) {}

ComponentActions InitiatingComponent::on_start() {
  state_ = State::kOpening;
  return list(Send{header({}, domain_, {})});
}

ComponentActions InitiatingComponent::on_header(const xml::StreamHeader& opened) {
  if (state_ != State::kOpening) return {};
  if (opened.root_name != "stream" || !has_right_namespaces(opened)) {
    return refused(StreamCondition::kInvalidNamespace, "this is no server for components");
  }
  id_ = opened.id;
  state_ = State::kHandshake;
  // An error comes in a stream without id too (XEP-0114 §3): it explains more than we could.
  if (id_.empty()) return {};
  return list(Send{"<handshake>" + component_handshake(id_, secret_) + "</handshake>"});
}

ComponentActions InitiatingComponent::on_element(xml::ElementView element) {
  if (state_ == State::kFailed) return {};
  if (const auto error = read_stream_error(element)) {
    ComponentActions actions = list(Send{std::string(kStreamEndTag)});
    append(actions, failed(to_error(*error)));
    return actions;
  }
  if (state_ == State::kAsking) return on_answer(element);
  if (state_ != State::kHandshake || id_.empty() || !element.is(ns::kClient, "handshake")) {
    return refused(StreamCondition::kUnsupportedStanzaType, "the server sent no handshake");
  }
  if (ask_ == AskForAcknowledgements::kYes) {
    state_ = State::kAsking;
    return list(Send{written(write_enable(false))});
  }
  state_ = State::kAccepted;
  return list(ComponentAccepted{});
}

// XEP-0198 §3: <enabled/> or <failed/>; in between may come what others send to our domain.
ComponentActions InitiatingComponent::on_answer(xml::ElementView element) {
  const bool agreed = element.is(ns::kStreamManagement, "enabled");
  if (agreed || element.is(ns::kStreamManagement, "failed")) {
    state_ = State::kAccepted;
    return list(ComponentAccepted{agreed});
  }
  if (!stanza_kind(element) || early_.size() >= kEarlyMax) {
    return refused(StreamCondition::kUnsupportedStanzaType, "the server did not answer <enable/>");
  }
  early_.push_back(element.clone());
  return {};
}

ComponentActions InitiatingComponent::on_stream_end() {
  if (state_ == State::kFailed) return {};
  ComponentActions actions = list(Send{std::string(kStreamEndTag)});
  append(actions, failed(Error(Errc::kClosed, "the server closed the stream")));
  return actions;
}

ComponentActions InitiatingComponent::on_error(const Error& error) {
  if (state_ == State::kFailed) return {};
  return failed(error);
}

ComponentActions InitiatingComponent::failed(Error error) {
  was_asking_ = state_ == State::kAsking;
  state_ = State::kFailed;
  return list(ComponentFailed{std::move(error)});
}

ComponentActions InitiatingComponent::refused(StreamCondition condition, std::string why) {
  std::string bytes;
  xml::WriteOptions options;
  options.scope_ns = options.content_ns = ns::kComponent;
  xml::write(bytes, write_stream_error({condition, ""}), options);
  bytes += kStreamEndTag;
  ComponentActions actions = list(Send{std::move(bytes)});
  append(actions, failed(Error(Errc::kMalformed, std::move(why))));
  return actions;
}

}  // namespace balcony::stream
