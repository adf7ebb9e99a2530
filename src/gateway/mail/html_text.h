// The text of an HTML mail, for people who chat: paragraphs, lists and links as plain text, and
// nothing of scripts, styles and comments.
//
// libxml2 reads it (html_parser.h), ours is the layout: linear in time, no recursion, output never
// longer than a few times the input; nothing is requested from anywhere. Pure functions; any
// thread.
#pragma once

#include <string>
#include <string_view>

namespace balcony::gateway::mail {

// `html` is UTF-8. What is beyond the limits of html_parser.h is left out, with a note.
std::string html_to_text(std::string_view html);

}  // namespace balcony::gateway::mail
