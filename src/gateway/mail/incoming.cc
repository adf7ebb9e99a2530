#include "gateway/mail/incoming.h"

#include "base/log.h"
#include "gateway/mail/quoting.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace balcony::gateway::mail {
namespace {

constexpr std::string_view kReplyNs = "urn:xmpp:reply:0";  // XEP-0461
constexpr std::size_t kNoticeHeaderMax = 16u << 10;
// A report that comes so late finds nobody who remembers the error of a message.
constexpr std::chrono::minutes kSoon{5};

const SmtpReply kTaken(250, "2.0.0 The message is delivered");

Result<Jid> user_of(const MailAddress& recipient) {
  BALCONY_ASSIGN(const std::string local, escape_localpart(recipient.local()));
  return Jid::make(local, recipient.domain());
}

std::string size_text(std::uint64_t bytes) {
  if (bytes < 1'000) return std::to_string(bytes) + " bytes";
  return std::to_string((bytes + 500) / 1'000) + " KB";
}

std::string attachment_note(const Attachment& attachment) {
  std::string what =
      attachment.name.empty() ? attachment.type : attachment.name + ", " + attachment.type;
  if (attachment.bytes > 0) what += ", " + size_text(attachment.bytes);
  if (!attachment.saved.empty())
    return "[Attachment, saved as " + attachment.saved + ": " + what + "]";
  return "[Attachment, not taken: " + what + "]";
}

}  // namespace

SmtpReply reply_for(const Result<>& delivered) {
  if (delivered) return kTaken;
  switch (delivered.error().code) {
    case Errc::kServiceUnavailable:  // RFC 6121 §8.5.1: no such account
    case Errc::kItemNotFound:
    case Errc::kGone: return SmtpReply(550, "5.1.1 Nobody of this name takes mail here");
    case Errc::kResourceConstraint: return SmtpReply(452, "4.2.2 The mailbox is full");
    case Errc::kForbidden:
    case Errc::kNotAllowed:
    case Errc::kNotAcceptable:
    case Errc::kPolicyViolation: return SmtpReply(550, "5.7.1 The message is refused");
    case Errc::kRemoteServerTimeout:
      return SmtpReply(451, "4.4.1 The chat server cannot be reached");
    default: return SmtpReply(451, "4.3.0 The chat server did not take the message");
  }
}

std::string message_text(const ParsedMail& mail, const MailOptions& options, ThreadPlace place) {
  std::string text = chat_text(mail.text, options.text_in);
  const bool with_subject = options.subject_in_text && place == ThreadPlace::kFirst;
  if ((with_subject || text.empty()) && !mail.subject.empty()) {
    text = text.empty() ? mail.subject : mail.subject + "\n\n" + text;
  }
  if (text.empty() && mail.attachments.empty()) return "[A mail without a text]";
  for (const Attachment& attachment : mail.attachments) {
    text += (text.empty() ? "" : "\n") + attachment_note(attachment);
  }
  if (mail.more_attachments > 0) {
    text += "\n[And more attachments, not taken: " + std::to_string(mail.more_attachments) + "]";
  }
  return text;
}

SmtpReply Incoming::check_recipient(const MailAddress& recipient) {
  if (!link_.is_connected()) return SmtpReply(451, "4.4.1 The chat server cannot be reached");
  if (!link_.serves(recipient.domain()))
    return SmtpReply(550, "5.7.1 No mail goes there from here");
  const auto user = user_of(recipient);
  // Who has no contacts here gets no mail here: so a guess costs the server nothing.
  const bool known = user && (options_.who_may_write != kContacts || link_.has_contacts(*user));
  if (!known) return SmtpReply(550, "5.1.1 Nobody of this name takes mail here");
  return SmtpReply(250, "2.1.5 OK");
}

// What is refused whoever is meant.
std::optional<SmtpReply> Incoming::refuse(const ParsedMail& mail) {
  // RFC 5321 §6.3; and what went out here does not come back.
  if (mail.hops > static_cast<std::size_t>(options_.hops) || threads_.is_ours(mail.message_id)) {
    return SmtpReply(554, "5.4.6 This mail goes in circles");
  }
  if (mail.automatic && !options_.automatic) {
    return SmtpReply(550, "5.7.1 Mail of machines and lists is not taken here");
  }
  if (options_.attachments == "refuse" && !mail.attachments.empty()) {
    return SmtpReply(554, "5.6.1 Attachments are not taken here: send the text alone");
  }
  return std::nullopt;
}

Task<std::vector<SmtpReply>> Incoming::take(ReceivedMail received) {
  std::vector<SmtpReply> verdicts;
  const auto all = [&](const SmtpReply& reply) {
    return std::vector<SmtpReply>(received.recipients.size(), reply);
  };
  auto parsed = parse_mail(received.data);
  if (!parsed) co_return all(SmtpReply(554, "5.6.0 " + parsed.error().detail));
  ParsedMail mail = *std::move(parsed);
  if (mail.report) {
    for (const MailAddress& recipient : received.recipients) {
      const Result<> told = co_await report(recipient, *mail.report);
      verdicts.push_back(told ? SmtpReply(250, "2.0.0 The report is read") : reply_for(told));
    }
    co_return verdicts;
  }
  if (const auto refused = refuse(mail)) co_return all(*refused);
  const std::optional<MailAddress> from = mail.from ? mail.from : received.sender;
  if (!from) co_return all(SmtpReply(554, "5.6.0 There is no sender in this mail"));
  // Users of the chat write there, so a mail that says it is of one of them is of somebody else.
  if (link_.serves(from->domain())) {
    co_return all(SmtpReply(550, "5.7.1 Users of this chat do not write by mail"));
  }
  for (const MailAddress& recipient : received.recipients) {
    // A server that is gone is not waited for once for each recipient.
    if (!verdicts.empty() && verdicts.back().code == 451) {
      verdicts.push_back(verdicts.back());
      continue;
    }
    SmtpReply verdict = co_await deliver(recipient, mail, *from);
    verdicts.push_back(std::move(verdict));
  }
  if (std::ranges::none_of(verdicts, &SmtpReply::is_good)) remove_attachments(mail);
  if (!received.lmtp) notify(received, verdicts);
  co_return verdicts;
}

std::optional<SmtpReply> Incoming::may_write(const Jid& user, const std::string& address) {
  const bool free = options_.who_may_write == kAnyone;
  const bool answer =
      options_.who_may_write == kUsers && threads_.has_written(user.bare_str(), address);
  if (!free && !answer && !link_.is_contact(user, address)) {
    return SmtpReply(550, "5.7.1 Only contacts of this user may write");
  }
  if (!link_.take_from_outside(user)) {
    return SmtpReply(450, "4.2.1 Too much mail for this user: try again later");
  }
  return std::nullopt;
}

// The newest mail that this one refers to and that is known here.
std::optional<ThreadedMail> Incoming::parent_of(const ParsedMail& mail, const std::string& user,
                                                const std::string& address) {
  for (const std::string& id : std::views::reverse(mail.references)) {
    auto found = threads_.by_message_id(user, id);
    if (found && found->address == address) return found;
  }
  return std::nullopt;
}

// Once for all recipients, when the first of them may have the mail.
std::optional<SmtpReply> Incoming::save_attachments(ParsedMail& mail) {
  if (!store_) return std::nullopt;
  for (Attachment& attachment : mail.attachments) {
    if (!attachment.saved.empty()) continue;
    auto saved = store_->save(attachment.name, attachment.content);
    if (!saved) {
      remove_attachments(mail);
      const bool full = saved.error().code == Errc::kResourceConstraint;
      return full ? SmtpReply(452, "4.3.1 There is no room for attachments now")
                  : SmtpReply(451, "4.3.0 Attachments cannot be taken now");
    }
    attachment.saved = *std::move(saved);
  }
  return std::nullopt;
}

void Incoming::remove_attachments(ParsedMail& mail) {
  for (Attachment& attachment : mail.attachments) {
    if (!attachment.saved.empty()) store_->remove(std::exchange(attachment.saved, {}));
  }
}

Task<SmtpReply> Incoming::deliver(MailAddress recipient, ParsedMail& mail,
                                  const MailAddress& from) {
  const auto user = user_of(recipient);
  const auto contact = link_.jid_of(from.str());
  if (!user || !contact) co_return SmtpReply(550, "5.1.1 This address is none of a chat");
  const std::string bare(user->bare_str());
  if (const auto refused = may_write(*user, from.str())) co_return *refused;
  // Its sender did not hear our answer, and sends again.
  const auto before =
      mail.message_id.empty() ? std::nullopt : threads_.by_message_id(bare, mail.message_id);
  if (before && before->address == from.str()) co_return kTaken;
  if (const auto refused = save_attachments(mail)) co_return *refused;
  const auto parent = parent_of(mail, bare, from.str());

  ThreadedMail threaded;
  threaded.message_id = mail.message_id;
  threaded.user = bare;
  threaded.address = from.str();
  threaded.thread = parent ? parent->thread : link_.random().token(9);
  threaded.stanza = link_.random().token(12);
  threaded.subject = mail.subject;
  threaded.references = mail.references;
  threaded.at = link_.loop().clock().wall().time_since_epoch().count();

  xml::Element message(ns::kClient, "message");
  message.set("from", contact->str()).set("to", bare).set("type", "chat");
  message.set("id", threaded.stanza);
  const ThreadPlace place = parent ? ThreadPlace::kLater : ThreadPlace::kFirst;
  message.append_text_element("body", message_text(mail, options_, place));
  if (!mail.subject.empty()) message.append_text_element("subject", mail.subject);
  message.append_text_element("thread", threaded.thread);
  // XEP-0461 §3.1: which message of the user this answers.
  if (parent && parent->ours && !parent->stanza.empty()) {
    message.append(kReplyNs, "reply").set("to", bare).set("id", parent->stanza);
  }
  const Result<> delivered = co_await link_.deliver(std::move(message));
  if (delivered) (void)threads_.add(threaded);
  log_debug("mail came", {{"from", from.str()},
                          {"to", bare},
                          {"result", delivered ? "delivered" : delivered.error().to_string()}});
  co_return reply_for(delivered);
}

// RFC 3464: what became of a mail of ours. What is about none of ours says nothing. An error: the
// chat server does not have it.
Task<Result<>> Incoming::report(MailAddress recipient, const Report& report) {
  const auto user = user_of(recipient);
  if (!user || report.message_id.empty()) co_return Result<>{};
  const auto mail = threads_.by_message_id(user->bare_str(), report.message_id);
  const auto failed = std::ranges::find(report.recipients, "failed", &ReportedRecipient::action);
  if (!mail || !mail->ours || failed == report.recipients.end()) co_return Result<>{};
  const auto contact = link_.jid_of(mail->address);
  if (!contact) co_return Result<>{};
  const bool final = !failed->status.starts_with('4');
  const Error why = error_of(
      {final ? SubmissionOutcome::Kind::kFinal : SubmissionOutcome::Kind::kPassing,
       final ? 550 : 450, (final ? "550 " : "450 ") + failed->status + ' ' + failed->diagnostic});
  const auto to = user->with_resource(mail->resource);
  xml::Element error(ns::kClient, "message");
  error.set("type", "error").set("from", contact->str()).set("to", (to ? *to : *user).str());
  error.set("id", mail->stanza);
  error.append(write_stanza_error(to_stanza_error(why)));
  const Result<> told = co_await link_.deliver(std::move(error));
  // RFC 6121 §8.5.3.2: an error for a client that has gone is not kept. A late one is a message.
  const std::chrono::milliseconds age =
      link_.loop().clock().wall() - WallTime(std::chrono::milliseconds(mail->at));
  if (age < kSoon || !told) co_return told;
  xml::Element note(ns::kClient, "message");
  note.set("type", "chat").set("from", contact->str()).set("to", user->bare_str());
  note.set("id", link_.random().token(12));
  note.append_text_element(
      "body", "[Your mail \"" + mail->subject + "\" was not delivered: " + why.detail + "]");
  note.append_text_element("thread", mail->thread);
  co_return co_await link_.deliver(std::move(note));
}

// RFC 5321 §6.1: what was taken and cannot be delivered is told, but never to the null path.
void Incoming::notify(const ReceivedMail& mail, const std::vector<SmtpReply>& verdicts) {
  const bool any_good = std::ranges::any_of(verdicts, &SmtpReply::is_good);
  std::vector<FailedRecipient> failed;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    if (verdicts[i].is_good()) continue;
    const std::string& text = verdicts[i].text;
    const std::size_t space = std::min(text.find(' '), text.size() - 1);
    failed.emplace_back(mail.recipients[i], text.substr(0, space), text.substr(space + 1));
  }
  if (!any_good || failed.empty() || !mail.sender) return;
  const auto postmaster = MailAddress::make("postmaster", failed.front().address.domain());
  NewMail message(*postmaster, *mail.sender);
  message.subject = "Your mail could not be delivered";
  message.date = link_.loop().clock().wall();
  message.message_id = link_.random().token(18) + "@balcony";
  FailureNotice notice(std::move(message), std::move(failed));
  notice.reporter = link_.domain();
  notice.original_header = header_of(mail.data, kNoticeHeaderMax);
  (void)outbox_.add(OutboxItem(Envelope(std::nullopt, *mail.sender), compose_notice(notice)));
}

}  // namespace balcony::gateway::mail
