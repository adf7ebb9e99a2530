// Handing one mail over to the submission server (RFC 6409, RFC 5321), by SMTP.
//
// Submitter is what the queue (outbox.h) sees; CurlSubmitter does it with libcurl on worker
// threads, as it blocks. The only place that knows libcurl is submission.cc.
#pragma once

#include "base/loop.h"
#include "gateway/mail/mail_address.h"
#include "gateway/mail/mail_options.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace balcony {
class ThreadPool;
}

namespace balcony::gateway::mail {

struct Envelope {
  // Without a sender the null path of notices (RFC 5321 §4.5.5).
  Envelope(std::optional<MailAddress> from_, MailAddress to_)
      : from(std::move(from_)), to(std::move(to_)) {}

  std::optional<MailAddress> from;
  MailAddress to;
};

struct SubmissionOutcome {
  enum class Kind : std::uint8_t {
    kTaken,
    kPassing,  // later it may work: 4yz, no connection
    kFinal,    // it never will: 5yz
  };
  Kind kind = Kind::kPassing;
  int code = 0;      // the server's last reply; 0: there was none
  std::string text;  // what it said, or why there was no connection; one line
};

// The stanza error for an outcome that is not good: by the reply and its enhanced code (RFC 3463).
Error error_of(const SubmissionOutcome& outcome);

class Submitter {
 public:
  virtual ~Submitter() = default;

  using Done = std::move_only_function<void(SubmissionOutcome outcome)>;
  // Begins; `done` is called on the caller's loop, later. `mail` has CRLF. One that is ended first
  // calls nobody.
  virtual void submit(Envelope envelope, std::string mail, Done done) = 0;
};

class CurlSubmitter final : public Submitter {
 public:
  // `options.submission_parallel` threads.
  CurlSubmitter(Loop& loop, const MailOptions& options);
  // Cuts off what is under way; waits for the threads.
  ~CurlSubmitter() override;

  void submit(Envelope envelope, std::string mail, Done done) override;

 private:
  struct Shared;
  Loop& loop_;
  std::shared_ptr<Shared> shared_;
  std::unique_ptr<ThreadPool> pool_;
};

}  // namespace balcony::gateway::mail
