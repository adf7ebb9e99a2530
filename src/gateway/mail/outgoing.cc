#include "gateway/mail/outgoing.h"

#include "gateway/mail/mime.h"
#include "gateway/mail/quoting.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"

namespace balcony::gateway::mail {
namespace {

constexpr std::string_view kRepliesNs = "urn:xmpp:reply:0";  // XEP-0461
constexpr std::size_t kReferencesSentMax = 20;
constexpr std::size_t kIdMax = 200;  // of a thread or a stanza, as it is remembered

// RFC 5322 §3.6.4: those of the mail that is answered, and itself. In a long thread the first and
// the last ones.
std::vector<std::string> references_after(const ThreadedMail& parent) {
  std::vector<std::string> references = parent.references;
  if (!parent.message_id.empty()) references.push_back(parent.message_id);
  if (references.size() > kReferencesSentMax) {
    const auto surplus = static_cast<std::ptrdiff_t>(references.size() - kReferencesSentMax);
    references.erase(references.begin() + 1, references.begin() + 1 + surplus);
  }
  return references;
}

std::string subject_of(const Message& message, const std::optional<ThreadedMail>& parent) {
  if (!message.subject.empty()) return message.subject;
  if (!parent) return "Message from " + std::string(message.from.bare_str());
  const std::string_view base = base_subject(parent->subject);
  return base.empty() ? "Re: your mail" : "Re: " + std::string(base);
}

}  // namespace

Result<MailAddress> mail_address_of(const Jid& user) {
  auto address = MailAddress::make(unescape_localpart(user.local()), user.domain());
  if (!address) return fail(Errc::kNotAcceptable, "your address: " + address.error().detail);
  return address;
}

// The mail that a message answers: the one it says (XEP-0461 §3.1), the last one of its thread
// (XEP-0201 §4), or of the conversation that goes on.
std::optional<ThreadedMail> Outgoing::answered(const Message& message, const std::string& user,
                                               const std::string& address) {
  const std::string_view reply = message.xml.child(kRepliesNs, "reply").attr("id");
  if (!reply.empty()) {
    if (auto found = threads_.by_stanza(user, address, reply.substr(0, kIdMax))) return found;
  }
  if (!message.thread.empty()) {
    return threads_.last_in(user, address, cut_utf8(message.thread, kIdMax));
  }
  auto last = threads_.last(user, address);
  if (!last) return last;
  const std::chrono::milliseconds age =
      link_.loop().clock().wall() - WallTime(std::chrono::milliseconds(last->at));
  const bool other_subject =
      !message.subject.empty() && base_subject(message.subject) != base_subject(last->subject);
  if (other_subject || age > options_.conversation) return std::nullopt;
  return last;
}

Result<> Outgoing::send(const Message& message, const std::string& address) {
  BALCONY_ASSIGN(const MailAddress from, mail_address_of(message.from));
  BALCONY_ASSIGN(const MailAddress to, MailAddress::parse(address));
  if (message.body.size() > options_.text_out) {
    return fail(Errc::kNotAcceptable, "this text is too long for a mail");
  }
  const std::string user(message.from.bare_str());
  const auto parent = answered(message, user, address);
  NewMail mail(from, to);
  mail.subject = one_line(subject_of(message, parent), 300);
  mail.date = link_.loop().clock().wall();
  mail.message_id = link_.random().token(18) + '@' + from.domain();
  if (!is_message_id(mail.message_id)) mail.message_id = link_.random().token(18) + "@balcony";
  if (parent) mail.references = references_after(*parent);
  mail.text = message.body;

  OutboxItem item(Envelope(from, to), compose_mail(mail));
  item.user = message.from.str();
  item.contact = message.to->bare_str();
  item.stanza = cut_utf8(message.id, kIdMax);
  BALCONY_CHECK(outbox_.add(item));

  ThreadedMail threaded;
  threaded.message_id = mail.message_id;
  threaded.user = user;
  threaded.address = address;
  threaded.thread = !message.thread.empty() ? std::string(cut_utf8(message.thread, kIdMax))
                    : parent                ? parent->thread
                                            : link_.random().token(9);
  threaded.stanza = item.stanza;
  threaded.subject = mail.subject;
  threaded.references = mail.references;
  threaded.resource = message.from.resource();
  threaded.at = mail.date.time_since_epoch().count();
  threaded.ours = true;
  // The mail is on its way: that its thread cannot be kept is no reason to say it is not.
  (void)threads_.add(threaded);
  return {};
}

void Outgoing::refuse(const OutboxItem& item, const Error& why) {
  if (item.user.empty()) return;
  xml::Element message(ns::kClient, "message");
  message.set("type", "error").set("from", item.contact).set("to", item.user);
  if (!item.stanza.empty()) message.set("id", item.stanza);
  message.append(write_stanza_error(to_stanza_error(why)));
  link_.send(std::move(message));
}

}  // namespace balcony::gateway::mail
