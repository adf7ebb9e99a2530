#include "stream/outgoing_pairs.h"

#include <utility>

namespace balcony::stream {
ServerActions OutgoingPairs::open(DomainPair pair) {
  if (const auto known = open_.find(pair); known != open_.end()) {
    return list(PairOpened{std::move(pair), known->second});
  }
  if (asked_.contains(pair)) return {};
  // XEP-0220 §2.1.1.
  Dialback request;
  request.key = dialback_key(secret_, pair, id_);
  request.addresses = pair;
  asked_.insert(std::move(pair));
  return list(Send{write_dialback(request)});
}

ServerActions OutgoingPairs::opened(DomainPair pair, PairProof proof) {
  asked_.erase(pair);
  open_.insert_or_assign(pair, proof);
  return list(PairOpened{std::move(pair), proof});
}

ServerActions OutgoingPairs::verify(const VerifyKey& what) {
  // XEP-0220 §2.1.2: from the receiving server, which is us, to the domain that was claimed.
  Dialback request;
  request.kind = Dialback::Kind::kVerify;
  request.addresses = reversed(what.pair);
  request.id = what.id;
  request.key = what.key;
  keys_.emplace(what.pair, what.id);
  return list(Send{write_dialback(request)});
}

ServerActions OutgoingPairs::on_answer(const Dialback& answer) {
  using enum Dialback::Type;
  if (answer.kind == Dialback::Kind::kVerify) {
    // The answer comes from the domain that was claimed: its addresses are the pair.
    if (keys_.erase({answer.addresses, answer.id}) == 0) return {};
    KeyAnswered told{answer.addresses, answer.id, {}};
    if (answer.type == kInvalid) {
      told.error = Error(Errc::kForbidden, "the key was not made by the domain's server");
    } else if (answer.type == kError) {
      told.error = Error(answer.condition, "the domain's server answers with an error");
    }
    return list(std::move(told));
  }
  DomainPair pair = reversed(answer.addresses);
  if (asked_.erase(pair) == 0) return {};
  if (answer.type == kValid) return opened(std::move(pair), PairProof::kDialback);
  if (answer.type == kInvalid) {
    return list(PairRefused{std::move(pair), Error(Errc::kForbidden, "the key is called invalid")});
  }
  std::string why = "the peer answers <";
  why.append(balcony::to_string(answer.condition)).append("/>");
  return list(PairRefused{std::move(pair), Error(answer.condition, std::move(why))});
}

ServerActions OutgoingPairs::on_end(const Error& why) {
  ServerActions actions;
  for (const DomainPair& pair : std::exchange(asked_, {})) {
    actions.emplace_back(PairRefused{pair, why});
  }
  for (const auto& [pair, id] : std::exchange(keys_, {})) {
    actions.emplace_back(KeyAnswered{pair, id, no_answer_to_key(why)});
  }
  open_.clear();
  return actions;
}

bool OutgoingPairs::may_send(std::string_view from, std::string_view to) const {
  return open_.contains(DomainPairView{from, to});
}

}  // namespace balcony::stream
