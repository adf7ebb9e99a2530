// A server of a few lines for the tests of client/: it lets anybody in (SASL ANONYMOUS), binds, and
// answers what a script says. On loopback, with a thread of its own.
#pragma once

#include "net/listener.h"
#include "net/shard.h"
#include "session/tcp_transport.h"
#include "stanza/ns.h"
#include "xml/parser.h"
#include "xml/splitter.h"
#include "xml/writer.h"

#include <balcony/client.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace balcony::client::testing {

inline constexpr std::string_view kDrop = "drop the connection";

class FakeServer {
 public:
  // What is answered to an element of a client that is logged in, on this connection (the first is
  // 1), binding, <enable/> and <resume/> included; empty: what default_answer() says; kDrop behind
  // an answer ends the connection.
  using Script = std::function<std::string(const xml::Element& element, int connection)>;

  explicit FakeServer(Script script, std::string features = "<sm xmlns='urn:xmpp:sm:3'/>")
      : script_(std::move(script)), features_(std::move(features)) {
    ListenerOptions options;
    options.address = "127.0.0.1";
    listener_ = Listener::listen(shards_, options, [this](ConnectionPtr connection) {
                  spawn(serve(std::make_unique<session::TcpTransport>(std::move(connection)),
                              ++connections));
                }).value();
  }
  ~FakeServer() {
    listener_.reset();
    shards_.stop();
  }

  ClientOptions options() const {
    ClientOptions options(*Jid::parse("juliet@capulet.example/balcony"), "");
    options.anonymous = true;
    options.server = listener_->address().to_string();
    options.tls = ClientOptions::Tls::kNone;
    options.request_timeout = std::chrono::seconds(5);
    options.reconnect_first = std::chrono::milliseconds(10);
    return options;
  }
  // Everything that clients sent once they were logged in, as XML.
  std::string seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

  // Whether clients have sent this, or do so soon.
  bool sees(std::string_view text) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(5),
                             [&] { return seen_.find(text) != std::string::npos; });
  }

  static std::string result(const xml::Element& iq, std::string_view payload = {},
                            std::string_view from = {}) {
    std::string text = "<iq type='result' id='" + std::string(iq.attr("id")) + "'";
    if (!from.empty()) text += " from='" + std::string(from) + "'";
    return text + ">" + std::string(payload) + "</iq>";
  }

  std::atomic<int> connections = 0;

 private:
  static constexpr std::string_view kHeader =
      "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
      "from='capulet.example' id='x' version='1.0'>";

  Task<> serve(std::unique_ptr<session::TcpTransport> transport, int number) {
    xml::Splitter splitter{xml::Limits{}};
    bool logged_in = false;
    bool open = true;
    while (open) {
      const auto ready = co_await transport->readable();
      if (!ready) break;
      const auto read = transport->read();
      if (!read) break;
      const std::string bytes(*read);
      splitter.feed(bytes);
      open = answer(splitter, *transport, logged_in, number);
    }
    session::Transport::close_in_background(std::move(transport));
  }

  bool answer(xml::Splitter& splitter, session::TcpTransport& out, bool& logged_in, int number) {
    while (true) {
      const auto event = splitter.next();
      if (!event || event->kind == xml::SplitKind::kStreamEnd) {
        out.write("</stream:stream>");
        return false;
      }
      if (event->kind == xml::SplitKind::kNeedMore) return true;
      if (event->kind == xml::SplitKind::kStreamHeader) {
        out.write(kHeader);
        out.write(logged_in ? "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>" +
                                  features_ + "</stream:features>"
                            : "<stream:features><mechanisms "
                              "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>ANONYMOUS"
                              "</mechanism></mechanisms></stream:features>");
      }
      if (event->kind != xml::SplitKind::kStanza) continue;
      const auto header = xml::parse_stream_header(kHeader, {}).value();
      const auto element = xml::parse(event->bytes, xml::scope_of(header), {}).value();
      if (element.is(ns::kSasl, "auth")) {
        logged_in = true;
        out.write("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
        splitter.reset();
        return true;
      }
      if (!scripted(element, out, number)) return false;
    }
  }

  bool scripted(const xml::Element& element, session::TcpTransport& out, int number) {
    {
      const std::lock_guard lock(mutex_);
      seen_ += xml::to_string(element);
    }
    changed_.notify_all();
    std::string text = script_(element, number);
    const bool drop = text.ends_with(kDrop);
    if (drop) text.resize(text.size() - kDrop.size());
    out.write(text.empty() && !drop ? default_answer(element) : text);
    return !drop;
  }

  static std::string default_answer(const xml::Element& element) {
    if (element.first_child().is(ns::kBind, "bind")) {
      return result(element,
                    "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                    "<jid>juliet@capulet.example/balcony</jid></bind>");
    }
    if (element.is(ns::kStreamManagement, "enable")) {
      return "<enabled xmlns='urn:xmpp:sm:3' id='session' resume='true'/>";
    }
    return {};
  }

  Script script_;
  std::string features_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::string seen_;
  ShardSet shards_{1};
  std::unique_ptr<Listener> listener_;
};

}  // namespace balcony::client::testing
