#include "xml/splitter.h"

#include "base/assert.h"
#include "xml/lexer.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace balcony::xml {
namespace {

// One lexer is kept by each thread for the next stanza, so that a stanza that comes whole costs no
// allocation. Splitters that die after their thread's locals find `gone` set.
thread_local bool gone = false;
struct Spare {
  std::unique_ptr<Lexer> lexer;
  ~Spare() { gone = true; }
};
thread_local Spare spare;

std::unique_ptr<Lexer> take_lexer() {
  if (!gone && spare.lexer) return std::move(spare.lexer);
  return std::make_unique<Lexer>();
}

std::uint32_t pack(std::size_t limit) {
  return static_cast<std::uint32_t>(
      std::min<std::size_t>(limit, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

static_assert(sizeof(Splitter) < 96, "an idle stream costs this");

PackedLimits::PackedLimits(const Limits& limits)
    : stanza_bytes_max(pack(limits.stanza_bytes_max)),
      depth_max(pack(limits.depth_max)),
      attributes_max(pack(limits.attributes_max)),
      nodes_max(pack(limits.nodes_max)),
      name_bytes_max(pack(limits.name_bytes_max)) {}

Splitter::Splitter(const Limits& limits, Framing framing)
    : limits_(limits),
      state_(framing == Framing::kStream ? State::kStart : State::kEnded),
      framing_(framing) {}

Splitter::Splitter(Splitter&&) noexcept = default;
Splitter& Splitter::operator=(Splitter&&) noexcept = default;
Splitter::~Splitter() = default;

void Splitter::feed(std::string_view bytes) {
  BALCONY_ASSERT(at_ == end_ || state_ == State::kFailed, "feed() before all was consumed");
  if (lexer_ && state_ != State::kUnderWay) release();
  at_ = bytes.data();
  end_ = at_ + bytes.size();
  if (state_ == State::kUnderWay) lexer_->resume(at_);
  if (framing_ == Framing::kElement && state_ == State::kEnded) state_ = State::kStart;
}

Result<SplitEvent> Splitter::next() {
  if (lexer_ && state_ != State::kUnderWay) release();
  while (true) {
    if (state_ == State::kFailed) return fail(error_);
    if (state_ == State::kPendingEnd) {
      state_ = State::kEnded;
      at_ = end_;
      return SplitEvent{SplitKind::kStreamEnd, {}};
    }
    if (state_ == State::kEnded) at_ = end_;
    if (at_ == end_) return need_more();
    Result<SplitEvent> event = state_ == State::kUnderWay ? lex() : outside();
    if (!event || event->kind != SplitKind::kNeedMore) return event;
  }
}

std::unexpected<Error> Splitter::failed(Errc error, const char* why) {
  state_ = State::kFailed;
  error_ = error;
  std::unexpected<Error> result = fail(error, why);
  lexer_.reset();
  return result;
}

Result<SplitEvent> Splitter::need_more() {
  if (framing_ == Framing::kElement && state_ != State::kEnded) {
    // RFC 7395 §3.3.3: a message is one complete element.
    return failed(Errc::kXmlNotWellFormed, "the document is not complete");
  }
  return SplitEvent{};
}

// What stands around stanzas. kNeedMore: go on.
Result<SplitEvent> Splitter::outside() {
  if (state_ <= State::kMark2) {
    const Result<SplitEvent> marked = mark();
    if (!marked || state_ <= State::kMark2 || at_ == end_) return marked;
  }
  const char c = *at_;
  if (c == '<') {
    begin();
    return lex();
  }
  if (!chars::is(c, chars::kSpace)) {
    if (!chars::can_begin(chars::byte(c))) {
      return failed(Errc::kXmlBadEncoding, "this is not UTF-8");
    }
    return failed(Errc::kXmlNotWellFormed, "text outside of stanzas");
  }
  while (at_ != end_ && chars::is(*at_, chars::kSpace)) ++at_;
  if (state_ == State::kBetween) return SplitEvent{SplitKind::kWhitespace, {}};
  state_ = State::kProlog;
  return SplitEvent{};
}

// The very start. RFC 6120 §11.6: a byte order mark of UTF-8 is no more than a mark.
Result<SplitEvent> Splitter::mark() {
  constexpr std::uint8_t kMark[] = {0xEF, 0xBB, 0xBF};
  const std::uint8_t c = chars::byte(*at_);
  const auto index = static_cast<std::size_t>(state_);
  if (c == kMark[index]) {
    ++at_;
    state_ = static_cast<State>(index + 1);
    return SplitEvent{};
  }
  if (state_ == State::kStart) {
    // XML 1.0 appendix F: UTF-16 or UTF-32 begins so. Their byte order marks are no UTF-8 at all.
    if (c == 0) return failed(Errc::kXmlBadEncoding, "this is UTF-16 or UTF-32, not UTF-8");
    state_ = State::kMarked;
    return SplitEvent{};
  }
  if ((c & 0xC0) != 0x80) return failed(Errc::kXmlBadEncoding, "this is not UTF-8");
  return failed(Errc::kXmlNotWellFormed, "text outside of stanzas");
}

// At '<'.
void Splitter::begin() {
  lexer_ = take_lexer();
  const bool header = framing_ == Framing::kStream && state_ != State::kBetween;
  lexer_->begin(at_, header, state_ == State::kMarked);
  state_ = State::kUnderWay;
}

Result<SplitEvent> Splitter::lex() {
  const std::size_t used = lexer_->bytes_to(at_);
  const std::size_t room =
      limits_.stanza_bytes_max - std::min<std::size_t>(used, limits_.stanza_bytes_max);
  const bool clipped = static_cast<std::size_t>(end_ - at_) > room;
  const char* const end = clipped ? at_ + room : end_;
  const auto outcome =
      at_ == end ? Lexer::Outcome::kMore : lexer_->run(at_, end, limits_, root_name_);
  switch (outcome) {
    case Lexer::Outcome::kMore:
      if (clipped) return failed(Errc::kXmlTooBig, "the stanza is too big");
      lexer_->carry(at_);
      return SplitEvent{};
    case Lexer::Outcome::kError: return failed(lexer_->error(), lexer_->why());
    case Lexer::Outcome::kElement: return finish_element();
    case Lexer::Outcome::kHeader: return finish_header(false);
    case Lexer::Outcome::kEmptyHeader: return finish_header(true);
    case Lexer::Outcome::kStreamEnd:
      state_ = State::kEnded;
      at_ = end_;
      release();
      return SplitEvent{SplitKind::kStreamEnd, {}};
    case Lexer::Outcome::kDeclaration:
      state_ = State::kProlog;
      release();
      return SplitEvent{};
  }
  return SplitEvent{};
}

Result<SplitEvent> Splitter::finish_element() {
  const SplitEvent event{SplitKind::kStanza, lexer_->text_to(at_)};
  state_ = State::kBetween;
  if (framing_ == Framing::kElement) {
    while (at_ != end_ && chars::is(*at_, chars::kSpace)) ++at_;
    if (at_ != end_) return failed(Errc::kXmlNotWellFormed, "something follows the element");
    state_ = State::kEnded;
  }
  if (lexer_->carried_bytes() == 0) release();
  return event;
}

Result<SplitEvent> Splitter::finish_header(bool empty) {
  const SplitEvent event{SplitKind::kStreamHeader, lexer_->text_to(at_)};
  root_name_ = lexer_->root();
  state_ = empty ? State::kPendingEnd : State::kBetween;
  return event;
}

void Splitter::release() {
  if (!gone && !spare.lexer && lexer_->is_small()) {
    spare.lexer = std::move(lexer_);
  } else {
    lexer_.reset();
  }
}

void Splitter::reset() {
  if (lexer_) release();
  at_ = end_;
  root_name_ = std::string();
  state_ = framing_ == Framing::kStream ? State::kStart : State::kEnded;
}

std::string_view Splitter::rest() const {
  return {at_, end_};
}

void Splitter::drop_rest() {
  at_ = end_;
}

std::string_view Splitter::stanzas_ahead() const {
  const bool between = state_ == State::kBetween && framing_ == Framing::kStream;
  return between ? std::string_view(at_, end_) : std::string_view();
}

void Splitter::skip_stanza(std::size_t bytes) {
  BALCONY_ASSERT(bytes <= stanzas_ahead().size(), "there is no such stanza");
  if (lexer_) release();  // what it showed is read
  at_ += bytes;
}

void Splitter::set_limits(const Limits& limits) {
  limits_ = PackedLimits(limits);
}

std::size_t Splitter::carried_bytes() const {
  return lexer_ && state_ == State::kUnderWay ? lexer_->carried_bytes() : 0;
}

}  // namespace balcony::xml
