#include "gateway/mail/mail_options.h"

#include "net/socket_address.h"

#include <fstream>

namespace balcony::gateway::mail {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;
using M = MailOptions;

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;

std::vector<OptionSpec> sending() {
  return {
      option("submission", &M::submission,
             "The server that takes our mail: \"smtp://host:port\" or \"smtps://host:port\"."),
      option("submission_tls", &M::submission_tls,
             "STARTTLS with a valid certificate on smtp://: \"auto\": required unless the server "
             "is on this machine.",
             {"auto", "required", "none"}),
      option("submission_user", &M::submission_user, "The name to log in there; empty: no login."),
      option("submission_password", &M::submission_password, "And the password."),
      option("submission_password_file", &M::submission_password_file,
             "A file whose first line is the password, in place of `submission_password`."),
      option("submission_ca", &M::submission_ca,
             "PEM file of the authorities of its certificate; empty: those of the system."),
      option("submission_timeout", &M::submission_timeout, 5s, 1h,
             "How long handing over one mail may take."),
      option("submission_parallel", &M::submission_parallel, 1, 16,
             "Mails that are handed over at the same time."),
      option("retry_for", &M::retry_for, 0s, 5 * 24h,
             "A mail that cannot be handed over now is tried again for so long, then its sender "
             "gets an error."),
      option("queue", &M::queue, 1, 100'000, "Mails that may wait; more are refused."),
      option("text_out_bytes", &M::text_out, Bytes{kKiB}, Bytes{kMiB},
             "The longest text that goes out as a mail."),
  };
}

std::vector<OptionSpec> receiving() {
  return {
      option("address", &M::address,
             "Where mail for users comes in, by SMTP or LMTP: a literal address. Whoever reaches "
             "it can send as anybody: keep it to your mail server."),
      option("port", &M::port, 0, 65'535, "And the port; 0: the system chooses, see the log."),
      option("mail_bytes", &M::mail, Bytes{64 * kKiB}, Bytes{64 * kMiB},
             "The largest mail that is taken (SIZE)."),
      option("connections", &M::connections, 1, 1'000, "Connections at the same time."),
      option("recipients", &M::recipients, 100, 10'000, "Recipients of one mail."),
      option("timeout", &M::timeout, 5s, 1h,
             "How long a command, or a whole mail, may take to come."),
      option("text_in_bytes", &M::text_in, Bytes{kKiB}, Bytes{80 * kKiB},
             "The longest text that becomes a message; more is cut, with a note."),
      option("hops", &M::hops, 5, 1'000, "More Received fields than this are a loop."),
      option("attachments", &M::attachments,
             "\"note\": the message says what was attached and not taken; \"refuse\": such a mail "
             "is refused; \"save\": it goes into `attachments_folder`, and the message says under "
             "which name.",
             {"note", "refuse", "save"}),
      option("attachments_folder", &M::attachments_folder,
             "The folder for \"save\", an absolute path; files there can be read by the gateway's "
             "user alone."),
      option("attachments_bytes", &M::attachments_total, Bytes{kMiB}, Bytes{1024 * 1024 * kMiB},
             "All files in it together. A mail for which there is no room is put off (452)."),
      option("automatic", &M::automatic,
             "Take mail of lists and machines too (Auto-Submitted, Precedence, List-Id); else it "
             "is refused."),
      option("subject_in_text", &M::subject_in_text,
             "The text of a mail that begins a thread begins with the subject, for clients that "
             "show none."),
      option("conversation", &M::conversation, 0s, 30 * 24h,
             "A message without <thread/> belongs to the last thread with that address, when that "
             "is not older."),
      option("threads_per_user", &M::threads_per_user, 10, 100'000,
             "Mails of one user whose threads are remembered."),
  };
}

}  // namespace

std::vector<OptionSpec> mail_options() {
  std::vector<OptionSpec> all = sending();
  for (OptionSpec& one : receiving()) all.push_back(std::move(one));
  return all;
}

Result<> check_options(const MailOptions& options) {
  if (!SocketAddress::parse(options.address, 0)) {
    return fail(Errc::kConfig, "address must be a literal IPv4 or IPv6 address");
  }
  const bool smtp = options.submission.starts_with("smtp://");
  if (!smtp && !options.submission.starts_with("smtps://")) {
    return fail(Errc::kConfig, "submission must begin with \"smtp://\" or \"smtps://\"");
  }
  if (options.attachments == "save" && !options.attachments_folder.starts_with('/')) {
    return fail(Errc::kConfig, "attachments_folder must be an absolute path, to save in");
  }
  BALCONY_CHECK(submission_password(options));
  return {};
}

Result<std::string> submission_password(const MailOptions& options) {
  if (options.submission_password_file.empty()) return options.submission_password;
  std::ifstream file(options.submission_password_file);
  std::string password;
  if (!file || !std::getline(file, password)) {
    return fail(Errc::kIo,
                "submission_password_file: cannot read " + options.submission_password_file);
  }
  return password;
}

}  // namespace balcony::gateway::mail
