// The two sides of a gateway: Network is what one foreign network does, in src/gateway/NAME/; Link
// is what it may ask of the gateway, which does all that is the same for every network: the
// component's connection, addresses (XEP-0106), contacts and their presence, discovery, limits.
//
// Both live on one loop's thread.
#pragma once

#include "base/loop.h"
#include "base/random.h"

#include <balcony/client.h>
#include <balcony/element.h>
#include <balcony/jid.h>
#include <balcony/result.h>
#include <balcony/task.h>

#include <string>
#include <string_view>

namespace balcony {
class ShardSet;
}

namespace balcony::gateway {

class Database;

class Network {
 public:
  virtual ~Network() = default;

  // The one form of a foreign address, as people write it. Errors: kJidMalformed with a sentence
  // for who has written something else.
  virtual Result<std::string> address(std::string_view text) const = 0;

  // Begins to listen. Errors: kIo, kConfig: then the gateway does not start.
  virtual Result<> start() = 0;
  // The server is there, or gone.
  virtual void on_connected() {}

  // A message with a text of a user who may write and is within limits, to `address`, which
  // address() gave. Errors go to the user at once, as a stanza error; later ones by Link::refuse().
  virtual Result<> on_message(const Message& message, const std::string& address) = 0;

  // Ends everything that is under way. Nothing is called afterwards.
  virtual Task<> stop() = 0;
};

class Link {
 public:
  virtual ~Link() = default;

  virtual Loop& loop() = 0;
  virtual Random& random() = 0;
  // The loop as a listener wants it; there may be none in a test.
  virtual ShardSet* shards() = 0;
  // The gateway's file for what has to survive.
  virtual Database& database() = 0;

  virtual const std::string& domain() const = 0;
  // Whether users at `domain` (prepared) are served.
  virtual bool serves(std::string_view domain) const = 0;
  virtual bool is_connected() const = 0;

  // The JID of a foreign address that Network::address() gave. Errors: kJidMalformed: it fits in no
  // localpart.
  virtual Result<Jid> jid_of(std::string_view address) const = 0;

  // Whether `user` has the address in the roster, with a subscription; any address at all.
  virtual bool is_contact(const Jid& user, std::string_view address) = 0;
  virtual bool has_contacts(const Jid& user) = 0;
  // Counts a message for `user` from outside. False: too many came already.
  virtual bool take_from_outside(const Jid& user) = 0;

  // Sends a message (with `id`, `from` at our domain and `to` a user) and waits until the server
  // has it: delivered, on its disk, or refused. A server without acknowledgements (XEP-0198) for
  // components may have it in memory only. Errors: the condition of the server's
  // refusal; kRemoteServerTimeout: the server is not there or did not answer.
  virtual Task<Result<>> deliver(xml::Element message) = 0;
  // Sends a stanza and forgets it; nothing happens when the server is not there.
  virtual void send(xml::Element stanza) = 0;
};

}  // namespace balcony::gateway
