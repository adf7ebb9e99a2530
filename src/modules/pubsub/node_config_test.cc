#include "modules/pubsub/node_config.h"
#include "stanza/ns.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace balcony::modules::pubsub {
namespace {

DataForm with(std::string_view field, std::string_view value) {
  DataForm form(FormType::kSubmit, ns::kPubsubNodeConfig);
  form.set("pubsub#" + std::string(field), value);
  return form;
}

TEST(PubsubConfig, TheFormSaysWhatIsConfigured) {
  NodeConfig config;
  config.title = "Tunes";
  config.access = AccessModel::kRoster;
  config.roster_groups = {"friends", "family"};
  config.items_max = 12;
  config.send_last = SendLast::kOnSub;
  config.notify_retract = false;
  config.headline = false;
  for (const FormType type : {FormType::kForm, FormType::kSubmit, FormType::kResult}) {
    const auto read = read_data_form(write_data_form(config_form(config, type)));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->form_type(), ns::kPubsubNodeConfig);
    const ConfigChange change = change_config({}, *read, {}, UnknownFields::kRefused);
    EXPECT_EQ(change.problem, ConfigProblem::kNone) << change.field;
    EXPECT_EQ(change.config, config);
  }
}

TEST(PubsubConfig, TheFormCanBeFilledIn) {
  const DataForm form = config_form({}, FormType::kForm);
  EXPECT_TRUE(validate(form, config_form({}, FormType::kSubmit)));
  EXPECT_FALSE(validate(form, with("access_model", "everybody")));
}

TEST(PubsubConfig, DefaultsAreThoseOfPersonalEventing) {
  const DataForm form = config_form({}, FormType::kResult);
  EXPECT_EQ(form.text("pubsub#access_model"), "presence");
  EXPECT_EQ(form.text("pubsub#send_last_published_item"), "on_sub_and_presence");
  EXPECT_EQ(form.text("pubsub#max_items"), "1");
  EXPECT_EQ(form.text("pubsub#deliver_payloads"), "1");
}

TEST(PubsubConfig, RefusesWhatCannotBe) {
  struct Case {
    std::string_view field, value;
    ConfigProblem problem;
  };
  const std::vector<Case> cases = {
      {"access_model", "whitelist", ConfigProblem::kNone},
      {"access_model", "authorize", ConfigProblem::kAccessModel},
      {"access_model", "", ConfigProblem::kAccessModel},
      {"max_items", "max", ConfigProblem::kNone},
      {"max_items", "7", ConfigProblem::kNone},
      {"max_items", "0", ConfigProblem::kValue},
      {"max_items", "-1", ConfigProblem::kValue},
      {"max_items", "10001", ConfigProblem::kValue},
      {"max_items", "many", ConfigProblem::kValue},
      {"persist_items", "true", ConfigProblem::kNone},
      {"persist_items", "yes", ConfigProblem::kValue},
      {"send_last_published_item", "on_monday", ConfigProblem::kValue},
      {"publish_model", "publishers", ConfigProblem::kNone},
      {"publish_model", "open", ConfigProblem::kValue},
      {"item_expire", "max", ConfigProblem::kNone},
      {"item_expire", "60", ConfigProblem::kValue},
      {"node_type", "collection", ConfigProblem::kValue},
      {"purge_offline", "0", ConfigProblem::kNone},
      {"purge_offline", "1", ConfigProblem::kValue},
      {"title", "Tunes", ConfigProblem::kNone},
      {"colour", "red", ConfigProblem::kUnknownField},
  };
  for (const Case& c : cases) {
    const ConfigChange change =
        change_config({}, with(c.field, c.value), {}, UnknownFields::kRefused);
    EXPECT_EQ(change.problem, c.problem) << c.field << " " << c.value;
  }
  const ConfigChange ignored = change_config({}, with("colour", "red"), {});
  EXPECT_EQ(ignored.problem, ConfigProblem::kNone);
  EXPECT_EQ(ignored.config, NodeConfig());
}

TEST(PubsubConfig, PreconditionsAreMetByTheSameValueHoweverItIsWritten) {
  EXPECT_TRUE(meets_preconditions({}, with("access_model", "presence"), {}));
  EXPECT_TRUE(meets_preconditions({}, with("persist_items", "true"), {}));
  EXPECT_TRUE(meets_preconditions({}, with("persist_items", "1"), {}));
  EXPECT_FALSE(meets_preconditions({}, with("access_model", "open"), {}));
  EXPECT_FALSE(meets_preconditions({}, with("access_model", "authorize"), {}));
  EXPECT_FALSE(meets_preconditions({}, with("colour", "red"), {}));
}

TEST(PubsubNode, IsReadAsItWasStored) {
  Node node;
  node.number = 3;
  node.config.items_max = 1'000'000;  // more than today's limit
  node.config.title = "<&>";
  node.items = 2;
  node.bytes = 345;
  node.last_row = "row";
  node.last_id = "an id";
  node.last_bytes = 45;
  node.subscribers = {*Jid::parse("a@example.org"), *Jid::parse("b@example.org/r")};
  const auto read = load_node(store_node(node));
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(read->number, 3U);
  EXPECT_EQ(read->config, node.config);
  EXPECT_EQ(read->items, 2U);
  EXPECT_EQ(read->bytes, 345U);
  EXPECT_EQ(read->last_row, "row");
  EXPECT_EQ(read->last_id, "an id");
  EXPECT_EQ(read->last_bytes, 45U);
  EXPECT_EQ(read->subscribers, node.subscribers);
  for (const std::string_view bad : {"", "<node/>", "<node xmlns='x' number='1'/>",
                                     "<node xmlns='http://jabber.org/protocol/pubsub' "
                                     "number='1' items='x' bytes='0'/>"}) {
    EXPECT_FALSE(load_node(bad)) << bad;
  }
}

TEST(PubsubNode, ANumberThatIsFreeIsTaken) {
  Nodes nodes;
  EXPECT_EQ(free_number(nodes), 1U);
  nodes["a"].number = 2;
  nodes["b"].number = 1;
  nodes["c"].number = 4;
  EXPECT_EQ(free_number(nodes), 3U);
}

}  // namespace
}  // namespace balcony::modules::pubsub
