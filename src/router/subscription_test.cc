// Every cell of the tables of RFC 6121 appendix A, typed out.
#include "router/subscription.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace balcony::router {
namespace {

// The nine states in the order of §A.1.
enum Name { kNone, kNoneOut, kNoneIn, kNoneOutIn, kTo, kToIn, kFrom, kFromOut, kBoth };

struct State {
  const char* name;
  SubscriptionState state;
};

const std::array<State, 9> kStates = {{
    {"None", {}},
    {"None + Pending Out", {.pending_out = true}},
    {"None + Pending In", {.pending_in = true}},
    {"None + Pending Out+In", {.pending_out = true, .pending_in = true}},
    {"To", {.to = true}},
    {"To + Pending In", {.to = true, .pending_in = true}},
    {"From", {.from = true}},
    {"From + Pending Out", {.from = true, .pending_out = true}},
    {"Both", {.to = true, .from = true}},
}};

SubscriptionState approved(SubscriptionState state) {
  state.approved = true;
  return state;
}

struct Cell {
  Name before;
  bool act;  // route or deliver
  Name after;
};

struct Table {
  const char* name;
  StanzaType type;
  std::vector<Cell> cells;
};

const std::vector<Table>& outbound_tables() {
  static const std::vector<Table> tables = {
      {"A.2.1",
       StanzaType::kSubscribe,
       {{kNone, true, kNoneOut},
        {kNoneOut, true, kNoneOut},
        {kNoneIn, true, kNoneOutIn},
        {kNoneOutIn, true, kNoneOutIn},
        {kTo, true, kTo},
        {kToIn, true, kToIn},
        {kFrom, true, kFromOut},
        {kFromOut, true, kFromOut},
        {kBoth, true, kBoth}}},
      {"A.2.2",
       StanzaType::kUnsubscribe,
       {{kNone, true, kNone},
        {kNoneOut, true, kNone},
        {kNoneIn, true, kNoneIn},
        {kNoneOutIn, true, kNoneIn},
        {kTo, true, kNone},
        {kToIn, true, kNoneIn},
        {kFrom, true, kFrom},
        {kFromOut, true, kFrom},
        {kBoth, true, kFrom}}},
      {"A.2.3",
       StanzaType::kSubscribed,
       {{kNone, false, kNone},  // and pre-approved: see below
        {kNoneOut, false, kNoneOut},
        {kNoneIn, true, kFrom},
        {kNoneOutIn, true, kFromOut},
        {kTo, false, kTo},
        {kToIn, true, kBoth},
        {kFrom, false, kFrom},
        {kFromOut, false, kFromOut},
        {kBoth, false, kBoth}}},
      {"A.2.4",
       StanzaType::kUnsubscribed,
       {{kNone, false, kNone},
        {kNoneOut, false, kNoneOut},
        {kNoneIn, true, kNone},
        {kNoneOutIn, true, kNoneOut},
        {kTo, false, kTo},
        {kToIn, true, kTo},
        {kFrom, true, kNone},
        {kFromOut, true, kNoneOut},
        {kBoth, true, kTo}}},
  };
  return tables;
}

const std::vector<Table>& inbound_tables() {
  static const std::vector<Table> tables = {
      {"A.3.1",
       StanzaType::kSubscribe,
       {{kNone, true, kNoneIn},
        {kNoneOut, true, kNoneOutIn},
        {kNoneIn, false, kNoneIn},
        {kNoneOutIn, false, kNoneOutIn},
        {kTo, true, kToIn},
        {kToIn, false, kToIn},
        {kFrom, false, kFrom},
        {kFromOut, false, kFromOut},
        {kBoth, false, kBoth}}},
      {"A.3.2",
       StanzaType::kUnsubscribe,
       {{kNone, false, kNone},
        {kNoneOut, false, kNoneOut},
        {kNoneIn, true, kNone},
        {kNoneOutIn, true, kNoneOut},
        {kTo, false, kTo},
        {kToIn, true, kTo},
        {kFrom, true, kNone},
        {kFromOut, true, kNoneOut},
        {kBoth, true, kTo}}},
      {"A.3.3",
       StanzaType::kSubscribed,
       {{kNone, false, kNone},
        {kNoneOut, true, kTo},
        {kNoneIn, false, kNoneIn},
        {kNoneOutIn, true, kToIn},
        {kTo, false, kTo},
        {kToIn, false, kToIn},
        {kFrom, false, kFrom},
        {kFromOut, true, kBoth},
        {kBoth, false, kBoth}}},
      {"A.3.4",
       StanzaType::kUnsubscribed,
       {{kNone, false, kNone},
        {kNoneOut, true, kNone},
        {kNoneIn, false, kNoneIn},
        {kNoneOutIn, true, kNoneIn},
        {kTo, true, kNone},
        {kToIn, true, kNoneIn},
        {kFrom, false, kFrom},
        {kFromOut, true, kFrom},
        {kBoth, true, kFrom}}},
  };
  return tables;
}

bool can_be_approved(Name state) {  // RFC 6121 §3.4.2
  return state == kNone || state == kNoneOut || state == kTo;
}

TEST(Subscription, OutboundTables) {
  for (const Table& table : outbound_tables()) {
    ASSERT_EQ(table.cells.size(), kStates.size());
    for (const Cell& cell : table.cells) {
      SCOPED_TRACE(std::string(table.name) + " " + kStates[cell.before].name);
      const OutboundStep step = outbound(kStates[cell.before].state, table.type);
      SubscriptionState after = kStates[cell.after].state;
      after.approved = table.type == StanzaType::kSubscribed && can_be_approved(cell.before);
      EXPECT_EQ(step.next, after);
      EXPECT_EQ(step.route, cell.act);
    }
  }
}

TEST(Subscription, InboundTables) {
  for (const Table& table : inbound_tables()) {
    ASSERT_EQ(table.cells.size(), kStates.size());
    for (const Cell& cell : table.cells) {
      SCOPED_TRACE(std::string(table.name) + " " + kStates[cell.before].name);
      const InboundStep step = inbound(kStates[cell.before].state, table.type);
      EXPECT_EQ(step.next, kStates[cell.after].state);
      EXPECT_EQ(step.deliver, cell.act);
      // §A.3.1: whoever is subscribed already is told so again, and nobody else.
      const bool has_from = cell.before == kFrom || cell.before == kFromOut || cell.before == kBoth;
      EXPECT_EQ(step.reply_subscribed, table.type == StanzaType::kSubscribe && has_from);
    }
  }
}

// RFC 6121 §3.4: the three states in which a contact can be pre-approved.
TEST(Subscription, PreApprovedRequestIsAnsweredAtOnce) {
  const struct {
    Name before, after;
  } cells[] = {{kNone, kFrom}, {kNoneOut, kFromOut}, {kTo, kBoth}};
  for (const auto& cell : cells) {
    SCOPED_TRACE(kStates[cell.before].name);
    const InboundStep step = inbound(approved(kStates[cell.before].state), StanzaType::kSubscribe);
    EXPECT_EQ(step.next, approved(kStates[cell.after].state));
    EXPECT_FALSE(step.deliver);
    EXPECT_TRUE(step.reply_subscribed);
  }
}

TEST(Subscription, PreApprovalIsTakenBackWithoutTellingTheContact) {
  for (const Name name : {kNone, kNoneOut, kTo}) {
    SCOPED_TRACE(kStates[name].name);
    const OutboundStep step = outbound(approved(kStates[name].state), StanzaType::kUnsubscribed);
    EXPECT_EQ(step.next, kStates[name].state);
    EXPECT_FALSE(step.route);
  }
}

TEST(Subscription, PreApprovalSurvivesWhatIsNotAboutIt) {
  for (const StanzaType type : {StanzaType::kSubscribe, StanzaType::kUnsubscribe}) {
    EXPECT_TRUE(outbound(approved(kStates[kTo].state), type).next.approved);
  }
  for (const StanzaType type :
       {StanzaType::kSubscribed, StanzaType::kUnsubscribe, StanzaType::kUnsubscribed}) {
    EXPECT_TRUE(inbound(approved(kStates[kFromOut].state), type).next.approved);
  }
}

TEST(Subscription, NothingGrantsWithoutConsent) {
  // The contact's stanzas alone never open the user's presence to him, whatever the state, unless
  // the user has approved; nor do the user's alone make the contact's presence his.
  for (const State& state : kStates) {
    for (const StanzaType type : {StanzaType::kSubscribe, StanzaType::kSubscribed,
                                  StanzaType::kUnsubscribe, StanzaType::kUnsubscribed}) {
      SCOPED_TRACE(state.name);
      EXPECT_LE(inbound(state.state, type).next.from, state.state.from);
      EXPECT_LE(outbound(state.state, type).next.to, state.state.to);
    }
  }
}

TEST(Subscription, Attribute) {
  EXPECT_EQ(subscription_attribute({}), "none");
  EXPECT_EQ(subscription_attribute({.pending_out = true, .pending_in = true}), "none");
  EXPECT_EQ(subscription_attribute({.to = true}), "to");
  EXPECT_EQ(subscription_attribute({.from = true}), "from");
  EXPECT_EQ(subscription_attribute({.to = true, .from = true}), "both");
}

TEST(Subscription, ClientsDoNotSeePendingInboundRequests) {
  const SubscriptionState to{.to = true};
  EXPECT_TRUE(to.looks_like({.to = true, .pending_in = true}));
  EXPECT_FALSE(to.looks_like({.to = true, .approved = true}));
  EXPECT_FALSE(to.looks_like({.to = true, .from = true}));
  EXPECT_FALSE(to.looks_like({.pending_out = true}));
}

}  // namespace
}  // namespace balcony::router
