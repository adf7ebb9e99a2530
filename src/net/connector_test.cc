// Resolver and connector, against a name server and listeners on loopback.
#include "net/connector.h"
#include "net/resolver.h"
#include "net/test_support.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <map>
#include <thread>

namespace balcony {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using test::run_on;

std::string number(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

std::string wire_name(std::string_view name) {
  std::string wire;
  while (!name.empty()) {
    const std::size_t dot = std::min(name.find('.'), name.size());
    wire += static_cast<char>(dot);
    wire += name.substr(0, dot);
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  return wire + '\0';
}

std::string srv_data(unsigned priority, unsigned port, std::string_view target) {
  return number(priority) + number(1) + number(port) + wire_name(target);
}

// A name server with a table of (name, type), over UDP on loopback, in a thread of its own.
class NameServer {
 public:
  NameServer() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
    socklen_t size = sizeof any;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&any), &size);
    port_ = ntohs(any.sin_port);
  }
  ~NameServer() { stopping_ = true; }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  void add(const std::string& name, unsigned type, std::string data) {
    records_.emplace(wire_name(name) + number(type) + number(1), std::move(data));
  }
  void start() {
    thread_ = std::jthread([this] { serve(); });
  }
  std::string address() const { return "127.0.0.1@" + std::to_string(port_); }
  int asked() const { return asked_; }

 private:
  void serve() {
    while (!stopping_) {
      pollfd wait{fd_.get(), POLLIN, 0};
      if (::poll(&wait, 1, 50) != 1) continue;
      char query[1500];
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      const auto n =
          ::recvfrom(fd_.get(), query, sizeof query, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (n < 17) continue;
      const std::string reply = answer({query, static_cast<std::size_t>(n)});
      ::sendto(fd_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }

  // RFC 1035 §4.1: header, the question again, answers or an SOA for what does not exist.
  std::string answer(std::string_view query) {
    std::size_t end = 12;
    while (query[end] != 0) end += static_cast<unsigned char>(query[end]) + 1u;
    std::string question(query.substr(12, end + 5 - 12));
    std::string lower = question;
    for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    ++asked_;
    const auto [first, last] = records_.equal_range(lower);
    std::string answers;
    unsigned count = 0;
    for (auto it = first; it != last; ++it, ++count) {
      answers += "\xc0\x0c"s + lower.substr(lower.size() - 4) + "\0\0\0\x3c"s +
                 number(static_cast<unsigned>(it->second.size())) + it->second;
    }
    std::string authority;
    if (count == 0) {
      const std::string soa = wire_name("ns.test") + wire_name("me.test") + "\0\0\0\1"s +
                              "\0\0\0\x3c\0\0\0\x3c\0\0\0\x3c\0\0\0\x3c"s;
      authority = "\0\0\6\0\1\0\0\0\x3c"s + number(static_cast<unsigned>(soa.size())) + soa;
    }
    return std::string(query.substr(0, 2)) + (count == 0 ? "\x81\x83"s : "\x81\x80"s) + number(1) +
           number(count) + number(count == 0 ? 1 : 0) + number(0) + question + answers + authority;
  }

  FileDescriptor fd_;
  std::uint16_t port_ = 0;
  std::multimap<std::string, std::string> records_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> asked_ = 0;
  std::jthread thread_;
};

class ResolverTest : public testing::Test {
 protected:
  void start() {
    names_.start();
    ResolverOptions options;
    options.forward_to = names_.address();
    auto made = Resolver::create(shards_.at(0), options);
    ASSERT_TRUE(made.has_value()) << made.error().to_string();
    resolver_ = std::move(made).value();
  }
  Result<std::vector<Endpoint>> find(std::string domain) {
    return run_on(shards_.at(1), [&]() -> Task<Result<std::vector<Endpoint>>> {
      co_return co_await find_service(*resolver_, domain, Service::kXmppClient);
    });
  }

  NameServer names_;
  ShardSet shards_{2};
  std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverTest, FindsServicesInTheirOrder) {
  names_.add("_xmpp-client._tcp.example.test", 33, srv_data(20, 5222, "b.example.test"));
  names_.add("_xmpp-client._tcp.example.test", 33, srv_data(10, 5222, "a.example.test"));
  names_.add("_xmpps-client._tcp.example.test", 33, srv_data(15, 5223, "a.example.test"));
  names_.add("a.example.test", 1, "\xc0\0\2\1"s);
  names_.add("b.example.test", 1, "\xc0\0\2\2"s);
  names_.add("b.example.test", 28, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2"s);
  start();
  const auto found = find("example.test");
  ASSERT_TRUE(found.has_value()) << found.error().to_string();
  std::vector<std::string> seen;
  for (const Endpoint& endpoint : *found) {
    seen.push_back(endpoint.address.to_string() + " " + endpoint.host +
                   (endpoint.direct_tls ? " tls" : ""));
  }
  EXPECT_EQ(seen, (std::vector<std::string>{
                      "192.0.2.1:5222 a.example.test", "192.0.2.1:5223 a.example.test tls",
                      "[2001:db8::2]:5222 b.example.test", "192.0.2.2:5222 b.example.test"}));
}

TEST_F(ResolverTest, TheDomainItselfWithoutSrv) {
  names_.add("plain.test", 1, "\xc0\0\2\5"s);
  start();
  const auto found = find("plain.test");
  ASSERT_TRUE(found.has_value()) << found.error().to_string();
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().address.to_string(), "192.0.2.5:5222");
}

TEST_F(ResolverTest, ADotMeansNoService) {
  names_.add("_xmpp-client._tcp.none.test", 33, srv_data(0, 0, ""));
  names_.add("none.test", 1, "\xc0\0\2\5"s);
  start();
  EXPECT_EQ(find("none.test").error().code, Errc::kNotFound);
}

TEST_F(ResolverTest, WhatIsNotThereIsRemembered) {
  start();
  EXPECT_EQ(find("missing.test").error().code, Errc::kNotFound);
  const int asked = names_.asked();
  EXPECT_GT(asked, 0);
  EXPECT_EQ(find("missing.test").error().code, Errc::kNotFound);
  EXPECT_EQ(names_.asked(), asked);
}

TEST_F(ResolverTest, TlsaRecords) {
  const std::string name = tlsa_name(5269, "xmpp.example.test");
  names_.add(name, 52, "\3\1\1"s + std::string(32, 'd'));
  names_.add(name, 52, "\3\1\1short"s);  // RFC 6698 §4.1: as if it were not there
  names_.add(tlsa_name(5269, "odd.example.test"), 52, "\7\1\1"s + std::string(32, 'd'));
  start();
  const auto ask = [this](const std::string& asked) {
    return run_on(shards_.at(1), [&, this]() -> Task<Result<TlsaAnswer>> {
      co_return co_await resolver_->tlsa(asked);
    });
  };
  const auto found = ask(name);
  ASSERT_TRUE(found.has_value()) << found.error().to_string();
  EXPECT_EQ(found->records,
            (std::vector<TlsaRecord>{{TlsaUsage::kDaneEe, 1, 1, std::string(32, 'd')}}));
  EXPECT_FALSE(found->secure);  // nobody has signed it
  EXPECT_EQ(ask(tlsa_name(5269, "odd.example.test")).error().code, Errc::kNotFound);
  EXPECT_EQ(ask(tlsa_name(5269, "missing.example.test")).error().code, Errc::kNotFound);
}

TEST_F(ResolverTest, AddressesAndLocalhostAreNotAsked) {
  start();
  EXPECT_EQ(find("192.0.2.9")->front().address.to_string(), "192.0.2.9:5222");
  EXPECT_EQ(find("::1")->front().address.to_string(), "[::1]:5222");
  const auto addresses = run_on(shards_.at(0), [&]() -> Task<Result<std::vector<SocketAddress>>> {
    co_return co_await resolver_->addresses("localhost", 7);
  });
  ASSERT_TRUE(addresses.has_value());
  EXPECT_EQ(addresses->at(0).to_string(), "[::1]:7");
  EXPECT_EQ(addresses->at(1).to_string(), "127.0.0.1:7");
  EXPECT_EQ(names_.asked(), 0);
}

TEST_F(ResolverTest, EndsWhileAsked) {
  ResolverOptions options;
  options.forward_to = "127.0.0.1@" + std::to_string(9);  // nobody answers there
  auto resolver = Resolver::create(shards_.at(0), options).value();
  std::promise<void> asked;
  auto answer =
      test::start_on(shards_.at(1), [&asked, at = resolver.get()]() -> Task<Result<SrvAnswer>> {
        auto question = at->srv("_xmpp-client._tcp.example.test");
        const bool ended = question.start();
        asked.set_value();  // only now may the resolver go
        if (ended) co_return question.take();
        co_return co_await std::move(question).rest();
      });
  asked.get_future().wait();
  resolver.reset();
  EXPECT_FALSE(test::get(std::move(answer)).has_value());
}

TEST(Resolver, ReadsTheHostsFile) {
  const std::string path = testing::TempDir() + "/balcony_hosts_" + std::to_string(::getpid());
  std::ofstream(path) << "192.0.2.77 house.test\n";
  ShardSet shards(1);
  ResolverOptions options;
  options.hosts_file = path;
  options.forward_to = "127.0.0.1@9";
  auto resolver = Resolver::create(shards.at(0), options).value();
  const auto found = run_on(shards.at(0), [&]() -> Task<Result<std::vector<SocketAddress>>> {
    co_return co_await resolver->addresses("house.test", 1);
  });
  std::remove(path.c_str());
  ASSERT_TRUE(found.has_value()) << found.error().to_string();
  EXPECT_EQ(found->front().to_string(), "192.0.2.77:1");
}

class ConnectorTest : public testing::Test {
 protected:
  Result<std::string> connect(std::vector<Endpoint> endpoints,
                              std::chrono::milliseconds within = 10s) {
    return run_on(shards_.at(0), [&]() -> Task<Result<std::string>> {
      auto connected = co_await connect_any(shards_.at(0), endpoints, within);
      if (!connected) co_return fail(connected.error());
      EXPECT_TRUE(connected->connection->is_open());
      co_return connected->endpoint.host;
    });
  }
  // An address at which nobody listens.
  static SocketAddress closed() { return test::listen_on_loopback().address; }

  ShardSet shards_{1};
};

TEST_F(ConnectorTest, TakesTheFirstThatAnswers) {
  const auto first = test::listen_on_loopback();
  const auto second = test::listen_on_loopback();
  EXPECT_EQ(connect({{first.address, "first"}, {second.address, "second"}}).value(), "first");
  EXPECT_EQ(connect({{closed(), "closed"}, {second.address, "second"}}).value(), "second");
}

TEST_F(ConnectorTest, DoesNotWaitForOneThatIsSilent) {
  // The queue of this one is full, so it answers no more.
  const auto full = test::listen_on_loopback(0);
  std::vector<FileDescriptor> queued;
  for (int i = 0; i < 8; ++i) {
    FileDescriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_storage storage{};
    const socklen_t size = full.address.to_system(storage);
    ::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), size);
    queued.push_back(std::move(fd));
  }
  const auto good = test::listen_on_loopback();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(connect({{full.address, "full"}, {good.address, "good"}}).value(), "good");
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, 200ms);
  EXPECT_LT(took, 3s);
  EXPECT_EQ(connect({{full.address, "full"}}, 300ms).error().code, Errc::kTimeout);
}

TEST_F(ConnectorTest, SaysWhyThereIsNone) {
  const SocketAddress nobody = closed();
  const auto result = connect({{nobody, "closed"}});
  EXPECT_EQ(result.error().code, Errc::kConnect);
  EXPECT_EQ(result.error().detail,
            "no connection could be made (" + nobody.to_string() + ": Connection refused)");
  EXPECT_EQ(connect({}).error().code, Errc::kConnect);
}

}  // namespace
}  // namespace balcony
