// What shells and man(1) want to know of balconyctl, made from the list of commands.
#pragma once

#include <string>

namespace balcony::app {

// A script for bash-completion, which defines _balconyctl().
std::string bash_completion();
// A file _balconyctl for zsh's fpath.
std::string zsh_completion();
// balconyctl(8), in man(7) macros.
std::string manual_page();

}  // namespace balcony::app
