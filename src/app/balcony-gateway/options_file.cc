#include "app/balcony-gateway/options_file.h"

#include "gateway/gateways.h"
#include "server/config_gateways.h"
#include "server/config_section.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace balcony::app {
namespace {

const OptionTable& file_options() {
  using F = GatewayFile;
  static const OptionTable kTable = option_table<F>({
      option("server", &F::server, "Where the server takes components."),
      option("secret", &F::secret, "The component's secret."),
      option("secret_file", &F::secret_file, "A file whose first line is the secret."),
      option("data", &F::data, "The folder of what is kept."),
      option("log_level", &F::log_level, "The least important lines that are written.",
             {"debug", "info", "warning", "error", "off"}),
      option("log_file", &F::log_file, "A file to append to; empty: standard error."),
  });
  return kTable;
}

server::GatewayKinds kinds() {
  server::GatewayKinds all;
  for (const gateway::GatewaySpec* spec : gateway::all_gateways()) {
    all.push_back({spec->name, spec->summary, &spec->options, spec->check});
  }
  return all;
}

Result<std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const int error = errno;
    return fail(error == ENOENT ? Errc::kNotFound : Errc::kIo,
                "cannot read " + path + ": " + std::strerror(error));
  }
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

Result<GatewayFile> read_gateway_file(const std::string& path) {
  BALCONY_ASSIGN(const std::string text, read_text(path));
  BALCONY_ASSIGN(const server::ConfigNode tree, server::parse_toml(text, path));
  GatewayFile file;
  server::ConfigProblems problems;
  server::read_section(tree, file_options(), &file, "the configuration", "", {"gateway"}, problems);
  server::Config config;
  const server::GatewayKinds known = kinds();
  server::read_gateways(tree, &known, config, problems);
  if (!file.secret_file.empty()) {
    auto secret = read_text(file.secret_file);
    if (secret) file.secret = secret->substr(0, secret->find_first_of("\r\n"));
    if (!secret) problems.add(tree.find("secret_file")->node.place, secret.error().detail);
  }
  if (file.secret.empty() && !problems.any()) {
    problems.add(tree.place, "secret is missing; `balconyctl component add DOMAIN` makes one");
  }
  if (problems.any()) return fail(problems.error());
  file.gateways = std::move(config.gateways);
  return file;
}

}  // namespace balcony::app
