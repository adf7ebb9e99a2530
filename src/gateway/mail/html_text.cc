#include "gateway/mail/html_text.h"

#include "gateway/mail/html_entity.h"

#include <algorithm>
#include <array>
#include <utility>

namespace balcony::gateway::mail {
namespace {

constexpr std::size_t kTagNameMax = 16;
constexpr std::size_t kLinkMax = 500;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

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

class Reader {
 public:
  explicit Reader(std::string_view html) : html_(html) {}

  std::string read() {
    while (at_ < html_.size()) {
      const char c = html_[at_];
      if (c == '<' && tag()) continue;
      if (c == '&') {
        std::string decoded;
        at_ += decode_entity(html_.substr(at_), decoded);
        add(decoded);
        continue;
      }
      character(c);
      ++at_;
    }
    while (out_.ends_with('\n') || out_.ends_with(' ')) out_.pop_back();
    return std::move(out_);
  }

 private:
  void character(char c) {
    if (is_space(c)) {
      space_ = true;
      return;
    }
    add(std::string_view(&c, 1));
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

  // A tag, a comment or a declaration. False: a "<" that stands for itself.
  bool tag() {
    const std::string_view rest = html_.substr(at_);
    if (rest.starts_with("<!--")) return skip_past("-->", 4);
    if (rest.starts_with("<!") || rest.starts_with("<?")) return skip_past(">", 2);
    const bool end = rest.starts_with("</");
    std::size_t i = end ? 2 : 1;
    if (i >= rest.size() || !is_letter(rest[i])) return false;
    std::string name;
    for (; i < rest.size() && !is_space(rest[i]) && rest[i] != '>' && rest[i] != '/'; ++i) {
      if (name.size() < kTagNameMax) name += lower(rest[i]);
    }
    const std::size_t close = end_of_tag(rest, i);
    const std::string_view attributes = rest.substr(i, close - i);
    at_ += std::min(close + 1, rest.size());
    if (end) {
      end_tag(name);
    } else {
      start_tag(name, attributes);
    }
    return true;
  }

  // Where the '>' stands that ends a tag: one in quotes does not. Without one, the end.
  static std::size_t end_of_tag(std::string_view rest, std::size_t from) {
    char quote = 0;
    for (std::size_t i = from; i < rest.size(); ++i) {
      if (quote != 0) {
        if (rest[i] == quote) quote = 0;
      } else if (rest[i] == '"' || rest[i] == '\'') {
        quote = rest[i];
      } else if (rest[i] == '>') {
        return i;
      }
    }
    return rest.size();
  }

  bool skip_past(std::string_view mark, std::size_t from) {
    const std::size_t found = html_.find(mark, at_ + from);
    at_ = found == std::string_view::npos ? html_.size() : found + mark.size();
    return true;
  }

  void start_tag(const std::string& name, std::string_view attributes) {
    if (is_one_of(kHidden, name)) return skip_element(name);
    if (name == "br") {
      if (lines_ > 0) {
        lines_ = std::min<std::size_t>(lines_ + 1, 2);
      } else {
        break_lines(1);
      }
    } else if (is_one_of(kParagraphs, name)) {
      break_lines(2);
    } else if (is_one_of(kBlocks, name)) {
      break_lines(1);
    } else if (name == "td" || name == "th") {
      space_ = true;
    } else if (name == "img") {
      image(attributes);
    } else if (name == "a") {
      link_ = attribute(attributes, "href");
      link_from_ = out_.size();
    }
    if (name == "blockquote") ++quotes_;
    if (name == "li") {
      add("-");
      space_ = true;
    }
  }

  void end_tag(const std::string& name) {
    if (is_one_of(kParagraphs, name)) {
      break_lines(2);
    } else if (is_one_of(kBlocks, name)) {
      break_lines(1);
    } else if (name == "a") {
      end_link();
    }
    if (name == "blockquote" && quotes_ > 0) --quotes_;
  }

  void image(std::string_view attributes) {
    const std::string alt = attribute(attributes, "alt");
    if (!alt.empty()) add("[" + alt.substr(0, 100) + "]");
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

  // What is hidden ends with its end tag, whatever else stands in it; without one, nothing is left.
  void skip_element(const std::string& name) {
    const std::string end = "</" + name;
    while (at_ < html_.size()) {
      const std::size_t found = html_.find("</", at_);
      if (found == std::string_view::npos) break;
      at_ = found;
      const std::string_view here = html_.substr(at_, end.size());
      if (std::ranges::equal(here, end, {}, lower)) {
        skip_past(">", end.size());
        return;
      }
      at_ += 2;
    }
    at_ = html_.size();
  }

  // The value of an attribute with its entities resolved, cut; empty when it is not there.
  static std::string attribute(std::string_view attributes, std::string_view name) {
    for (std::size_t i = 0; i < attributes.size();) {
      while (i < attributes.size() && (is_space(attributes[i]) || attributes[i] == '/')) ++i;
      const std::size_t begin = i;
      while (i < attributes.size() && !is_space(attributes[i]) && attributes[i] != '=') ++i;
      const std::string_view key = attributes.substr(begin, i - begin);
      while (i < attributes.size() && is_space(attributes[i])) ++i;
      if (i >= attributes.size() || attributes[i] != '=') {
        if (i == begin) ++i;
        continue;
      }
      ++i;
      const std::string_view value = attribute_value(attributes, i);
      if (std::ranges::equal(key, name, {}, lower)) return decode(value.substr(0, kLinkMax));
    }
    return {};
  }

  static std::string_view attribute_value(std::string_view attributes, std::size_t& i) {
    while (i < attributes.size() && is_space(attributes[i])) ++i;
    if (i < attributes.size() && (attributes[i] == '"' || attributes[i] == '\'')) {
      const std::size_t end = std::min(attributes.find(attributes[i], i + 1), attributes.size());
      const std::string_view value = attributes.substr(i + 1, end - i - 1);
      i = std::min(end + 1, attributes.size());
      return value;
    }
    const std::size_t begin = i;
    while (i < attributes.size() && !is_space(attributes[i])) ++i;
    return attributes.substr(begin, i - begin);
  }

  static std::string decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
      if (text[i] == '&') {
        i += decode_entity(text.substr(i), out);
        continue;
      }
      if (static_cast<unsigned char>(text[i]) >= 0x20) out += text[i];
      ++i;
    }
    return out;
  }

  std::string_view html_;
  std::size_t at_ = 0;
  std::string out_;
  std::string link_;
  std::size_t link_from_ = 0;
  std::size_t lines_ = 0;   // to break before the next character
  std::size_t quotes_ = 0;  // how deep in quotations
  bool space_ = false;      // white space before the next character
};

}  // namespace

std::string html_to_text(std::string_view html) {
  return Reader(html).read();
}

}  // namespace balcony::gateway::mail
