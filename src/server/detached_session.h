// A session whose connection was lost and whose client may come back (XEP-0198 §5): what is for it
// waits, its presence stays, until the client resumes it or the time is over.
//
// Owns itself, as a ClientSession does: it begins with begin() or restore() and ends by being
// handed over, closed by the router, or when its time is over. Home shard only.
#pragma once

#include "router/endpoint.h"
#include "server/resumable.h"
#include "server/shard_context.h"

#include <memory>

namespace balcony::server {

class DetachedSession final : public router::Endpoint, public Resumable {
 public:
  // Takes over what a stream held when its connection was lost. `info`: of that stream.
  static void begin(ShardContext& context, Held held, Info info);

  // Binds the resource anew for a session that was saved (session_store.h); `timeout`: how long it
  // waits from now on.
  static Task<Result<>> restore(ShardContext& context, Jid jid,
                                std::unique_ptr<ManagedStream> managed, xml::Element state,
                                std::chrono::milliseconds timeout);

  // Writes the session down, because the server stops: it goes on after the start, so nobody is
  // told of its end.
  void save();

  void deliver(const Stanza& stanza, std::string_view to) override;
  void deliver(xml::ElementView element) override;
  void close(const StreamError& error) override;
  bool has_room() const override { return managed_ && managed_->has_room(); }
  bool is_connected() const override { return false; }
  Info info() const override { return info_; }

  const Jid& jid() const override { return jid_; }
  ManagedStream& managed() override { return *managed_; }
  Held hand_over() override;

  ~DetachedSession() override;

 private:
  DetachedSession(ShardContext& context, Jid jid, std::unique_ptr<ManagedStream> managed,
                  Info info);

  void wait(std::chrono::milliseconds timeout);
  void keep(std::string_view text, ReceiptPtr receipt);
  // Gives the resource back; what the client did not get goes elsewhere.
  void expire();
  void end_later();

  ShardContext& context_;
  const Jid jid_;
  router::ConnectedResource* resource_ = nullptr;
  std::unique_ptr<ManagedStream> managed_;
  const Info info_;
  TimerId timer_ = 0;
};

}  // namespace balcony::server
