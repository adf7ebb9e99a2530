// EXTERNAL with a certificate (XEP-0178 §2) at the receiving end: whom the certificate lets in.
#include "sasl/mechanism.h"
#include "stream/receiving_stream.h"

#include <algorithm>
#include <utility>

namespace balcony::stream {
// The accounts of the stream's host that the peer's certificate names.
std::vector<Jid> ReceivingStream::certified() const {
  if (!shown_ || !shown_->error.empty() || !policy_->trusts(domain_, *shown_)) return {};
  std::vector<Jid> accounts;
  for (const Jid& jid : shown_->addresses) {
    const bool is_account = jid.has_local() && jid.is_bare() && jid.domain() == domain_;
    if (is_account && std::ranges::find(accounts, jid) == accounts.end()) accounts.push_back(jid);
  }
  return accounts;
}

// Why a mechanism that was not offered fails. Who shows a certificate that does not let him in is
// told so (RFC 6120 §6.5.10), and the operator learns why.
Error ReceivingStream::not_offered() const {
  if (mechanism_ != sasl::kExternal || !shown_) return Error(Errc::kSaslInvalidMechanism);
  return Error(Errc::kSaslNotAuthorized, shown_->error.empty()
                                             ? "the certificate names no account of this host"
                                             : shown_->error);
}

Actions ReceivingStream::identify(const std::string& authzid) {
  const std::vector<Jid> accounts = certified();
  const Jid* who = accounts.size() == 1 ? accounts.data() : nullptr;
  if (!authzid.empty()) {
    const auto wanted = Jid::parse(authzid);
    const auto at = wanted ? std::ranges::find(accounts, *wanted) : accounts.end();
    who = at == accounts.end() ? nullptr : &*at;
  }
  if (who == nullptr) {
    // XEP-0178 §2, 11b: of several the client has to name one.
    return sasl_failed(
        Error(Errc::kSaslInvalidAuthzid, "the certificate is not for the wanted account alone"));
  }
  state_ = State::kWaiting;
  username_ = who->local();
  return list(CheckAccount{username_});
}

Actions ReceivingStream::on_account_checked(Result<bool> exists) {
  if (state_ != State::kWaiting || !sasl_) return {};
  if (!exists) return sasl_failed(exists.error());
  Result<std::string> who = username_;
  if (!*exists) who = fail(Errc::kSaslNotAuthorized, "the certificate is for no account");
  return on_sasl_step(sasl_->identified(std::move(who)));
}

}  // namespace balcony::stream
