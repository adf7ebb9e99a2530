// The bare relay, see main.cc. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace balcony::bench {

class Relay {
 public:
  Relay();
  ~Relay();

  // Listens on loopback. Returns the port, -1 on failure (errno).
  int listen(int port);
  // Serves for ever.
  void run();

 private:
  // How far the canned login has come.
  enum class Stage : std::uint8_t { kHeader, kAuth, kRestart, kBind, kBound };

  struct Peer {
    int fd = -1;
    Stage stage = Stage::kHeader;
    bool flushes = false;  // stands in to_flush_
    std::string user;      // as PLAIN named it
    std::string jid;
    std::string input;  // an incomplete stanza
    std::string output;
  };

  void accept_all();
  void read(Peer& peer);
  // Uses what is complete; returns how many bytes that was.
  std::size_t consume(Peer& peer, std::string_view bytes);
  std::size_t negotiate(Peer& peer, std::string_view bytes);
  std::size_t forward(std::string_view bytes);
  void send(Peer& peer, std::string_view bytes);
  void flush(Peer& peer);
  void drop(Peer& peer);

  int epoll_ = -1;
  int listener_ = -1;
  std::vector<char> buffer_;
  std::unordered_map<int, std::unique_ptr<Peer>> peers_;
  std::unordered_map<std::string, Peer*> by_jid_;
  std::vector<Peer*> to_flush_;
  std::vector<std::unique_ptr<Peer>> gone_;
  std::string key_;  // of the last look-up: its memory is used again
};

}  // namespace balcony::bench
