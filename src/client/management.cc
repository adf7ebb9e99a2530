#include "client/management.h"

#include "stanza/delay.h"
#include "xml/parser.h"

#include <utility>

namespace balcony::client {

void Management::start(stream::Enabled enabled) {
  on_ = true;
  trusted_ = true;
  enabled_ = std::move(enabled);
  machine_ = stream::StreamManagement();
  machine_.start_sending();
  machine_.start_receiving();
  ids_.clear();
  since_asked_ = 0;
}

void Management::stop() {
  on_ = false;
  enabled_ = {};
  machine_ = stream::StreamManagement();
  ids_.clear();
  since_asked_ = 0;
}

void Management::distrust() {
  trusted_ = false;
  (void)machine_.take_unacknowledged();
  ids_.clear();
  since_asked_ = 0;
}

std::optional<stream::LostSession> Management::lost(const Jid& jid) const {
  if (!on_ || !trusted_ || enabled_.id.empty()) return std::nullopt;
  return stream::LostSession(jid, enabled_.id, machine_.h());
}

Result<Management::Heard> Management::resume(stream::StanzaCount h) {
  const std::size_t before = machine_.unacknowledged();
  Heard heard;
  BALCONY_ASSIGN(heard.reply, machine_.resume(h));
  heard.acknowledged = forget_ids(before - machine_.unacknowledged());
  since_asked_ = machine_.unacknowledged();
  return heard;
}

std::vector<xml::Element> Management::give_up(std::optional<stream::StanzaCount> h) {
  // What makes no sense is not believed: then all of it may be missing.
  if (h) (void)machine_.acknowledged(*h);
  std::vector<xml::Element> left;
  for (const stream::Kept& kept : machine_.take_unacknowledged()) {
    auto stanza = xml::parse(kept.text, xml::Scope{});
    if (!stanza) continue;
    // XEP-0203 §2: whoever gets it late is told when it was said.
    if (stanza->name() == "message" && !find_delay(*stanza)) {
      stanza->append(write_delay(Delay(kept.when)));
    }
    left.push_back(*std::move(stanza));
  }
  stop();
  return left;
}

Result<> Management::sent(xml::ElementView stanza, std::string text, WallTime when) {
  if (!on_ || !trusted_) return {};
  ids_.emplace_back(stanza.name() == "message" ? stanza.attr("id") : std::string_view{});
  ++since_asked_;
  return machine_.sent({std::move(text), {}, when});
}

std::string Management::ask() {
  since_asked_ = 0;
  return stream::StreamManagement::ask();
}

Management::Heard Management::on_element(xml::ElementView element) {
  if (!on_ || (!trusted_ && element.name() != "r")) return {};
  auto effect = machine_.on_element(element);
  Heard heard{std::move(effect.reply), forget_ids(effect.forgotten), {}};
  if (effect.error) {
    heard.error.emplace(Errc::kMalformed, "the server acknowledges what it was not sent");
  }
  return heard;
}

std::vector<std::string> Management::forget_ids(std::size_t count) {
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < count; ++i) {
    if (!ids_.front().empty()) ids.push_back(std::move(ids_.front()));
    ids_.pop_front();
  }
  return ids;
}

}  // namespace balcony::client
