// Stream management while a client's stream is negotiated (XEP-0198 §3, §5): resuming a lost
// session before binding, and enabling it after.
#include "stanza/ns.h"
#include "stanza/stanza.h"
#include "stream/initiating_stream.h"
#include "xml/writer.h"

#include <utility>

namespace balcony::stream {
namespace {

// What a server may say between <enable/> and <enabled/>; offline messages wait for presence, so
// it is little.
constexpr std::size_t kEarlyStanzasMax = 100;

InitiatingActions send(xml::ElementView element) {
  std::string text;
  xml::write(text, element);
  InitiatingActions actions;
  actions.emplace_back(Send{std::move(text)});
  return actions;
}

}  // namespace

bool InitiatingStream::offers_management() const {
  return static_cast<bool>(features_.child(ns::kStreamManagement, "sm"));
}

InitiatingActions InitiatingStream::start_resumption() {
  state_ = State::kAwaitResumed;
  const LostSession& lost = *options_.management.lost;
  return send(write_resume(lost.id, lost.h));
}

InitiatingActions InitiatingStream::on_resumption(xml::ElementView element) {
  if (element.name() == "failed") {
    // XEP-0198 §5: the client then binds a resource, as if nothing had been.
    if (const auto h = StreamManagement::read_h(element)) management_.lost_h = *h;
    return start_bind();
  }
  const LostSession& lost = *options_.management.lost;
  const auto resumed = read_resume(element);
  if (element.name() != "resumed" || !resumed || resumed->previd != lost.id) {
    return refused(StreamCondition::kBadFormat, "the server resumed another session than ours");
  }
  management_.kind = ManagementOutcome::Kind::kResumed;
  management_.peer_h = resumed->h;
  jid_ = lost.jid;
  return bound();
}

InitiatingActions InitiatingStream::start_management() {
  state_ = State::kAwaitEnabled;
  return send(write_enable(options_.management.resumable));
}

InitiatingActions InitiatingStream::on_management(xml::Element element) {
  if (stanza_kind(element)) {
    if (early_.size() == kEarlyStanzasMax) {
      return refused(StreamCondition::kPolicyViolation, "the server does not answer <enable/>");
    }
    early_.push_back(std::move(element));
    return {};
  }
  if (element.ns() != ns::kStreamManagement) return {};
  // §3: refused, and the stream goes on without.
  if (element.is(ns::kStreamManagement, "failed")) return bound();
  auto enabled = read_enabled(element);
  if (!enabled) {
    return refused(StreamCondition::kBadFormat, "stream management: " + enabled.error().detail);
  }
  management_.kind = ManagementOutcome::Kind::kEnabled;
  management_.enabled = *std::move(enabled);
  return bound();
}

}  // namespace balcony::stream
