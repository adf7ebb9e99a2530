// How rosters are kept in storage, and how a change of one comes to be known: the modules
// rfc_6121_roster and rfc_6121_subscription share it. The user's home shard only.
//
// Stores: "roster", one entry per item, key: the contact's bare JID; "roster_version", one entry.
#pragma once

#include "router/module.h"

#include <functional>
#include <memory>

namespace balcony::modules {

// Reads the user's whole roster. An item that cannot be read is logged and left out: nothing that
// is stored may keep a user from logging in. Errors: those of storage.
Task<Result<>> load_roster(router::Server& server, std::shared_ptr<router::User> user);

// Whether clients see the change that is stored.
enum class Push : std::uint8_t { kNo, kYes };

// Stores what the roster in memory now says about `contact`, which may be nothing. With kYes the
// roster has a new version, and after the commit the interested resources get a push (RFC 6121
// §2.1.6). Returns the commit's ticket.
storage::Ticket store_change(router::Server& server, router::User& user, const Jid& contact,
                             Push push);

// The ticket of the latest change of this roster; 0 when there was none since it was loaded. What
// is said because of the roster must wait for it.
storage::Ticket latest_change(const router::User& user);

// Runs `then` once all changes of the roster so far are stored, at once if they are; or `otherwise`
// with the error when the latest could not be. The user given to `then` is loaded.
void when_stored(router::Server& server, router::User& user,
                 std::function<void(router::User&)> then,
                 std::function<void(const Error&)> otherwise = {});

// Runs `then` as soon as the user is loaded: at once but for the moments after a commit failed,
// when his roster is being read again.
void when_ready(router::Server& server, router::User& user,
                std::function<void(router::User&)> then);

// How many items clients see; the others are pending requests of strangers.
std::size_t visible_items(const router::Roster& roster);

// How many of them the user has put there, or his subscriptions: what the limit of the roster
// counts.
std::size_t own_items(const router::Roster& roster);

}  // namespace balcony::modules
