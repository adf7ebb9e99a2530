// Escaping of what the writer writes. Not for others, who use writer.h. Pure but for the sink.
#pragma once

#include "xml/sink.h"

namespace balcony::xml {

// As append_escaped_text() and append_escaped_attribute() in writer.h.
void put_text(Sink& sink, std::string_view text);
void put_value(Sink& sink, std::string_view value);

// ` name='value'`, each as by the others.
void put_attribute(Sink& sink, std::string_view name, std::string_view value);

// A local name. Characters that no name may hold become U+FFFD, which one may.
void put_name(Sink& sink, std::string_view name);

}  // namespace balcony::xml
