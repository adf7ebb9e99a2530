// Options of the gateway to e-mail: [gateway.mail]. Plain values.
#pragma once

#include "base/options.h"
#include "gateway/options.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace balcony::gateway::mail {

struct MailOptions : GatewayOptions {
  // Out.
  std::string submission = "smtp://127.0.0.1:25";
  std::string submission_tls = "auto";  // "auto", "required", "none"
  std::string submission_user;
  std::string submission_password;
  std::string submission_password_file;
  std::string submission_ca;
  std::chrono::seconds submission_timeout{60};
  std::int64_t submission_parallel = 4;
  std::chrono::seconds retry_for{4 * 60 * 60};
  std::int64_t queue = 1'000;
  Bytes text_out{64 * 1024};
  // In.
  std::string address = "127.0.0.1";
  std::int64_t port = 2525;
  Bytes mail{5 * 1024 * 1024};
  std::int64_t connections = 20;
  std::int64_t recipients = 100;
  std::chrono::seconds timeout{300};
  Bytes text_in{64 * 1024};
  std::int64_t hops = 30;
  std::string attachments = "note";  // "note", "refuse", "save"
  std::string attachments_folder;
  Bytes attachments_total{1024ULL * 1024 * 1024};
  bool automatic = false;
  bool subject_in_text = true;
  // Both.
  std::chrono::seconds conversation{24 * 60 * 60};
  std::int64_t threads_per_user = 1'000;
};

std::vector<OptionSpec> mail_options();

// Whether they fit together. Errors: kConfig, kIo; the sentence begins with the option's name.
Result<> check_options(const MailOptions& options);
// The password: `submission_password`, or what is in its file. Errors: kIo.
Result<std::string> submission_password(const MailOptions& options);

}  // namespace balcony::gateway::mail
