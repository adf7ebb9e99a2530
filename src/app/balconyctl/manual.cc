// The manual page.
#include "app/balconyctl/completion.h"
#include "app/balconyctl/exit_code.h"
#include "base/version.h"
#include "server/commands.h"

#include <algorithm>

namespace balcony::app {
namespace {

using server::ArgSpec;
using server::ArgType;

// Text for roff: a backslash, a hyphen that must stay one, and a line that would be a request.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool begins = out.empty() || out.back() == '\n';
    if (begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '"') {
      out += "\\(dq";
    } else {
      out += c;
    }
  }
  return out;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return text;
}

std::string argument(const ArgSpec& arg) {
  if (arg.type == ArgType::kSecret) return " [\\fB\\-\\-generate\\fR]";
  if (arg.type == ArgType::kFlag) return " [\\fB\\-\\-" + escaped(arg.name) + "\\fR]";
  const std::string name = "\\fI" + escaped(upper(arg.name)) + "\\fR";
  return arg.required ? ' ' + name : " [" + name + ']';
}

std::string about_argument(const ArgSpec& arg) {
  if (arg.type == ArgType::kSecret) {
    return ".TP\n\\fB\\-\\-generate\\fR\nMake a password and print it; else it is read from "
           "standard input, and asked for at a terminal.\n";
  }
  const std::string name = arg.type == ArgType::kFlag ? "\\fB\\-\\-" + escaped(arg.name) + "\\fR"
                                                      : "\\fI" + escaped(upper(arg.name)) + "\\fR";
  return ".TP\n" + name + '\n' + escaped(arg.help) + '\n';
}

std::string where(server::Needs needs) {
  switch (needs) {
    case server::Needs::kConfig: return "Reads the configuration; no server need run.\n";
    case server::Needs::kAccounts: return "Works with a running server and without one.\n";
    case server::Needs::kServer: break;
  }
  return "Asks a running server.\n";
}

std::string about(const server::CommandSpec& spec) {
  std::string out = ".SS " + escaped(spec.name) + "\n\\fBbalconyctl " + escaped(spec.name) + "\\fR";
  for (const ArgSpec& arg : spec.args) out += argument(arg);
  out += "\n.PP\n" + escaped(spec.summary) + '\n' + where(spec.needs);
  for (const ArgSpec& arg : spec.args) out += about_argument(arg);
  out += ".PP\n.nf\n";
  for (const std::string& example : spec.examples) {
    out += "    balconyctl " + escaped(example) + '\n';
  }
  return out + ".fi\n";
}

}  // namespace

std::string manual_page() {
  std::string out = ".\\\" Made by `balconyctl man`.\n.TH BALCONYCTL 8 \"\" \"Balcony " +
                    escaped(kBalconyVersion) + "\" \"System Administration\"\n";
  out += R"(.SH NAME
balconyctl \- looks after a Balcony server
.SH SYNOPSIS
.B balconyctl
.RI [ options ]
.I command
.RI [ arguments ]
.SH DESCRIPTION
.B balconyctl
asks a running
.B balconyd
over its control socket.
Results are printed on standard output, everything else on standard error.
.SH OPTIONS
.TP
.BI \-\-config " FILE"
The server's configuration; else the variable
.BR BALCONY_CONFIG ,
else
.IR /etc/balcony/balcony.toml .
.TP
.BI \-\-control " PATH"
The server's control socket; else as configured.
.TP
.B \-\-json
Print one JSON object: ok, rows, and result or error.
.SH COMMANDS
)";
  for (const server::CommandSpec& spec : server::all_commands()) out += about(spec);
  out += R"(.SS completion
\fBbalconyctl completion\fR bash|zsh
.PP
Prints a script for the completion of a shell.
.SS man
\fBbalconyctl man\fR
.PP
Prints this page.
.SH EXIT STATUS
.nf
)";
  return out + escaped(kExitCodeHelp) + "\n.fi\n.SH SEE ALSO\n.BR balcony (1)\n";
}

}  // namespace balcony::app
