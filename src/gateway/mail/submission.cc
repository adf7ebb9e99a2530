#include "gateway/mail/submission.h"

#include "base/log.h"
#include "gateway/mail/quoting.h"
#include "net/thread_pool.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <string_view>

namespace balcony::gateway::mail {
namespace {

constexpr std::size_t kReplyMax = 300;

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// One handing over, as the library's callbacks see it.
struct Transfer {
  std::string_view left;
  std::string reply;                        // the last line that the server said
  std::array<char, CURL_ERROR_SIZE> why{};  // what the library says when it fails
  const std::atomic<bool>* stop = nullptr;
};

std::size_t give(char* into, std::size_t size, std::size_t count, void* transfer) {
  std::string_view& left = static_cast<Transfer*>(transfer)->left;
  const std::size_t bytes = std::min(size * count, left.size());
  std::memcpy(into, left.data(), bytes);
  left.remove_prefix(bytes);
  return bytes;
}

std::size_t hear(char* line, std::size_t size, std::size_t count, void* transfer) {
  const std::string_view said(line, size * count);
  // Not the good byes: what was said to the mail counts.
  if (!said.starts_with("221")) {
    static_cast<Transfer*>(transfer)->reply = one_line(said, kReplyMax);
  }
  return size * count;
}

int watch(void* transfer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(transfer)->stop->load() ? 1 : 0;
}

bool is_on_this_machine(std::string_view url) {
  std::string_view host = url.substr(std::min(url.find("://") + 3, url.size()));
  host = host.substr(0, host.find('/'));
  return host.starts_with("127.") || host.starts_with("[::1]") || host == "localhost" ||
         host.starts_with("localhost:");
}

long tls_of(const MailOptions& options) {
  if (options.submission_tls == "none") return CURLUSESSL_NONE;
  const bool here = options.submission_tls == "auto" && is_on_this_machine(options.submission);
  return here ? CURLUSESSL_NONE : CURLUSESSL_ALL;
}

void set_server(CURL* curl, const MailOptions& options) {
  curl_easy_setopt(curl, CURLOPT_URL, options.submission.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(curl, CURLOPT_USE_SSL, tls_of(options));
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!options.submission_ca.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, options.submission_ca.c_str());
  }
  if (!options.submission_user.empty()) {
    curl_easy_setopt(curl, CURLOPT_USERNAME, options.submission_user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, options.submission_password.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_PROXY, "");  // none out of the environment
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  const auto seconds = static_cast<long>(options.submission_timeout.count());
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, seconds);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, std::min(seconds, 30L));
}

// What our operator has to mend, and no mail is at fault for; else nothing.
std::string_view ours_to_mend(CURLcode result) {
  switch (result) {
    case CURLE_LOGIN_DENIED: return "the server refuses submission_user and its password";
    case CURLE_USE_SSL_FAILED: return "the server offers no TLS (submission_tls)";
    case CURLE_SSL_CONNECT_ERROR: return "TLS with the server fails";
    case CURLE_PEER_FAILED_VERIFICATION:
      return "the server's certificate is not good (submission_ca)";
    case CURLE_SSL_CACERT_BADFILE: return "submission_ca cannot be read";
    default: return {};
  }
}

SubmissionOutcome outcome_of(CURL* curl, CURLcode result, Transfer& transfer,
                             const MailOptions& options) {
  using Kind = SubmissionOutcome::Kind;
  if (result == CURLE_OK) return {Kind::kTaken, 250, std::move(transfer.reply)};
  long code = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
  const std::string_view ours = ours_to_mend(result);
  const bool said = code >= 400 && !transfer.reply.empty();
  const std::string_view why = transfer.why.data();
  std::string text = said          ? std::move(transfer.reply)
                     : why.empty() ? std::string(curl_easy_strerror(result))
                                   : one_line(why, kReplyMax);
  if (code < 400 || !ours.empty()) {
    log_warning("mail submission fails", {{"server", options.submission},
                                          {"what", ours.empty() ? "no connection" : ours},
                                          {"why", text}});
  }
  const bool final = code >= 500 && code < 600 && ours.empty();
  return {final ? Kind::kFinal : Kind::kPassing, static_cast<int>(code), std::move(text)};
}

SubmissionOutcome submit_now(const MailOptions& options, const Envelope& envelope,
                             const std::string& mail, const std::atomic<bool>& stop) {
  const std::unique_ptr<CURL, CurlFree> curl(curl_easy_init());
  if (!curl) return {SubmissionOutcome::Kind::kPassing, 0, "out of memory"};
  set_server(curl.get(), options);
  const std::string from = '<' + (envelope.from ? envelope.from->str() : std::string()) + '>';
  const std::string to = '<' + envelope.to.str() + '>';
  const std::unique_ptr<curl_slist, CurlFree> recipients(curl_slist_append(nullptr, to.c_str()));
  Transfer transfer;
  transfer.left = mail;
  transfer.stop = &stop;
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, transfer.why.data());
  curl_easy_setopt(curl.get(), CURLOPT_MAIL_FROM, from.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_MAIL_RCPT, recipients.get());
  curl_easy_setopt(curl.get(), CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(mail.size()));
  curl_easy_setopt(curl.get(), CURLOPT_READFUNCTION, give);
  curl_easy_setopt(curl.get(), CURLOPT_READDATA, &transfer);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERFUNCTION, hear);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, watch);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &transfer);
  const CURLcode result = curl_easy_perform(curl.get());
  return outcome_of(curl.get(), result, transfer, options);
}

}  // namespace

// Outlives the submitter by what is under way on a thread, or on its way back to the loop.
struct CurlSubmitter::Shared {
  MailOptions options;
  std::atomic<bool> stop = false;
};

CurlSubmitter::CurlSubmitter(Loop& loop, const MailOptions& options)
    : loop_(loop), shared_(std::make_shared<Shared>()) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  shared_->options = options;
  pool_ = std::make_unique<ThreadPool>(static_cast<std::size_t>(options.submission_parallel), 100);
}

CurlSubmitter::~CurlSubmitter() {
  shared_->stop = true;
}

void CurlSubmitter::submit(Envelope envelope, std::string mail, Done done) {
  // The callback lives on the loop and nowhere else: a thread only carries it back.
  auto waiting = std::make_shared<Done>(std::move(done));
  const bool queued = pool_->try_post([shared = shared_, &loop = loop_, waiting,
                                       envelope = std::move(envelope), mail = std::move(mail)] {
    SubmissionOutcome outcome{SubmissionOutcome::Kind::kPassing, 0, "the gateway ends"};
    if (!shared->stop) outcome = submit_now(shared->options, envelope, mail, shared->stop);
    loop.post([shared, waiting, outcome = std::move(outcome)]() mutable {
      if (!shared->stop) (*waiting)(std::move(outcome));
    });
  });
  if (queued) return;
  loop_.post([shared = shared_, waiting] {
    if (!shared->stop) (*waiting)({SubmissionOutcome::Kind::kPassing, 0, "too much at once"});
  });
}

Error error_of(const SubmissionOutcome& outcome) {
  const std::string& text = outcome.text;
  if (outcome.kind != SubmissionOutcome::Kind::kFinal) {
    return Error(Errc::kRemoteServerTimeout, "the mail could not be handed over in time: " + text);
  }
  const auto has = [&text](std::string_view status) { return text.find(status) != text.npos; };
  const std::string sentence = "the mail was refused: " + text;
  // RFC 3463 §3: address, mailbox, mail system, delivery protocol, content, policy.
  if (has(" 5.2.2") || has(" 5.3.4") || outcome.code == 552) {
    return Error(Errc::kResourceConstraint, sentence);
  }
  if (has(" 5.7.")) return Error(Errc::kForbidden, sentence);
  if (has(" 5.6.")) return Error(Errc::kNotAcceptable, sentence);
  if (has(" 5.1.2") || has(" 5.4.")) return Error(Errc::kRemoteServerNotFound, sentence);
  if (has(" 5.1.") || has(" 5.2.") || outcome.code == 550 || outcome.code == 551 ||
      outcome.code == 553) {
    return Error(Errc::kItemNotFound, sentence);
  }
  return Error(Errc::kNotAcceptable, sentence);
}

}  // namespace balcony::gateway::mail
