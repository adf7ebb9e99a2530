// Mails as MIME has them (RFC 5322, RFC 2045 to 2047), read and written. The only places that know
// a MIME library are mime_reader.cc and mime_writer.cc.
//
// Reading bounds what a mail can cost: its structure is counted before it is parsed. Writing takes
// plain values, of which nothing can become a header that was not meant: line ends and controls are
// taken out of every field before it is encoded. Pure functions; any thread.
#pragma once

#include "base/clock.h"
#include "gateway/mail/mail_address.h"

#include <balcony/result.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::gateway::mail {

struct Attachment {
  std::string name;  // as the mail says, one line, cut; may be empty
  std::string type;  // "image/jpeg"
  std::uint64_t bytes = 0;
  std::string content;  // decoded
  std::string saved;    // the name it was saved under (attachment_store.h); empty: it was not
};

// One recipient in a report (RFC 3464 §2.3).
struct ReportedRecipient {
  std::string recipient;   // an address, as the report says; may be empty
  std::string action;      // lower case: "failed", "delayed", "delivered", "relayed", "expanded"
  std::string status;      // "5.1.1"
  std::string diagnostic;  // what the other server said; may be empty
};

// A report on a mail of ours (RFC 3464).
struct Report {
  std::vector<ReportedRecipient> recipients;
  std::string message_id;  // of the mail that it is about; may be empty
};

struct ParsedMail {
  std::optional<MailAddress> from;
  std::string from_name;
  std::string subject;     // one line
  std::string message_id;  // ids without < and >; bounded
  // References and In-Reply-To, the oldest first, the mail that is answered last.
  std::vector<std::string> references;
  std::string text;  // as it was written, or out of HTML; UTF-8 but for what nobody can read
  std::vector<Attachment> attachments;
  std::size_t more_attachments = 0;  // beyond those, and not looked at
  bool automatic = false;            // sent by a machine or by a list
  std::size_t hops = 0;              // Received fields
  std::optional<Report> report;
};

// Errors: kPolicyViolation: so many parts or fields that it is no mail but an attack; kMalformed:
// no mail at all.
Result<ParsedMail> parse_mail(std::string_view data);

struct NewMail {
  NewMail(MailAddress from_, MailAddress to_) : from(std::move(from_)), to(std::move(to_)) {}

  MailAddress from;
  MailAddress to;
  std::string subject;
  WallTime date{};
  std::string message_id;  // without < and >
  std::vector<std::string> references;
  std::string text;
};

// The mail as it is sent, with CRLF.
std::string compose_mail(const NewMail& mail);

struct FailedRecipient {
  FailedRecipient(MailAddress address_, std::string status_, std::string why_)
      : address(std::move(address_)), status(std::move(status_)), why(std::move(why_)) {}

  MailAddress address;
  std::string status;  // "5.1.1"
  std::string why;     // one sentence
};

// A notice that a mail was taken and could not be delivered to some (RFC 3464, RFC 3834: it says
// that a machine wrote it).
struct FailureNotice {
  FailureNotice(NewMail mail_, std::vector<FailedRecipient> failed_)
      : mail(std::move(mail_)), failed(std::move(failed_)) {}

  NewMail mail;  // from the postmaster, to the sender; the text is made
  std::vector<FailedRecipient> failed;
  std::string reporter;         // the name of this server
  std::string original_header;  // of the mail that could not be delivered, cut
};
std::string compose_notice(const FailureNotice& notice);

// The header of a mail, at most `bytes_max` bytes of it, whole lines.
std::string_view header_of(std::string_view data, std::size_t bytes_max);

// Whether this can be a message id: printable ASCII without spaces and angle brackets, bounded.
bool is_message_id(std::string_view id);

}  // namespace balcony::gateway::mail
