#include "base/ascii.h"
#include "gateway/mail/html_text.h"
#include "gateway/mail/mime.h"
#include "gateway/mail/mime_library.h"
#include "gateway/mail/quoting.h"
#include "gateway/mail/report.h"

#include <algorithm>
#include <mutex>

namespace balcony::gateway::mail {
namespace {

constexpr std::size_t kTypedPartsMax = 250;  // how deep the library can be made to nest
constexpr std::size_t kPartsMax = 2'000;
constexpr std::size_t kHeaderLinesMax = 2'000;
constexpr std::size_t kReferencesMax = 30;
constexpr std::size_t kAttachmentsMax = 50;
constexpr std::size_t kSubjectReadMax = 500;
constexpr std::size_t kNameMax = 120;

// A structure that costs the library more than a mail may: counted on the bytes, before anything is
// built from them.
bool is_bomb(std::string_view data) {
  std::size_t typed = 0;
  std::size_t parts = 0;
  std::size_t header = 0;
  bool in_header = true;
  while (!data.empty()) {
    const std::size_t end = std::min(data.find('\n'), data.size() - 1);
    const std::string_view line = data.substr(0, end + 1);
    if (line == "\r\n" || line == "\n") in_header = false;
    if (in_header) ++header;
    if (ascii_starts_with(line, "content-type")) ++typed;
    if (line.starts_with("--")) ++parts;
    data.remove_prefix(line.size());
  }
  return typed > kTypedPartsMax || parts > kPartsMax || header > kHeaderLinesMax;
}

std::string bytes_of(GMimeStream* memory) {
  const GByteArray* bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory));
  return {reinterpret_cast<const char*>(bytes->data), bytes->len};
}

std::string content_of(GMimePart* part) {
  GMimeDataWrapper* content = g_mime_part_get_content(part);
  if (!content) return {};
  const ObjectPtr<GMimeStream> stream(g_mime_stream_mem_new());
  g_mime_data_wrapper_write_to_stream(content, stream.get());
  return bytes_of(stream.get());
}

// A mail in the mail, as it came.
std::string source_of(GMimeMessage* message) {
  const ObjectPtr<GMimeStream> stream(g_mime_stream_mem_new());
  g_mime_object_write_to_stream(GMIME_OBJECT(message), nullptr, stream.get());
  return bytes_of(stream.get());
}

// Goes through the parts and finds what is text for people, what is attached and what is a report.
class PartReader {
 public:
  explicit PartReader(ParsedMail& mail) : mail_(mail) {}

  void read(GMimeObject* root) {
    if (!root) return;
    stack_.push_back({root, kNone, 0, false});
    while (!stack_.empty()) {
      const Place place = stack_.back();
      stack_.pop_back();
      visit(place);
    }
  }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  struct Place {
    GMimeObject* object;
    std::size_t alternative;  // which multipart/alternative it is in
    std::size_t branch;       // and which of its children
    bool related;             // an HTML text's own pictures
  };

  void visit(const Place& place) {
    if (GMIME_IS_MULTIPART(place.object)) return open(place);
    if (GMIME_IS_MESSAGE_PART(place.object)) return message(place);
    if (!GMIME_IS_PART(place.object)) return;
    GMimePart* const part = GMIME_PART(place.object);
    GMimeContentType* const type = g_mime_object_get_content_type(place.object);
    if (g_mime_content_type_is_type(type, "message", "delivery-status")) {
      if (!mail_.report) mail_.report.emplace();
      read_delivery_status(content_of(part), *mail_.report);
    } else if (g_mime_content_type_is_type(type, "text", "rfc822-headers")) {
      original(content_of(part));
    } else if (GMIME_IS_TEXT_PART(place.object) && !g_mime_part_is_attachment(part)) {
      text(place, type);
    } else {
      attachment(place, part, type);
    }
  }

  // RFC 2046 §5.1.4: of alternatives one is read, the first that has a text.
  void open(const Place& place) {
    GMimeMultipart* const multipart = GMIME_MULTIPART(place.object);
    GMimeContentType* const type = g_mime_object_get_content_type(place.object);
    const bool choice = g_mime_content_type_is_type(type, "multipart", "alternative");
    const bool related = g_mime_content_type_is_type(type, "multipart", "related");
    std::size_t alternative = place.alternative;
    if (choice) {
      alternative = taken_.size();
      taken_.push_back(kNone);
    }
    for (int i = g_mime_multipart_get_count(multipart); i-- > 0;) {
      const std::size_t branch = choice ? static_cast<std::size_t>(i) : place.branch;
      stack_.push_back(
          {g_mime_multipart_get_part(multipart, i), alternative, branch, place.related || related});
    }
  }

  void text(const Place& place, GMimeContentType* type) {
    const bool chosen = place.alternative == kNone || taken_[place.alternative] == kNone ||
                        taken_[place.alternative] == place.branch;
    if (!chosen) return;
    const TextPtr raw(g_mime_text_part_get_text(GMIME_TEXT_PART(place.object)));
    if (!raw) return;
    std::string text = raw.get();
    if (g_mime_content_type_is_type(type, "text", "html")) {
      text = html_to_text(text);
    } else if (!g_mime_content_type_is_type(type, "text", "plain")) {
      if (place.alternative == kNone) note("", type_of(type), std::move(text));
      return;
    }
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) return;
    if (place.alternative != kNone) taken_[place.alternative] = place.branch;
    if (!mail_.text.empty()) mail_.text += "\n\n";
    mail_.text += text;
  }

  static std::string type_of(GMimeContentType* type) {
    const TextPtr name(g_mime_content_type_get_mime_type(type));
    return one_line(to_text(name.get()), kNameMax);
  }

  void note(const std::string& name, std::string type, std::string content) {
    if (mail_.attachments.size() >= kAttachmentsMax) {
      ++mail_.more_attachments;
      return;
    }
    const std::size_t bytes = content.size();
    mail_.attachments.push_back(
        {one_line(name, kNameMax), std::move(type), bytes, std::move(content), {}});
  }

  void attachment(const Place& place, GMimePart* part, GMimeContentType* type) {
    // Pictures that a layout is made of are no attachments.
    const bool own = place.related && !g_mime_part_is_attachment(part) &&
                     g_mime_content_type_is_type(type, "image", "*");
    if (own) return;
    note(to_text(g_mime_part_get_filename(part)), type_of(type), content_of(part));
  }

  // A mail in the mail: in a report the one that it is about, else an attachment.
  void message(const Place& place) {
    GMimeMessage* const inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(place.object));
    if (!inner) return;
    if (mail_.report) {
      const std::string id = to_text(g_mime_message_get_message_id(inner));
      if (is_message_id(id)) mail_.report->message_id = id;
      return;
    }
    note(to_text(g_mime_message_get_subject(inner)), "message/rfc822", source_of(inner));
  }

  void original(const std::string& header) {
    if (!mail_.report) mail_.report.emplace();
    const std::string id = find_message_id(header);
    if (is_message_id(id)) mail_.report->message_id = id;
  }

  ParsedMail& mail_;
  std::vector<Place> stack_;
  std::vector<std::size_t> taken_;  // the branch that each alternative is read by
};

void add_references(GMimeObject* message, const char* name, std::vector<std::string>& out) {
  const char* header = g_mime_object_get_header(message, name);
  if (!header) return;
  GMimeReferences* const parsed = g_mime_references_parse(nullptr, header);
  if (!parsed) return;
  const int count = g_mime_references_length(parsed);
  for (int i = 0; i < count; ++i) {
    std::string id = to_text(g_mime_references_get_message_id(parsed, i));
    if (!is_message_id(id)) continue;
    std::erase(out, id);
    out.push_back(std::move(id));
  }
  g_mime_references_free(parsed);
  if (out.size() > kReferencesMax) {
    out.erase(out.begin(), out.end() - static_cast<std::ptrdiff_t>(kReferencesMax));
  }
}

void read_from(GMimeMessage* message, ParsedMail& mail) {
  InternetAddressList* const list = g_mime_message_get_from(message);
  if (!list || internet_address_list_length(list) != 1) return;
  InternetAddress* const first = internet_address_list_get_address(list, 0);
  if (!INTERNET_ADDRESS_IS_MAILBOX(first)) return;
  const char* text = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(first));
  if (auto address = MailAddress::parse(text ? text : "")) mail.from = *std::move(address);
  mail.from_name = one_line(to_text(internet_address_get_name(first)), kNameMax);
}

// RFC 3834 §2, and what lists and machines said before it.
bool is_automatic(GMimeObject* message) {
  const std::string submitted = to_text(g_mime_object_get_header(message, "Auto-Submitted"));
  if (!submitted.empty() && !ascii_starts_with(submitted, "no")) return true;
  const std::string precedence = to_text(g_mime_object_get_header(message, "Precedence"));
  for (const std::string_view word : {"bulk", "junk", "list", "auto_reply"}) {
    if (ascii_starts_with(precedence, word)) return true;
  }
  for (const char* name :
       {"List-Id", "List-Unsubscribe", "List-Post", "X-Loop", "X-Autoreply", "Feedback-ID"}) {
    if (g_mime_object_get_header(message, name)) return true;
  }
  return false;
}

std::size_t count_hops(GMimeObject* message) {
  GMimeHeaderList* const headers = g_mime_object_get_header_list(message);
  const int count = g_mime_header_list_get_count(headers);
  std::size_t hops = 0;
  for (int i = 0; i < count; ++i) {
    const char* name = g_mime_header_get_name(g_mime_header_list_get_header_at(headers, i));
    if (g_ascii_strcasecmp(name, "Received") == 0) ++hops;
  }
  return hops;
}

void drop_complaint(const gchar*, GLogLevelFlags, const gchar*, gpointer) {}

}  // namespace

void prepare_mime() {
  static std::once_flag once;
  std::call_once(once, [] {
    g_mime_init();
    g_log_set_handler("gmime", static_cast<GLogLevelFlags>(G_LOG_LEVEL_MASK), drop_complaint,
                      nullptr);
  });
}

Result<ParsedMail> parse_mail(std::string_view data) {
  if (is_bomb(data)) return fail(Errc::kPolicyViolation, "this mail has too many parts");
  prepare_mime();
  const ObjectPtr<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(data.data(), data.size()));
  const ObjectPtr<GMimeParser> parser(g_mime_parser_new_with_stream(stream.get()));
  const ObjectPtr<GMimeMessage> message(g_mime_parser_construct_message(parser.get(), nullptr));
  if (!message) return fail(Errc::kMalformed, "this is no mail");
  GMimeObject* const object = GMIME_OBJECT(message.get());
  ParsedMail mail;
  read_from(message.get(), mail);
  mail.subject = one_line(to_text(g_mime_message_get_subject(message.get())), kSubjectReadMax);
  const std::string id = to_text(g_mime_message_get_message_id(message.get()));
  if (is_message_id(id)) mail.message_id = id;
  add_references(object, "References", mail.references);
  add_references(object, "In-Reply-To", mail.references);
  mail.automatic = is_automatic(object);
  mail.hops = count_hops(object);
  PartReader(mail).read(g_mime_message_get_mime_part(message.get()));
  return mail;
}

}  // namespace balcony::gateway::mail
