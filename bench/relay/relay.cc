#include "bench/relay/relay.h"

#include "base/base64.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace balcony::bench {
namespace {

constexpr std::size_t kBuffer = 64u << 10;

constexpr std::string_view kHeader =
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams' id='r1' from='localhost' version='1.0'>";
constexpr std::string_view kAuthFeatures =
    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
    "<mechanism>PLAIN</mechanism></mechanisms></stream:features>";
constexpr std::string_view kBindFeatures =
    "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>";
constexpr std::string_view kSuccess = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";

// What stands between `before` and `after`.
std::string_view between(std::string_view text, std::string_view before, std::string_view after) {
  const std::size_t start = text.find(before);
  if (start == std::string_view::npos) return {};
  const std::size_t end = text.find(after, start + before.size());
  if (end == std::string_view::npos) return {};
  return text.substr(start + before.size(), end - start - before.size());
}

// RFC 4616 §2: authzid NUL authcid NUL password.
std::string plain_user(std::string_view auth) {
  const auto data = base64_decode(between(auth, ">", "<"));
  if (!data) return {};
  const std::size_t start = data->find('\0') + 1;
  return data->substr(start, data->find('\0', start) - start);
}

}  // namespace

Relay::Relay() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), buffer_(kBuffer) {}

Relay::~Relay() {
  ::close(listener_);
  ::close(epoll_);
}

int Relay::listen(int port) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 1024) != 0) return -1;
  ::getsockname(listener_, generic, &size);
  epoll_event event{};
  event.events = EPOLLIN;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
  return ntohs(address.sin_port);
}

void Relay::run() {
  std::array<epoll_event, 256> events{};
  for (;;) {
    const int count = ::epoll_wait(epoll_, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      auto* const peer = static_cast<Peer*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (peer == nullptr) {
        accept_all();
      } else if (peer->fd < 0) {
        continue;
      } else if ((events[static_cast<std::size_t>(i)].events & EPOLLIN) != 0) {
        read(*peer);
      } else {
        flush(*peer);
      }
    }
    for (Peer* const peer : to_flush_) {
      peer->flushes = false;
      flush(*peer);
    }
    to_flush_.clear();
    gone_.clear();
  }
}

void Relay::accept_all() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto peer = std::make_unique<Peer>();
    peer->fd = fd;
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = peer.get();
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    peers_[fd] = std::move(peer);
  }
}

void Relay::read(Peer& peer) {
  for (;;) {
    const ssize_t n = ::recv(peer.fd, buffer_.data(), buffer_.size(), 0);
    if (n == 0 || (n < 0 && errno != EAGAIN)) return drop(peer);
    if (n < 0) return;
    std::string_view bytes(buffer_.data(), static_cast<std::size_t>(n));
    if (!peer.input.empty()) {
      peer.input += bytes;
      peer.input.erase(0, consume(peer, peer.input));
    } else if (const std::size_t used = consume(peer, bytes); used < bytes.size()) {
      peer.input = bytes.substr(used);
    }
    if (static_cast<std::size_t>(n) < buffer_.size()) return;
  }
}

std::size_t Relay::consume(Peer& peer, std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size()) {
    const std::string_view rest = bytes.substr(used);
    const std::size_t step = peer.stage == Stage::kBound ? forward(rest) : negotiate(peer, rest);
    if (step == 0) break;
    used += step;
  }
  return used;
}

std::size_t Relay::negotiate(Peer& peer, std::string_view bytes) {
  const bool header = peer.stage == Stage::kHeader || peer.stage == Stage::kRestart;
  const std::string_view last = header                       ? "version='1.0'"
                                : peer.stage == Stage::kAuth ? "</auth>"
                                                             : "</iq>";
  std::size_t end = bytes.find(last, header ? bytes.find("<stream:stream") : 0);
  if (end == std::string_view::npos) return 0;
  end += last.size();
  if (header) end = bytes.find('>', end) + 1;
  const std::string_view stanza = bytes.substr(0, end);
  switch (peer.stage) {
    case Stage::kHeader:
    case Stage::kRestart:
      send(peer, kHeader);
      send(peer, peer.stage == Stage::kHeader ? kAuthFeatures : kBindFeatures);
      break;
    case Stage::kAuth:
      peer.user = plain_user(stanza);
      send(peer, kSuccess);
      break;
    case Stage::kBind: {
      const std::string_view resource = between(stanza, "<resource>", "</resource>");
      peer.jid = peer.user + "@localhost/" + std::string(resource);
      by_jid_[peer.jid] = &peer;
      const std::string id(between(stanza, " id='", "'"));
      send(peer, "<iq type='result' id='" + id +
                     "'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>" + peer.jid +
                     "</jid></bind></iq>");
      break;
    }
    case Stage::kBound: break;
  }
  peer.stage = static_cast<Stage>(static_cast<int>(peer.stage) + 1);
  return end;
}

std::size_t Relay::forward(std::string_view bytes) {
  constexpr std::string_view kEnd = "</message>";
  const std::size_t end = bytes.find(kEnd);
  if (end == std::string_view::npos) return bytes.starts_with("</stream:stream>") ? 16 : 0;
  const std::string_view stanza = bytes.substr(0, end + kEnd.size());
  key_ = between(stanza, " to='", "'");
  const auto found = by_jid_.find(key_);
  if (found != by_jid_.end()) send(*found->second, stanza);
  return stanza.size();
}

void Relay::send(Peer& peer, std::string_view bytes) {
  peer.output += bytes;
  if (peer.flushes) return;
  peer.flushes = true;
  to_flush_.push_back(&peer);
}

void Relay::flush(Peer& peer) {
  if (peer.output.empty() || peer.fd < 0) return;
  const ssize_t n = ::send(peer.fd, peer.output.data(), peer.output.size(), MSG_NOSIGNAL);
  if (n > 0) peer.output.erase(0, static_cast<std::size_t>(n));
}

// The memory of the peer stays for this turn: others may still name it.
void Relay::drop(Peer& peer) {
  by_jid_.erase(peer.jid);
  ::close(peer.fd);
  gone_.push_back(std::move(peers_.extract(peer.fd).mapped()));
  peer.fd = -1;
}

}  // namespace balcony::bench
