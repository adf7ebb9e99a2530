#include "stanza/data_form.h"

#include "stanza/ns.h"
#include "xml/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace balcony {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// XEP-0004 §5.1, example 2: the form that configures a bot.
constexpr std::string_view kBotForm = R"(<x xmlns='jabber:x:data' type='form'>
  <title>Bot Configuration</title>
  <instructions>Fill out this form to configure your new bot!</instructions>
  <field type='hidden' var='FORM_TYPE'><value>jabber:bot</value></field>
  <field type='fixed'><value>Section 1: Bot Info</value></field>
  <field type='text-single' label='The name of your bot' var='botname'/>
  <field type='text-multi' label='Helpful description of your bot' var='description'/>
  <field type='boolean' label='Public bot?' var='public'><required/></field>
  <field type='text-private' label='Password for special access' var='password'/>
  <field type='fixed'><value>Section 2: Features</value></field>
  <field type='list-multi' label='What features will the bot support?' var='features'>
    <option label='Contests'><value>contests</value></option>
    <option label='News'><value>news</value></option>
    <option label='Polls'><value>polls</value></option>
    <option label='Reminders'><value>reminders</value></option>
    <option label='Search'><value>search</value></option>
    <value>news</value>
    <value>search</value>
  </field>
  <field type='fixed'><value>Section 3: Subscriber List</value></field>
  <field type='list-single' label='Maximum number of subscribers' var='maxsubs'>
    <value>20</value>
    <option label='10'><value>10</value></option>
    <option label='20'><value>20</value></option>
    <option label='30'><value>30</value></option>
    <option label='50'><value>50</value></option>
    <option label='100'><value>100</value></option>
    <option label='None'><value>none</value></option>
  </field>
  <field type='fixed'><value>Section 4: Invitations</value></field>
  <field type='jid-multi' label='People to invite' var='invitelist'>
    <desc>Tell all your friends about your new bot!</desc>
  </field>
</x>)";

// Example 3: what the user answers.
constexpr std::string_view kBotSubmit = R"(<x xmlns='jabber:x:data' type='submit'>
  <field type='hidden' var='FORM_TYPE'><value>jabber:bot</value></field>
  <field type='text-single' var='botname'><value>The Jabber Google Bot</value></field>
  <field type='text-multi' var='description'>
    <value>This bot enables you to send requests to</value>
    <value>Google and receive the search results right</value>
  </field>
  <field type='boolean' var='public'><value>0</value></field>
  <field type='text-private' var='password'><value>v3r0na</value></field>
  <field type='list-multi' var='features'><value>news</value><value>search</value></field>
  <field type='list-single' var='maxsubs'><value>50</value></field>
  <field type='jid-multi' var='invitelist'>
    <value>juliet@capulet.com</value>
    <value>benvolio@montague.net</value>
  </field>
</x>)";

DataForm parse(std::string_view text) {
  const auto element = xml::parse(text);
  auto form = read_data_form(element.value().view());
  return std::move(form).value();
}

Error parse_error(std::string_view text, const FormLimits& limits = {}) {
  const auto element = xml::parse(text);
  return read_data_form(element.value().view(), limits).error();
}

TEST(DataForm, ReadsTheFormOfXep0004) {
  const DataForm form = parse(kBotForm);
  EXPECT_EQ(form.type, FormType::kForm);
  EXPECT_EQ(form.title, "Bot Configuration");
  EXPECT_THAT(form.instructions, ElementsAre("Fill out this form to configure your new bot!"));
  EXPECT_EQ(form.form_type(), "jabber:bot");
  ASSERT_EQ(form.fields.size(), 12U);
  const FormField& features = *form.find("features");
  EXPECT_EQ(features.type, FieldType::kListMulti);
  EXPECT_EQ(features.label, "What features will the bot support?");
  EXPECT_EQ(features.options.size(), 5U);
  EXPECT_EQ(features.options[1], FieldOption("news", "News"));
  EXPECT_THAT(features.values, ElementsAre("news", "search"));
  EXPECT_TRUE(form.find("public")->required);
  EXPECT_FALSE(form.find("botname")->required);
  EXPECT_EQ(form.find("invitelist")->desc, "Tell all your friends about your new bot!");
  EXPECT_EQ(form.find("nothing"), nullptr);
  EXPECT_EQ(form.find(""), nullptr);
}

TEST(DataForm, TypedGetters) {
  const DataForm form = parse(kBotSubmit);
  EXPECT_EQ(form.text("botname"), "The Jabber Google Bot");
  EXPECT_EQ(form.text("description"),
            "This bot enables you to send requests to\n"
            "Google and receive the search results right");
  EXPECT_EQ(form.boolean("public").value(), false);
  EXPECT_EQ(form.integer("maxsubs").value(), 50);
  EXPECT_THAT(form.list("features"), ElementsAre("news", "search"));
  EXPECT_EQ(form.jids("invitelist").value().at(1).str(), "benvolio@montague.net");
  EXPECT_EQ(form.text("none"), std::nullopt);
  EXPECT_EQ(form.boolean("none").value(), std::nullopt);
  EXPECT_EQ(form.integer("none").value(), std::nullopt);
  EXPECT_EQ(form.jid("none").value(), std::nullopt);
  EXPECT_TRUE(form.jids("none").value().empty());
  EXPECT_TRUE(form.list("none").empty());
}

TEST(DataForm, GettersNameTheFieldThatIsWrong) {
  DataForm form;
  form.set("b", "yes");
  form.set("i", "12x");
  form.set("j", "@");
  form.set_list("jj", {"a@b", "A@B", "c@d"});
  form.set("empty", "");
  for (const Error& error :
       {form.boolean("b").error(), form.boolean("jj").error(), form.integer("i").error(),
        form.integer("jj").error(), form.jid("j").error(), form.jid("jj").error()}) {
    EXPECT_EQ(error.code, Errc::kNotAcceptable);
    EXPECT_THAT(error.detail, HasSubstr("field '"));
  }
  EXPECT_EQ(form.jids("jj").value().size(), 2U);  // §3.3: duplicates are ignored
  EXPECT_EQ(form.boolean("empty").value(), std::nullopt);
  EXPECT_EQ(form.jid("empty").value(), std::nullopt);
  EXPECT_EQ(form.text("empty"), "");
  for (const auto& [text, value] :
       {std::pair("1", true), {"true", true}, {"0", false}, {"false", false}}) {
    form.set("b", text);
    EXPECT_EQ(form.boolean("b").value(), value);
  }
}

// §5.2, example 8: a table of results.
TEST(DataForm, ReadsTables) {
  const DataForm form = parse(R"(<x xmlns='jabber:x:data' type='result'>
    <title>Joogle Search: verona</title>
    <reported><field var='name'/><field var='url' type='text-single' label='URL'/></reported>
    <item><field var='name'><value>Comune di Verona</value></field>
          <field var='url'><value>http://www.comune.verona.it/</value></field></item>
    <item><field var='name'><value>benvenuto!</value></field>
          <field var='url'><value/></field></item></x>)");
  EXPECT_EQ(form.type, FormType::kResult);
  ASSERT_EQ(form.reported.size(), 2U);
  EXPECT_EQ(form.reported[1], FormField("url", FieldType::kTextSingle, "URL"));
  ASSERT_EQ(form.items.size(), 2U);
  EXPECT_THAT(form.items[0][1].values, ElementsAre("http://www.comune.verona.it/"));
  EXPECT_THAT(form.items[1][1].values, ElementsAre(""));
  EXPECT_TRUE(form.fields.empty());
  // Older senders put the rows first.
  EXPECT_EQ(parse("<x xmlns='jabber:x:data' type='result'><item><field var='a'/></item>"
                  "<reported><field var='a'/></reported></x>"),
            parse("<x xmlns='jabber:x:data' type='result'><reported><field var='a'/></reported>"
                  "<item><field var='a'/></item></x>"));
}

TEST(DataForm, WritesWhatItReads) {
  for (const std::string_view text :
       {kBotForm, kBotSubmit, std::string_view("<x xmlns='jabber:x:data' type='cancel'/>"),
        std::string_view("<x xmlns='jabber:x:data' type='result'><reported><field var='a'/>"
                         "</reported><item><field var='a'><value>1</value></field></item></x>")}) {
    const DataForm form = parse(text);
    EXPECT_EQ(read_data_form(write_data_form(form)).value(), form) << text;
  }
}

TEST(DataForm, BuildsTheForm) {
  DataForm form(FormType::kForm, "jabber:bot");
  form.title = "Bot";
  form.add_fixed("Section 1");
  form.add("public", FieldType::kBoolean, "Public bot?").required = true;
  FormField& list = form.add("maxsubs", FieldType::kListSingle);
  list.options = {FieldOption("10", "Ten"), FieldOption("20")};
  list.values = {"10"};
  const xml::Element expected =
      xml::parse(
          "<x xmlns='jabber:x:data' type='form'><title>Bot</title>"
          "<field var='FORM_TYPE' type='hidden'><value>jabber:bot</value></field>"
          "<field type='fixed'><value>Section 1</value></field>"
          "<field var='public' type='boolean' label='Public bot?'><required/></field>"
          "<field var='maxsubs' type='list-single'><value>10</value>"
          "<option label='Ten'><value>10</value></option>"
          "<option><value>20</value></option></field></x>")
          .value();
  EXPECT_TRUE(xml::same_tree(write_data_form(form), expected));
}

TEST(DataForm, RefusesWhatIsMalformed) {
  const std::pair<std::string_view, std::string_view> kBad[] = {
      {"<x xmlns='jabber:x:data'/>", "type"},
      {"<x xmlns='jabber:x:data' type='error'/>", "type"},
      {"<y xmlns='jabber:x:data' type='form'/>", "no data form"},
      {"<x xmlns='other' type='form'/>", "no data form"},
      {"<x xmlns='jabber:x:data' type='form'><field/></x>", "no name"},
      {"<x xmlns='jabber:x:data' type='submit'><field><value>1</value></field></x>", "no name"},
      {"<x xmlns='jabber:x:data' type='submit'><field var='a'/><field var='a'/></x>", "'a'"},
      {"<x xmlns='jabber:x:data' type='result'><item><field var='a'/><field var='a'/></item></x>",
       "'a'"},
      {"<x xmlns='jabber:x:data' type='form'><field var='a'><option/></field></x>", "'a'"},
      {"<x xmlns='jabber:x:data' type='form'><field var='a'><option><value/><value/></option>"
       "</field></x>",
       "'a'"},
      {"<x xmlns='jabber:x:data' type='result'><reported><field var='a'/></reported>"
       "<reported><field var='a'/></reported></x>",
       "two tables"},
  };
  for (const auto& [text, why] : kBad) {
    const Error error = parse_error(text);
    EXPECT_EQ(error.code, Errc::kMalformed) << text;
    EXPECT_THAT(error.detail, HasSubstr(why)) << text;
  }
}

TEST(DataForm, UnknownTypesAndChildren) {
  const DataForm form = parse(
      "<x xmlns='jabber:x:data' type='form'><future/><media xmlns='urn:xmpp:media-element'/>"
      "<field var='a' type='color'><media xmlns='urn:xmpp:media-element'/></field></x>");
  ASSERT_EQ(form.fields.size(), 1U);
  EXPECT_EQ(form.fields[0].type, FieldType::kTextSingle);  // §3.3
}

TEST(DataForm, Limits) {
  const std::string_view text =
      "<x xmlns='jabber:x:data' type='form'><field var='ab'><value>cd</value>"
      "<option label='ef'><value>gh</value></option></field></x>";
  EXPECT_TRUE(read_data_form(xml::parse(text)->view(), {1, 1, 1, 8}));
  for (const FormLimits& limits : {FormLimits{0, 1, 1, 8}, FormLimits{1, 0, 1, 8},
                                   FormLimits{1, 1, 0, 8}, FormLimits{1, 1, 1, 7}}) {
    EXPECT_EQ(parse_error(text, limits).code, Errc::kPolicyViolation);
  }
}

// XEP-0068 §4.
TEST(DataForm, FormTypeCountsOnlyWhereItMay) {
  const auto form_type = [](std::string_view type, std::string_view field_type) {
    return std::string(parse("<x xmlns='jabber:x:data' type='" + std::string(type) +
                             "'><field var='FORM_TYPE'" + std::string(field_type) +
                             "><value>urn:x</value></field></x>")
                           .form_type());
  };
  EXPECT_EQ(form_type("form", " type='hidden'"), "urn:x");
  EXPECT_EQ(form_type("form", " type='text-single'"), "");
  EXPECT_EQ(form_type("form", ""), "");
  EXPECT_EQ(form_type("result", " type='hidden'"), "urn:x");
  EXPECT_EQ(form_type("result", ""), "");
  EXPECT_EQ(form_type("submit", ""), "urn:x");
  EXPECT_EQ(form_type("submit", " type='text-single'"), "urn:x");
  EXPECT_EQ(DataForm(FormType::kForm, "urn:y").form_type(), "urn:y");
  EXPECT_EQ(DataForm().form_type(), "");
}

TEST(Validate, AcceptsTheAnswerOfXep0004) {
  EXPECT_TRUE(validate(parse(kBotForm), parse(kBotSubmit)));
}

TEST(Validate, NamesTheFieldThatIsWrong) {
  const DataForm form = parse(kBotForm);
  const auto error_of = [&](std::string_view var, std::vector<std::string> values) {
    DataForm submit = parse(kBotSubmit);
    submit.set_list(var, std::move(values));
    const auto result = validate(form, submit);
    return result ? std::string() : result.error().to_string();
  };
  EXPECT_THAT(error_of("public", {}), HasSubstr("field 'public' is required"));
  EXPECT_THAT(error_of("public", {""}), HasSubstr("field 'public' is required"));
  EXPECT_THAT(error_of("public", {"maybe"}), HasSubstr("field 'public'"));
  EXPECT_THAT(error_of("public", {"0", "1"}), HasSubstr("several"));
  EXPECT_THAT(error_of("botname", {"a", "b"}), HasSubstr("field 'botname'"));
  EXPECT_THAT(error_of("password", {"a", "b"}), HasSubstr("field 'password'"));
  EXPECT_THAT(error_of("features", {"news", "weather"}), HasSubstr("field 'features'"));
  EXPECT_THAT(error_of("maxsubs", {"40"}), HasSubstr("field 'maxsubs'"));
  EXPECT_THAT(error_of("maxsubs", {"10", "20"}), HasSubstr("several"));
  EXPECT_THAT(error_of("invitelist", {"a@b", "@"}), HasSubstr("field 'invitelist'"));
  EXPECT_THAT(error_of("FORM_TYPE", {"other"}), HasSubstr("field 'FORM_TYPE'"));
  EXPECT_THAT(error_of("maxsubs", {"40"}), HasSubstr("not-acceptable"));
  EXPECT_EQ(error_of("description", {"one", "two", "three"}), "");
  EXPECT_EQ(error_of("maxsubs", {}), "");
  EXPECT_EQ(error_of("unknown", {"ignored", "by", "rule"}), "");  // §3.1
}

TEST(Validate, MissingFieldsAndForms) {
  const DataForm form = parse(kBotForm);
  EXPECT_THAT(validate(form, DataForm(FormType::kSubmit)).error().detail, HasSubstr("'public'"));
  DataForm least(FormType::kSubmit);  // no FORM_TYPE, only what is required
  least.set_boolean("public", true);
  EXPECT_TRUE(validate(form, least));
  DataForm cancelled = parse(kBotSubmit);
  cancelled.type = FormType::kCancel;
  EXPECT_EQ(validate(form, cancelled).error().code, Errc::kNotAcceptable);
}

TEST(Validate, AnEmptyOptionIsAValue) {
  DataForm form(FormType::kForm);
  FormField& list = form.add("colour", FieldType::kListSingle);
  list.required = true;
  list.options = {FieldOption("", "None"), FieldOption("red")};
  DataForm submit;
  submit.set("colour", "");
  EXPECT_TRUE(validate(form, submit));
  submit.set_list("colour", {});
  EXPECT_FALSE(validate(form, submit));
}

TEST(DataForm, FindsItInItsParent) {
  xml::Element query("urn:q", "query");
  EXPECT_EQ(find_data_form(query).value(), std::nullopt);
  query.append(write_data_form(DataForm(FormType::kCancel)));
  EXPECT_EQ(find_data_form(query).value(), DataForm(FormType::kCancel));
  xml::Element bad("urn:q", "query");
  bad.append(ns::kDataForms, "x");
  EXPECT_FALSE(find_data_form(bad));
}

}  // namespace
}  // namespace balcony
