#include "app/balconyctl/completion.h"

#include "server/commands.h"

#include <algorithm>
#include <map>
#include <vector>

namespace balcony::app {
namespace {

using server::ArgSpec;
using server::ArgType;

constexpr std::string_view kGlobals = "--config --control --json --help --version";

// Commands of this program alone: they need no server and no configuration.
struct Word {
  std::string name;
  std::string summary;
};

// The first words of all commands, each once; a group says so.
std::vector<Word> first_words() {
  std::vector<Word> words;
  for (const server::CommandSpec& spec : server::all_commands()) {
    const std::size_t space = spec.name.find(' ');
    const std::string first = spec.name.substr(0, space);
    if (std::ranges::find(words, first, &Word::name) != words.end()) continue;
    words.push_back(
        {first, space == std::string::npos ? spec.summary : "Commands about: " + first});
  }
  words.push_back({"completion", "Prints a script for the completion of a shell."});
  words.push_back({"man", "Prints the manual page."});
  return words;
}

// The second words of the groups, by group.
std::map<std::string, std::vector<Word>> second_words() {
  std::map<std::string, std::vector<Word>> words;
  for (const server::CommandSpec& spec : server::all_commands()) {
    const std::size_t space = spec.name.find(' ');
    if (space == std::string::npos) continue;
    words[spec.name.substr(0, space)].push_back({spec.name.substr(space + 1), spec.summary});
  }
  words["completion"] = {{"bash", "For bash."}, {"zsh", "For zsh."}};
  return words;
}

std::string names(const std::vector<Word>& words) {
  std::string all;
  for (const Word& word : words) all += (all.empty() ? "" : " ") + word.name;
  return all;
}

// The options and choices of a command; "FILE" among them asks for files.
std::string completions(const server::CommandSpec& spec) {
  std::string all;
  for (const ArgSpec& arg : spec.args) {
    if (arg.type == ArgType::kFlag) all += "--" + arg.name + ' ';
    if (arg.type == ArgType::kSecret) all += "--generate ";
    if (arg.type == ArgType::kLines) all += "FILE ";
    for (const std::string& choice : arg.choices) all += choice + ' ';
  }
  return all;
}

// For single quotes of a shell.
std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + '\'';
}

// The cases of second words and of what follows them, the same in both shells.
std::string cases(const std::string& indent) {
  std::string out;
  for (const server::CommandSpec& spec : server::all_commands()) {
    const std::string words = completions(spec);
    if (words.empty()) continue;
    out += indent + in_quotes(spec.name + (spec.name.contains(' ') ? "" : " ")) +
           "*) words=" + in_quotes(words) + " ;;\n";
  }
  for (const auto& [group, words] : second_words()) {
    out += indent + in_quotes(group + " ") + ") words=" + in_quotes(names(words)) + " ;;\n";
  }
  return out;
}

}  // namespace

std::string bash_completion() {
  return R"(# bash completion of balconyctl; made by `balconyctl completion bash`.
_balconyctl() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} line='' words='' i
  case $prev in
    --config | --control) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
  esac
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case ${COMP_WORDS[i]} in
      --config | --control) ((++i)) ;;
      -*) ;;
      *) line+="${COMP_WORDS[i]} " ;;
    esac
  done
  case $line in
)" + cases("    ") +
         "    '') words=" + in_quotes(names(first_words())) + " ;;\n" + R"(  esac
  [[ $cur == -* ]] && words+=' )" +
         std::string(kGlobals) + R"('
  mapfile -t COMPREPLY < <(compgen -W "${words/FILE/}" -- "$cur")
  if [[ $words == *FILE* ]]; then
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur")
  fi
}
complete -o filenames -F _balconyctl balconyctl
)";
}

std::string zsh_completion() {
  // `words` is zsh's own there: ours is `all`.
  std::string out = R"(#compdef balconyctl
# zsh completion of balconyctl; made by `balconyctl completion zsh`.
local line='' all='' i
case ${words[CURRENT-1]} in
  --config | --control) _files; return ;;
esac
for ((i = 2; i < CURRENT; ++i)); do
  case ${words[i]} in
    --config | --control) ((++i)) ;;
    -*) ;;
    *) line+="${words[i]} " ;;
  esac
done
case $line in
)";
  std::string all = cases("  ") + "  '') words=" + in_quotes(names(first_words())) + " ;;\n";
  for (std::size_t at = 0; (at = all.find("words=", at)) != std::string::npos; at += 4) {
    all.replace(at, 6, "all=");
  }
  return out + all + R"(esac
[[ $all == *FILE* ]] && _files
compadd -- ${=all/FILE/} )" +
         std::string(kGlobals) + '\n';
}

}  // namespace balcony::app
