// From a mail to a message: who may send to whom, loops, reports about mails of ours, threads and
// text.
//
// On the gateway's loop.
#pragma once

#include "gateway/mail/attachment_store.h"
#include "gateway/mail/mail_options.h"
#include "gateway/mail/mime.h"
#include "gateway/mail/outbox.h"
#include "gateway/mail/smtp_receiver.h"
#include "gateway/mail/threads.h"
#include "gateway/network.h"

#include <balcony/task.h>

#include <optional>
#include <string>
#include <vector>

namespace balcony::gateway::mail {

// The reply for what the server made of a message.
SmtpReply reply_for(const Result<>& delivered);

// The text of the message that a mail becomes; `first`: it begins a thread.
enum class ThreadPlace : std::uint8_t { kFirst, kLater };
std::string message_text(const ParsedMail& mail, const MailOptions& options, ThreadPlace place);

class Incoming {
 public:
  // `store`: where attachments are saved; null: they are not.
  Incoming(Link& link, Threads& threads, Outbox& outbox, const MailOptions& options,
           AttachmentStore* store = nullptr)
      : link_(link), threads_(threads), outbox_(outbox), options_(options), store_(store) {}

  // Whether mail for this address is taken at all (RCPT).
  SmtpReply check_recipient(const MailAddress& recipient);

  // One verdict for each recipient. Good: the server has the message. By SMTP, where a sender
  // cannot hear of each, those who did not get it are told to him by a notice.
  Task<std::vector<SmtpReply>> take(ReceivedMail mail);

 private:
  std::optional<SmtpReply> refuse(const ParsedMail& mail);
  Task<SmtpReply> deliver(MailAddress recipient, ParsedMail& mail, const MailAddress& from);
  std::optional<SmtpReply> save_attachments(ParsedMail& mail);
  void remove_attachments(ParsedMail& mail);
  std::optional<SmtpReply> may_write(const Jid& user, const std::string& address);
  std::optional<ThreadedMail> parent_of(const ParsedMail& mail, const std::string& user,
                                        const std::string& address);
  Task<Result<>> report(MailAddress recipient, const Report& report);
  void notify(const ReceivedMail& mail, const std::vector<SmtpReply>& verdicts);

  Link& link_;
  Threads& threads_;
  Outbox& outbox_;
  const MailOptions& options_;
  AttachmentStore* store_;
};

}  // namespace balcony::gateway::mail
