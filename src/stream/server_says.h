// What a server refuses a client with, as an Error; a SASL <failure/> is in sasl_elements.h. Pure
// functions; any thread.
#pragma once

#include "stanza/stanza_error.h"
#include "stanza/stream_error.h"

#include <balcony/error.h>

namespace balcony::stream {

// A stanza error: its condition, with its text and the place that it names as the sentence.
Error to_error(const StanzaError& error);

// A stream error (RFC 6120 §4.9.3). kNotFound: the host is not known there. kClosed: the server
// shuts down or resets the stream. Else the stanza condition of the same meaning.
Error to_error(const StreamError& error);

}  // namespace balcony::stream
