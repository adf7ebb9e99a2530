// The ids that an account gives to messages (XEP-0359 §3), for the modules that add, remove or read
// them. Pure functions.
#pragma once

#include <balcony/element.h>
#include <balcony/jid.h>

#include <string_view>

namespace balcony::modules {

// Removes every <stanza-id/> that claims to be by this account, or by nobody who could be asked: an
// attribute `by` that is no JID. Returns how many.
std::size_t remove_stanza_ids(xml::ElementRef message, const Jid& account);

// The id that the account gave; empty when there is none. Only to be believed of a message whose
// forged ids were removed.
std::string_view find_stanza_id(xml::ElementView message, const Jid& account);

void add_stanza_id(xml::ElementRef message, const Jid& account, std::string_view id);

}  // namespace balcony::modules
