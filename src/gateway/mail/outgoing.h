// From a message to a mail: who writes to whom, which mail is answered, subject and text.
//
// On the gateway's loop.
#pragma once

#include "gateway/mail/mail_options.h"
#include "gateway/mail/outbox.h"
#include "gateway/mail/threads.h"
#include "gateway/network.h"

#include <balcony/client.h>
#include <balcony/result.h>

#include <optional>
#include <string>

namespace balcony::gateway::mail {

// The mail address of a user: the JID's, unescaped (XEP-0106 §3). Errors: kNotAcceptable: it is
// none that mail can have.
Result<MailAddress> mail_address_of(const Jid& user);

class Outgoing {
 public:
  Outgoing(Link& link, Threads& threads, Outbox& outbox, const MailOptions& options)
      : link_(link), threads_(threads), outbox_(outbox), options_(options) {}

  // Queues `message` as a mail to `address`. Errors: kNotAcceptable: addresses or text that make no
  // mail; kResourceConstraint: the queue is full; kIo, kDiskFull.
  Result<> send(const Message& message, const std::string& address);

  // The stanza error for a mail that went out and failed.
  void refuse(const OutboxItem& item, const Error& why);

 private:
  std::optional<ThreadedMail> answered(const Message& message, const std::string& user,
                                       const std::string& address);

  Link& link_;
  Threads& threads_;
  Outbox& outbox_;
  const MailOptions& options_;
};

}  // namespace balcony::gateway::mail
