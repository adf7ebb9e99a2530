// What a server refuses its peer with, as an Error; a SASL <failure/> is in sasl_elements.h. Pure
// functions; any thread.
#pragma once

#include "stanza/stanza_error.h"
#include "stanza/stream_error.h"
#include "stream/actions.h"

#include <balcony/error.h>

namespace balcony::stream {

// A stanza error: its condition, with its text and the place that it names as the sentence.
Error to_error(const StanzaError& error);

// A stream error (RFC 6120 §4.9.3). kNotFound: the host is not known there. kClosed: the server
// shuts down or resets the stream. Else the stanza condition of the same meaning.
Error to_error(const StreamError& error);

// The same, of the <stream:error/> that a peer ended its stream with, and where it wants us to go
// (§4.9.3.19). That is told, not followed: whoever speaks may be somebody in between, and the
// caller knows whether the connection was to be trusted.
Failed ended_by_peer(xml::ElementView stream_error);

// Whether an error of reading is one that the peer made and is told (RFC 6120 §4.9.3); else the
// connection is gone, or time is up, and there is nobody to tell.
bool is_xml_error(const Error& error) noexcept;

}  // namespace balcony::stream
