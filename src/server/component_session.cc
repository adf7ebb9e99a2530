#include "server/component_session.h"

#include "base/log.h"
#include "server/hop.h"
#include "server/scratch.h"
#include "server/unacknowledged.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"
#include "xml/writer.h"

#include <utility>

namespace balcony::server {
namespace {

// Of the output queue, the part that may be filled by what is handed over in bulk.
constexpr std::uint64_t kRoomShare = 4;

// XEP-0114 §3: stanzas of this stream are in its content namespace.
xml::WriteOptions as_component() {
  xml::WriteOptions options;
  options.scope_ns = options.content_ns = ns::kComponent;
  return options;
}

}  // namespace

// ---- beginning and end

void ComponentSession::start(ShardContext& context, ConnectionPtr connection) {
  auto* session = new ComponentSession(context, std::move(connection));
  spawn(session->run());
}

ComponentSession::ComponentSession(ShardContext& context, ConnectionPtr connection)
    : context_(&context),
      transport_(std::make_unique<session::TcpTransport>(std::move(connection))),
      negotiation_(std::make_unique<stream::AcceptingComponent>(
          [this](std::string_view domain) { return secret_of(domain); }, system_random())),
      reader_(*this, limits_),
      since_(context.shard.clock().wall()) {
  const LimitsConfig& config = context.config->limits;
  limits_.stanza_bytes_max = config.stanza_before_auth.count;
  limits_.depth_max = static_cast<std::size_t>(config.depth);
  limits_.attributes_max = static_cast<std::size_t>(config.attributes);
  limits_.nodes_max = static_cast<std::size_t>(config.nodes);
  reader_.set_limits(limits_);
  transport_->set_deadline_in(config.auth_timeout);
  context_->components.insert(this);
}

ComponentSession::~ComponentSession() {
  context_->shard.cancel(stop_timer_);
  context_->components.erase(this);
}

Task<> ComponentSession::run() {
  const Next next = co_await reader_.run(*transport_);
  if (next == Next::kMove) co_return;  // it is another shard's now
  finish();
}

Task<> ComponentSession::run_at_home() {
  Next next = admit();
  if (next == Next::kGoOn) next = co_await reader_.run(*transport_);
  finish();
}

Next ComponentSession::failed(const Error& error) {
  if (ended_) return Next::kEnd;
  const bool is_end = error.code == Errc::kClosed || error.code == Errc::kCancelled;
  if (!is_end || accepted_) {
    log_info("component stream failed", {{"stream", stream_id_},
                                         {"peer", transport_->peer()},
                                         {"domain", domain_},
                                         {"error", error.to_string()}});
  }
  if (!is_end) write_error(to_stream_error(error));
  return Next::kEnd;
}

void ComponentSession::finish() {
  ended_ = true;
  leave_router();
  return_unsent();
  session::Transport::close_in_background(std::move(transport_));
  delete this;
}

void ComponentSession::leave_router() {
  if (!std::exchange(accepted_, false)) return;
  context_->router->component_ended(domain_, *this);
  log_info("component disconnected", {{"stream", stream_id_}, {"domain", domain_}});
}

void ComponentSession::return_unsent() {
  const Error error(Errc::kRemoteServerTimeout, "the connection of this service was lost");
  if (unsent_) {
    for (const Stanza& stanza : unsent_->take()) context_->router->bounce(stanza, error);
    unsent_.reset();
  }
  if (!managed_) return;
  for (const Stanza& stanza : read_kept(managed_->take_unacknowledged(), ns::kComponent)) {
    const bool matters = stanza.is_message() || stanza.is_request();
    if (matters) context_->router->bounce(stanza, error);
  }
  managed_.reset();
}

void ComponentSession::end(const StreamError& error) {
  write_error(error);
  leave_router();
  // Wakes the reader, who then ends the session.
  if (transport_) transport_->set_deadline_in(std::chrono::milliseconds(0));
  settled();
}

void ComponentSession::write_error(const StreamError& error) {
  if (std::exchange(ended_, true)) return;
  log_info("component stream ended", {{"stream", stream_id_},
                                      {"peer", transport_->peer()},
                                      {"domain", domain_},
                                      {"condition", to_string(error.condition)},
                                      {"text", error.text}});
  if (negotiation_) {
    for (const stream::AcceptingAction& action : negotiation_->end(error)) {
      if (const auto* send = std::get_if<stream::Send>(&action)) write(send->bytes);
    }
    return;
  }
  std::string& text = scratch();
  xml::write(text, write_stream_error(error), as_component());
  text += stream::kStreamEndTag;
  write(text);
}

// ---- stanzas in and out

Next ComponentSession::on_stanza(xml::Element element, std::string_view bytes, Rest& rest) {
  if (element.ns() == ns::kStreamManagement) return on_management(element);
  auto stanza = Stanza::make(element);
  if (!stanza) return refuse(element, stanza.error());
  // XEP-0114 §3: every stanza says who of the component's domain sent it. RFC 6120 §4.9.3.7 and
  // §4.9.3.9, as between servers.
  if (!stanza->from()) {
    write_error({StreamCondition::kImproperAddressing, "'from' is missing"});
    return Next::kEnd;
  }
  if (stanza->from()->domain() != domain_) {
    write_error({StreamCondition::kInvalidFrom, ""});
    return Next::kEnd;
  }
  ++stanzas_in_;
  if (!stanza->to()) {
    // XEP-0114 §3 demands it too. That costs the stanza and not the stream: a gateway has many
    // users, and one of them must not end it for the others.
    if (managed_) managed_->ledger()->pass();
    answer_error(stanza->xml(), Error(Errc::kBadRequest, "'to' is missing"));
    return Next::kGoOn;
  }
  hand_in(*std::move(stanza), bytes.size(), rest);
  return Next::kGoOn;
}

Next ComponentSession::refuse(const xml::Element& element, const Error& error) {
  if (element.is(ns::kStream, "error")) {
    if (!std::exchange(ended_, true)) write(stream::kStreamEndTag);
    return Next::kEnd;
  }
  if (error.code == Errc::kUndefinedCondition) {
    write_error({StreamCondition::kUnsupportedStanzaType, ""});  // RFC 6120 §4.9.3.24
    return Next::kEnd;
  }
  if (error.code != Errc::kBadRequest && error.code != Errc::kJidMalformed) {
    write_error({StreamCondition::kInvalidFrom, error.detail});
    return Next::kEnd;
  }
  if (managed_) managed_->ledger()->pass();
  answer_error(element, error);
  return Next::kGoOn;
}

void ComponentSession::answer_error(xml::ElementView stanza, const Error& error) {
  xml::Element reply = error_reply(stanza, error);
  if (!reply) return;
  if (!reply.has_attr("from")) reply.set("from", domain_);
  deliver(reply.view());
}

void ComponentSession::deliver(const Stanza& stanza, std::string_view to) {
  std::string& text = scratch();
  xml::WriteOptions options = as_component();
  options.to = to;
  xml::write(text, stanza.xml(), options);
  ++stanzas_out_;
  write(text);
  if (!managed_) {
    if (unsent_) unsent_->wrote(stanza);
  } else if (!managed_->sent(text, to_answer_for(stanza))) {
    end({StreamCondition::kPolicyViolation, "too much waits for your acknowledgement"});
  }
}

void ComponentSession::deliver(xml::ElementView element) {
  std::string& text = scratch();
  xml::write(text, element, as_component());
  ++stanzas_out_;
  write(text);
  if (managed_) (void)managed_->sent(text, nullptr);
}

bool ComponentSession::has_room() const {
  const ComponentConfig* config = component();
  return config && transport_->unsent_bytes() < config->output_queue.count / kRoomShare;
}

void ComponentSession::write(std::string_view bytes) {
  transport_->write(bytes);
  if (unsent_) unsent_->wrote(bytes.size());
}

router::Endpoint::Info ComponentSession::info() const {
  return {stream_id_, transport_->peer(), transport_->tls_summary(),
          since_,     stanzas_in_,        stanzas_out_};
}

}  // namespace balcony::server
