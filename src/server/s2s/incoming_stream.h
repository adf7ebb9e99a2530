// A stream that another server opened (RFC 6120 §4 to §6, XEP-0220): it moves to the home of the
// domain that its header names, proves its domains there, and brings stanzas.
#pragma once

#include "server/s2s/peer_stream.h"

namespace balcony::server::s2s {

class IncomingStream final : public PeerStream {
 public:
  static void start(ShardContext& context, ConnectionPtr connection, bool direct_tls);

  void reconsider() override;
  bool is_incoming() const override { return true; }
  // It spares them dialback, or is all that counts.
  bool asks_others(std::string_view) const override { return true; }
  bool open_also(const router::DomainPair&) override { return false; }
  std::string remote() const override { return machine_of_.peer(); }

 private:
  IncomingStream(ShardContext& context, std::unique_ptr<MachineOf<stream::ReceivingServer>> machine,
                 bool direct_tls);

  Task<> run(bool direct_tls);
  Task<> run_at_home();
  Task<Next> negotiate(xml::SplitEvent event) override;
  void move_to(ShardContext& home);
  Task<Result<>> upgrade_tls() override;
  void on_accepted(const stream::PairAccepted& what) override;
  void on_opened(const stream::PairOpened& what) override;
  stream::ServerActions on_management_asked(bool resume) override;
  void on_resumption_asked(const stream::Resume& what) override;
  void leave(bool is_lost) override;

  stream::ReceivingServer& machine_of_;
  bool moved_ = false;
};

}  // namespace balcony::server::s2s
