// The text of an HTML mail, for people who chat: paragraphs, lists and links as plain text, and
// nothing of scripts, styles and comments.
//
// A tokenizer of one pass: linear in time, no recursion, output never longer than a few times the
// input; it makes no requests and keeps no tree. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

namespace balcony::gateway::mail {

// `html` is UTF-8.
std::string html_to_text(std::string_view html);

}  // namespace balcony::gateway::mail
