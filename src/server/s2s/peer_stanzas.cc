// Stanzas of a stream between servers, out and in, and how they are acknowledged (XEP-0198).
#include "server/s2s/peer_stream.h"

#include "base/log.h"
#include "router/subscription.h"
#include "server/scratch.h"
#include "server/unacknowledged.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"
#include "xml/writer.h"

#include <utility>

namespace balcony::server::s2s {
namespace {

// RFC 6120 §4.8.3: stanzas of this stream are in its content namespace.
xml::WriteOptions as_server() {
  xml::WriteOptions options;
  options.scope_ns = options.content_ns = ns::kServer;
  return options;
}

}  // namespace

// ---- stanzas out

void PeerStream::deliver(const Stanza& stanza, std::string_view to) {
  std::string& text = scratch();
  xml::WriteOptions options = as_server();
  options.to = to;
  xml::write(text, stanza.xml(), options);
  const std::uint64_t bytes_max = machine_->peer_limits().bytes_max;
  if (bytes_max > 0 && text.size() > bytes_max) return return_too_big(stanza);
  ++stanzas_out_;
  write(text);
  if (unsent_) unsent_->wrote(stanza);
  if (managed_ && !managed_->sent(text, to_answer_for(stanza))) {
    end({StreamCondition::kPolicyViolation, "too much waits for your acknowledgement"});
  }
}

// XEP-0478 §2: it would cost the stream, and everybody's stanzas in it. Not on the stack of the
// router, which is not called back from here.
void PeerStream::return_too_big(const Stanza& stanza) {
  auto given_back = std::make_shared<Stanza>(stanza.clone());
  context_->shard.post([&router = *context_->router, given_back] {
    const Error error(Errc::kPolicyViolation, "that server takes no stanza as large as this one");
    router.remotes().give_back(*given_back, error);
  });
}

void PeerStream::deliver(xml::ElementView element) {
  std::string& text = scratch();
  xml::write(text, element, as_server());
  ++stanzas_out_;
  write(text);
  if (managed_) (void)managed_->sent(text, nullptr);
}

void PeerStream::write(std::string_view bytes) {
  if (!transport_) return;
  transport_->write(bytes);
  if (unsent_) unsent_->wrote(bytes.size());
}

bool PeerStream::has_room() const {
  return !ended_ && (!managed_ || managed_->has_room()) &&
         transport_->unsent_bytes() < config().output_queue.count / 2;
}

// ---- stanzas in

Next PeerStream::on_stanza(xml::Element element, std::string_view bytes, Rest& rest) {
  if (managed_ && element.ns() == ns::kStreamManagement &&
      (element.name() == "r" || element.name() == "a")) {
    return on_management_element(element);
  }
  if (!stanza_kind(element)) {
    apply(machine_->on_element(std::move(element)));
    return ended_ ? Next::kEnd : Next::kGoOn;
  }
  // XEP-0198 §5: what is sent again after a resumption, and is here already, is handled once.
  if (managed_ && managed_->ledger()->arrives(bytes)) return Next::kGoOn;
  auto stanza = Stanza::make(element);
  if (!stanza) {
    refuse(element, stanza.error());
    return ended_ ? Next::kEnd : Next::kGoOn;
  }
  if (const auto error = machine_->check(*stanza)) {
    log_warning("a server sent what it may not",
                {{"stream", machine_->id()},
                 {"peer", transport_->peer()},
                 {"remote", remote()},
                 {"from", stanza->from() ? stanza->from()->str() : ""},
                 {"to", stanza->to() ? stanza->to()->str() : ""}});
    end(*error);
    return Next::kEnd;
  }
  ++stanzas_in_;
  hand_in(*std::move(stanza), bytes.size(), rest);
  return Next::kGoOn;
}

// As a client's (docs/decisions/0012), where the peer waits for acknowledgements.
void PeerStream::hand_in(Stanza&& stanza, std::size_t bytes, Rest& rest) {
  ReceiptPtr receipt;
  if (managed_) receipt = managed_->ledger()->enter(stanza.is_message() ? bytes : 0);
  const bool is_stored = stanza.is_message() || router::is_subscription_type(stanza.type());
  // Moved: the last copy may go on another shard, behind an error that is posted here. One that we
  // kept would outlive it, and the acknowledgement overtake the error.
  const bool is_carried = is_stored || (stanza.is_request() && !stanza.to()->is_full());
  if (is_carried) stanza.set_receipt(std::move(receipt));
  rest.task = context_->router->receive_foreign(std::move(stanza));
  if (rest.task) rest.receipt = std::move(receipt);
}

// What is no valid stanza costs the stanza and not the stream, where its sender can be told so: a
// server has many users, and one of them must not end it for the others.
void PeerStream::refuse(xml::ElementView stanza, const Error& error) {
  if (error.code != Errc::kBadRequest) {
    // RFC 6120 §4.9.3.7: an address that is none.
    return end({StreamCondition::kImproperAddressing, error.detail});
  }
  if (managed_) managed_->ledger()->pass();
  xml::Element answer = error_reply(stanza, error);
  if (!answer) return;
  auto reply = Stanza::make(answer);
  if (!reply || !reply->from() || !reply->to()) return;
  if (!machine_->incoming().may_send(reply->to()->domain(), reply->from()->domain())) return;
  context_->router->route(*std::move(reply));
}

bool PeerStream::is_too_far_ahead() const {
  return managed_ && is_too_much_open(managed_->ledger().get(), context_->config->limits);
}

// ---- stream management

void PeerStream::manage(std::unique_ptr<ManagedStream> managed) {
  managed_ = std::move(managed);
  managed_->attach(this);
  unsent_.reset();
}

Next PeerStream::on_management_element(xml::ElementView element) {
  const auto effect = managed_->on_element(element);
  write(effect.reply);
  if (!effect.error) {
    if (stopping_ && managed_->waiting().empty()) end({StreamCondition::kSystemShutdown, ""});
    return ended_ ? Next::kEnd : Next::kGoOn;
  }
  say("server stream ended by us", remote(), effect.error->text);
  leave_routes(false);
  if (!std::exchange(ended_, true)) write(stream::kStreamEndTag);
  return Next::kEnd;
}

void PeerStream::peer_is_silent() {
  say("a server acknowledges nothing", remote(), "");
  transport_->set_deadline_in(std::chrono::milliseconds(0));
}

}  // namespace balcony::server::s2s
