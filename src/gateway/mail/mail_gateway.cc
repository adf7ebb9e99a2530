#include "gateway/mail/mail_gateway.h"

#include "gateway/gateways.h"

namespace balcony::gateway {
namespace mail {

MailNetwork::MailNetwork(Link& link, MailOptions options)
    : link_(link), options_(std::move(options)) {}

MailNetwork::~MailNetwork() = default;

Result<std::string> MailNetwork::address(std::string_view text) const {
  BALCONY_ASSIGN(const MailAddress address, MailAddress::parse(text));
  // What would come back to this gateway is no mail.
  if (link_.serves(address.domain()) || address.domain() == link_.domain()) {
    return fail(Errc::kJidMalformed, address.str() + " is in this chat: write there directly");
  }
  return address.str();
}

Result<> MailNetwork::start() {
  BALCONY_CHECK(check_options(options_));
  BALCONY_ASSIGN(options_.submission_password, submission_password(options_));
  BALCONY_ASSIGN(threads_, Threads::open(link_.database(),
                                         static_cast<std::size_t>(options_.threads_per_user)));
  if (options_.attachments == "save") {
    BALCONY_ASSIGN(attachments_,
                   AttachmentStore::open(options_.attachments_folder,
                                         options_.attachments_total.count, link_.random()));
  }
  submitter_ = std::make_unique<CurlSubmitter>(link_.loop(), options_);
  const OutboxLimits limits{static_cast<std::size_t>(options_.queue), options_.retry_for,
                            static_cast<std::size_t>(options_.submission_parallel)};
  outbox_ = std::make_unique<Outbox>(
      link_.loop(), link_.database(), *submitter_, limits,
      [this](const OutboxItem& item, const Error& why) { outgoing_->refuse(item, why); });
  outgoing_ = std::make_unique<Outgoing>(link_, *threads_, *outbox_, options_);
  incoming_ = std::make_unique<Incoming>(link_, *threads_, *outbox_, options_,
                                         attachments_ ? &*attachments_ : nullptr);
  BALCONY_CHECK(outbox_->open());
  SmtpServerOptions server;
  server.name = link_.domain();
  server.address = options_.address;
  server.port = static_cast<std::uint16_t>(options_.port);
  server.limits.mail_bytes = options_.mail.count;
  server.limits.recipients = static_cast<std::size_t>(options_.recipients);
  server.connections = static_cast<std::size_t>(options_.connections);
  server.timeout = options_.timeout;
  BALCONY_ASSIGN(
      server_,
      SmtpServer::listen(
          *link_.shards(), std::move(server),
          [this](const MailAddress& recipient) { return incoming_->check_recipient(recipient); },
          [this](ReceivedMail mail) { return incoming_->take(std::move(mail)); }));
  return {};
}

Result<> MailNetwork::on_message(const Message& message, const std::string& address) {
  return outgoing_->send(message, address);
}

Task<> MailNetwork::stop() {
  co_await server_->stop();
  outbox_.reset();
  submitter_.reset();
}

namespace {

std::unique_ptr<Network> make(Link& link, std::shared_ptr<const MailOptions> options) {
  return std::make_unique<MailNetwork>(link, *options);
}

}  // namespace
}  // namespace mail

extern const GatewaySpec mail_gateway = gateway_spec<mail::MailOptions>(
    "mail",
    "E-mail: a message to someone\\40example.org@mail.DOMAIN becomes a mail, and the answer "
    "a message (docs/gateways.md).",
    {"smtp", "E-mail", "Enter an e-mail address, such as juliet@capulet.example.",
     "E-mail address"},
    mail::mail_options(), mail::check_options, mail::make);

}  // namespace balcony::gateway
