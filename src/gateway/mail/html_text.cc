#include "gateway/mail/html_text.h"

#include "gateway/mail/html_parser.h"
#include "gateway/mail/quoting.h"

#include <algorithm>
#include <array>
#include <utility>

namespace balcony::gateway::mail {
namespace {

constexpr std::size_t kLinkMax = 500;
constexpr std::size_t kAltMax = 100;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

// Characters that are there to be seen by nobody, or to keep words together.
constexpr std::string_view kNoBreakSpace = "\u00a0";
constexpr std::array<std::string_view, 4> kInvisible = {"\u00ad", "\u200b", "\u200c", "\ufeff"};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// Elements that begin and end a line, those that begin a paragraph, and those whose content is for
// nobody.
constexpr std::array<std::string_view, 18> kBlocks = {
    "div", "tr",      "li",     "ul", "ol", "table", "section", "article", "header",
    "dl",  "address", "footer", "dt", "dd", "hr",    "form",    "center",  "title"};
constexpr std::array<std::string_view, 9> kParagraphs = {"p",  "h1", "h2",  "h3",        "h4",
                                                         "h5", "h6", "pre", "blockquote"};
constexpr std::array<std::string_view, 8> kHidden = {"script", "style",    "head",  "template",
                                                     "object", "noscript", "title", "svg"};

class Layout final : public HtmlEvents {
 public:
  void begin(std::string_view element, const HtmlAttributes& attributes) override {
    if (is_one_of(kHidden, element)) ++hidden_;
    if (hidden_ > 0) return;
    if (element == "br") {
      lines_ = lines_ > 0 ? std::min<std::size_t>(lines_ + 1, 2) : 1;
    } else if (is_one_of(kParagraphs, element)) {
      break_lines(2);
    } else if (is_one_of(kBlocks, element)) {
      break_lines(1);
    } else if (element == "td" || element == "th") {
      space_ = true;
    } else if (element == "img") {
      const std::string_view alt = value_of(attributes, "alt", kAltMax);
      if (!alt.empty()) add("[" + std::string(alt) + "]");
    } else if (element == "a") {
      link_ = value_of(attributes, "href", kLinkMax);
      link_from_ = out_.size();
    }
    if (element == "blockquote") ++quotes_;
    if (element == "li") {
      add("-");
      space_ = true;
    }
  }

  void end(std::string_view element) override {
    const bool was_hidden = hidden_ > 0;
    if (was_hidden && is_one_of(kHidden, element)) --hidden_;
    if (was_hidden) return;
    if (is_one_of(kParagraphs, element)) {
      break_lines(2);
    } else if (is_one_of(kBlocks, element)) {
      break_lines(1);
    } else if (element == "a") {
      end_link();
    }
    if (element == "blockquote" && quotes_ > 0) --quotes_;
  }

  void text(std::string_view text) override {
    if (hidden_ > 0) return;
    while (!text.empty()) {
      const std::size_t plain = plain_length(text);
      if (plain > 0) {
        add(text.substr(0, plain));
        text.remove_prefix(plain);
        continue;
      }
      std::size_t size = 1;
      if (is_space(text.front())) {
        space_ = true;
      } else if (text.starts_with(kNoBreakSpace)) {
        add(" ");
        size = kNoBreakSpace.size();
      } else {
        size = invisible_length(text);
      }
      text.remove_prefix(size);
    }
  }

  std::string take() {
    while (out_.ends_with('\n') || out_.ends_with(' ')) out_.pop_back();
    return std::move(out_);
  }
  void note(std::string_view text) {
    break_lines(1);
    add(text);
  }

 private:
  static std::size_t invisible_length(std::string_view text) {
    for (const std::string_view one : kInvisible) {
      if (text.starts_with(one)) return one.size();
    }
    return 0;
  }

  // Of what stands at the beginning and is to be seen as it is.
  static std::size_t plain_length(std::string_view text) {
    std::size_t i = 0;
    while (i < text.size() && !is_space(text[i])) {
      // All of the others begin with one of these.
      const auto c = static_cast<unsigned char>(text[i]);
      const bool may_be_other = c == 0xc2 || c == 0xe2 || c == 0xef;
      const std::string_view rest = text.substr(i);
      if (may_be_other && (rest.starts_with(kNoBreakSpace) || invisible_length(rest) > 0)) break;
      ++i;
    }
    return i;
  }

  void add(std::string_view text) {
    if (text.empty()) return;
    if (lines_ > 0 && !out_.empty()) out_.append(lines_, '\n');
    if (lines_ > 0 || out_.empty()) {
      begin_line();
    } else if (space_ && !out_.empty() && out_.back() != ' ') {
      out_ += ' ';
    }
    lines_ = 0;
    space_ = false;
    out_.append(text);
  }

  // Quotations keep their mark, so that they can be folded as those of plain text.
  void begin_line() {
    for (std::size_t i = 0; i < std::min<std::size_t>(quotes_, 5); ++i) out_ += "> ";
  }

  void break_lines(std::size_t lines) { lines_ = std::max(lines_, lines); }

  // Cut, but not inside of a character; empty when it is not there.
  static std::string_view value_of(const HtmlAttributes& attributes, std::string_view name,
                                   std::size_t most) {
    const auto found = std::ranges::find(attributes, name, &HtmlAttributes::value_type::first);
    if (found == attributes.end()) return {};
    return cut_utf8(found->second, most);
  }

  // "text <address>", where the text is not the address already. Only what one can follow.
  void end_link() {
    const std::string link = std::exchange(link_, {});
    if (!link.starts_with("https://") && !link.starts_with("http://")) return;
    const std::string_view text = std::string_view(out_).substr(std::min(link_from_, out_.size()));
    if (text.find(link) != std::string_view::npos) return;
    space_ = true;
    add("<" + link + ">");
  }

  std::string out_;
  std::string link_;
  std::size_t link_from_ = 0;
  std::size_t lines_ = 0;   // to break before the next character
  std::size_t quotes_ = 0;  // how deep in quotations
  std::size_t hidden_ = 0;  // how deep in what is for nobody
  bool space_ = false;      // white space before the next character
};

}  // namespace

std::string html_to_text(std::string_view html) {
  Layout layout;
  if (parse_html(html, layout) == HtmlEnd::kCut) layout.note("[The rest of this mail is left out]");
  return layout.take();
}

}  // namespace balcony::gateway::mail
