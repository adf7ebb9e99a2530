// What the machines of both ends ask their driver to do with the stream. Plain values.
#pragma once

#include "stanza/stream_error.h"
#include "xml/parser.h"

#include <balcony/element.h>
#include <balcony/error.h>

#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace balcony::stream {

// Write these bytes.
struct Send {
  std::string bytes;
};
// Negotiate TLS once what was sent is out (RFC 6120 §5.4.3); nothing that was read before counts
// any more. Then on_tls().
struct UpgradeTls {};
// The next bytes begin a new stream (RFC 6120 §4.3.3).
struct RestartStream {};
// The stream is over: send what is left and close the connection. With an error when we ended it
// for one.
struct EndStream {
  std::optional<StreamError> error;
};

// The initiating end: there is no way on. The stream has been ended where there was one.
struct Failed {
  Error error;
  std::optional<StreamError> stream_error;  // what the peer ended the stream with
  std::string see_other_host;               // RFC 6120 §4.9.3.19: where it wants us to go
};

// `return list(Send{…}, EndStream{});` is the list of actions of whichever machine returns it.
template <class... Items>
struct Listed {
  std::tuple<Items...> items;

  template <class Action>
  operator std::vector<Action>() && {  // NOLINT(google-explicit-constructor): what it is for
    std::vector<Action> actions;
    actions.reserve(sizeof...(Items));
    std::apply([&actions](Items&... item) { (actions.emplace_back(std::move(item)), ...); }, items);
    return actions;
  }
};

template <class... Items>
Listed<std::decay_t<Items>...> list(Items&&... items) {
  return {{std::forward<Items>(items)...}};
}

// Puts `more` behind what is already to be done.
template <class Action>
void append(std::vector<Action>& actions, std::type_identity_t<std::vector<Action>> more) {
  actions.insert(actions.end(), std::make_move_iterator(more.begin()),
                 std::make_move_iterator(more.end()));
}

// The bytes of an element that stands directly in the stream.
std::string written(xml::ElementView element);

inline constexpr std::string_view kStreamEndTag = "</stream:stream>";

// The stream header of this entity (RFC 6120 §4.7), with the XML declaration. Empty attributes are
// left out, an empty version too: it is for peers that gave none (§4.7.5). Between servers it
// declares dialback (XEP-0220 §2.4.1).
std::string write_stream_header(std::string_view from, std::string_view to, std::string_view id,
                                std::string_view lang, std::string_view content_ns,
                                std::string_view version = "1.0");

// Whether the content namespace of a header is `ns` (RFC 6120 §4.8.2): it is the default one, or
// has a prefix and the streams namespace is the default.
bool has_content_namespace(const xml::StreamHeader& header, std::string_view ns);

// Whether a header's version is one that we speak: RFC 6120 §4.7.5: the major number decides.
bool speaks_version_1(std::string_view version) noexcept;

}  // namespace balcony::stream
