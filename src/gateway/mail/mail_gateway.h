// The e-mail gateway: messages become mails, mails become messages.
//
// A Network as gateway/network.h has it; the pieces are Outgoing, Outbox and Submission for the one
// way, SmtpServer and Incoming for the other, and Threads between them.
#pragma once

#include "gateway/mail/attachment_store.h"
#include "gateway/mail/incoming.h"
#include "gateway/mail/mail_options.h"
#include "gateway/mail/outbox.h"
#include "gateway/mail/outgoing.h"
#include "gateway/mail/smtp_server.h"
#include "gateway/mail/submission.h"
#include "gateway/mail/threads.h"
#include "gateway/network.h"

#include <memory>
#include <optional>

namespace balcony::gateway::mail {

class MailNetwork final : public Network {
 public:
  MailNetwork(Link& link, MailOptions options);
  ~MailNetwork() override;

  Result<std::string> address(std::string_view text) const override;
  Result<> start() override;
  Result<> on_message(const Message& message, const std::string& address) override;
  Task<> stop() override;

 private:
  Link& link_;
  MailOptions options_;
  std::optional<Threads> threads_;
  std::optional<AttachmentStore> attachments_;
  std::unique_ptr<Submitter> submitter_;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<Outgoing> outgoing_;
  std::unique_ptr<Incoming> incoming_;
  std::unique_ptr<SmtpServer> server_;
};

}  // namespace balcony::gateway::mail
