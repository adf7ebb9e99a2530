#include "server/commands.h"

#include "modules/modules.h"

#include <gtest/gtest.h>

#include <set>

namespace balcony::server {
namespace {

Value json(std::string_view text) {
  return parse_json(text).value();
}

std::string problem(const std::vector<ArgSpec>& specs, std::string_view given) {
  const auto args = CommandArgs::check(specs, json(given));
  if (args) return "no problem";
  EXPECT_EQ(args.error().code, Errc::kUsage);
  return args.error().detail;
}

TEST(Commands, EachIsDeclaredWhole) {
  std::set<std::string> names;
  for (const CommandSpec& spec : all_commands()) {
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
    EXPECT_EQ(find_command(spec.name), &spec);
    EXPECT_TRUE(spec.summary.ends_with('.')) << spec.name;
    EXPECT_TRUE(spec.run) << spec.name;
    ASSERT_FALSE(spec.examples.empty()) << spec.name;
    for (const std::string& example : spec.examples) {
      EXPECT_NE(example.find(spec.name), std::string::npos) << example;
    }
    std::set<std::string> args;
    for (const ArgSpec& arg : spec.args) EXPECT_TRUE(args.insert(arg.name).second) << arg.name;
  }
  EXPECT_EQ(find_command("user"), nullptr);
}

TEST(Commands, ArgumentsAreCheckedByTheirDeclaration) {
  const std::vector<ArgSpec> specs{{"jid", ArgType::kJid, "", true},
                                   {"word", ArgType::kText, "", false},
                                   {"all", ArgType::kFlag, "", false},
                                   {"file", ArgType::kLines, "", false}};
  const std::vector<std::pair<std::string, std::string>> problems{
      {"{}", "jid is missing"},
      {"null", "jid is missing"},
      {"[]", "arguments must have names"},
      {R"({"jid": 5})", "jid must be a text"},
      {R"({"jid": "@x"})", "\"@x\" is no address: there is nothing before the '@'"},
      {R"({"jid": "a@x", "jdi": 1})", "unknown argument jdi"},
      {R"({"jid": "a@x", "all": "yes"})", "all must be true or false"},
      {R"({"jid": "a@x", "file": "text"})", "file must hold lines of text"},
      {R"({"jid": "a@x", "file": {"lines": [1]}})", "file must hold lines of text"},
      {R"({"jid": "a@x"})", "no problem"},
  };
  for (const auto& [given, expected] : problems) EXPECT_EQ(problem(specs, given), expected);

  const auto args = CommandArgs::check(
      specs, json(R"({"jid": "A@x", "all": true, "file": {"first": 7, "lines": ["p", "q"]}})"));
  ASSERT_TRUE(args);
  EXPECT_EQ(args->jid("jid").str(), "a@x");
  EXPECT_EQ(args->text("word"), "");
  EXPECT_TRUE(args->flag("all"));
  EXPECT_EQ(args->lines("file").first, 7);
  EXPECT_FALSE(args->lines("file").more);
  EXPECT_EQ(args->lines("file").lines, (std::vector<std::string>{"p", "q"}));
}

TEST(Commands, ModulesAreExplainedFromTheConfigurationAlone) {
  CommandContext context;
  Value::List rows;
  context.modules = &modules::all_modules();
  context.config =
      *read_config("[modules.ping]\nenabled = false", "b.toml", {}, modules::all_modules());
  context.row = [&rows](Value row) -> Task<> {
    rows.push_back(std::move(row));
    return []() -> Task<> { co_return; }();
  };
  auto list = run_command(context, "module list", Value());
  ASSERT_TRUE(list.start());
  ASSERT_TRUE(list.take());
  ASSERT_EQ(rows.size(), modules::all_modules().size());
  for (const Value& row : rows) {
    EXPECT_EQ(row.text_of("hosts") == "none",
              row.text_of("name") == "ping" ||
                  !context.config->hosts[0].modules.contains(row.text_of("name")))
        << row.text_of("name");
  }
  auto explain = run_command(context, "module explain", json(R"({"name": "pnig"})"));
  ASSERT_TRUE(explain.start());
  const auto missing = explain.take();
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::kItemNotFound);
  EXPECT_EQ(missing.error().detail, "there is no module pnig; did you mean ping?");
}

}  // namespace
}  // namespace balcony::server
