#include "gateway/mail/mime.h"
#include "gateway/mail/mime_library.h"
#include "gateway/mail/quoting.h"

#include <chrono>

namespace balcony::gateway::mail {
namespace {

constexpr std::size_t kSubjectWrittenMax = 300;

// SMTP knows no other end of a line, and a lone CR or LF could be taken for one elsewhere.
std::string with_crlf(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 40);
  for (const char c : text) {
    if (c == '\r') continue;
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

std::string write(GMimeObject* object) {
  const ObjectPtr<GMimeStream> stream(g_mime_stream_mem_new());
  g_mime_object_write_to_stream(object, nullptr, stream.get());
  const GByteArray* bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream.get()));
  return with_crlf({reinterpret_cast<const char*>(bytes->data), bytes->len});
}

std::string in_brackets(const std::vector<std::string>& ids) {
  std::string out;
  for (const std::string& id : ids) {
    if (is_message_id(id)) out += (out.empty() ? "<" : " <") + id + '>';
  }
  return out;
}

ObjectPtr<GMimeMessage> new_message(const NewMail& mail) {
  prepare_mime();
  ObjectPtr<GMimeMessage> message(g_mime_message_new(FALSE));
  GMimeObject* const object = GMIME_OBJECT(message.get());
  g_mime_message_add_mailbox(message.get(), GMIME_ADDRESS_TYPE_FROM, nullptr,
                             mail.from.str().c_str());
  g_mime_message_add_mailbox(message.get(), GMIME_ADDRESS_TYPE_TO, nullptr, mail.to.str().c_str());
  g_mime_message_set_subject(message.get(), one_line(mail.subject, kSubjectWrittenMax).c_str(),
                             "utf-8");
  const auto seconds = std::chrono::floor<std::chrono::seconds>(mail.date).time_since_epoch();
  GDateTime* const date = g_date_time_new_from_unix_utc(seconds.count());
  g_mime_message_set_date(message.get(), date);
  g_date_time_unref(date);
  g_mime_message_set_message_id(message.get(), mail.message_id.c_str());
  if (const std::string references = in_brackets(mail.references); !references.empty()) {
    const std::string last = references.substr(references.rfind('<'));
    g_mime_object_append_header(object, "In-Reply-To", last.c_str(), nullptr);
    g_mime_object_append_header(object, "References", references.c_str(), nullptr);
  }
  return message;
}

ObjectPtr<GMimeObject> raw_part(const char* type, const char* subtype, std::string_view content) {
  GMimePart* const part = g_mime_part_new_with_type(type, subtype);
  const ObjectPtr<GMimeStream> stream(
      g_mime_stream_mem_new_with_buffer(content.data(), content.size()));
  const ObjectPtr<GMimeDataWrapper> wrapper(
      g_mime_data_wrapper_new_with_stream(stream.get(), GMIME_CONTENT_ENCODING_DEFAULT));
  g_mime_part_set_content(part, wrapper.get());
  return ObjectPtr<GMimeObject>(GMIME_OBJECT(part));
}

// Seven bits and short lines go through everything.
ObjectPtr<GMimeObject> text_part(std::string_view text) {
  ObjectPtr<GMimeObject> part = raw_part("text", "plain", text);
  g_mime_object_set_content_type_parameter(part.get(), "charset", "utf-8");
  g_mime_part_set_content_encoding(GMIME_PART(part.get()), GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
  return part;
}

// The text of a chat: without controls, and with an end.
std::string body_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 || c == '\n' || c == '\t') out += c;
  }
  if (!out.ends_with('\n')) out += '\n';
  return out;
}

}  // namespace

std::string compose_mail(const NewMail& mail) {
  const ObjectPtr<GMimeMessage> message = new_message(mail);
  const ObjectPtr<GMimeObject> part = text_part(body_text(mail.text));
  g_mime_message_set_mime_part(message.get(), part.get());
  return write(GMIME_OBJECT(message.get()));
}

std::string compose_notice(const FailureNotice& notice) {
  const ObjectPtr<GMimeMessage> message = new_message(notice.mail);
  GMimeObject* const object = GMIME_OBJECT(message.get());
  g_mime_object_append_header(object, "Auto-Submitted", "auto-replied", nullptr);  // RFC 3834 §5
  const ObjectPtr<GMimeMultipart> report(g_mime_multipart_new_with_subtype("report"));
  g_mime_object_set_content_type_parameter(GMIME_OBJECT(report.get()), "report-type",
                                           "delivery-status");
  std::string text = "Your mail could not be delivered to\n";
  // RFC 3464 §2.2, §2.3.
  std::string status = "Reporting-MTA: dns; " + one_line(notice.reporter, 255) + "\n";
  for (const FailedRecipient& failed : notice.failed) {
    const std::string address = one_line(failed.address.str(), 400);
    const std::string why = one_line(failed.why, 300);
    text += "\n  " + address + ": " + why + "\n";
    status += "\nFinal-Recipient: rfc822; " + address +
              "\nAction: failed\nStatus: " + one_line(failed.status, 20) +
              "\nDiagnostic-Code: x-xmpp; " + why + "\n";
  }
  const auto words = text_part(text);
  const auto fields = raw_part("message", "delivery-status", status);
  const auto header = raw_part("text", "rfc822-headers", notice.original_header);
  for (const ObjectPtr<GMimeObject>* part : {&words, &fields, &header}) {
    g_mime_multipart_add(report.get(), part->get());
  }
  g_mime_message_set_mime_part(message.get(), GMIME_OBJECT(report.get()));
  return write(object);
}

}  // namespace balcony::gateway::mail
