#include "net/socket_address.h"

#include <gtest/gtest.h>

#include <string>

namespace balcony {
namespace {

// RFC 6890 §2.2: what strangers may not send us to.
TEST(SocketAddress, WhichAddressesAreOfTheOpenInternet) {
  for (const std::string ip :
       {"0.0.0.0",      "10.1.2.3",        "100.64.0.1",      "100.127.255.255",
        "127.0.0.1",    "169.254.169.254", "172.16.0.1",      "172.31.255.255",
        "192.0.0.8",    "192.0.2.1",       "192.168.1.1",     "198.19.0.1",
        "203.0.113.7",  "224.0.0.1",       "255.255.255.255", "::",
        "::1",          "fe80::1",         "fc00::1",         "fd12:3456::1",
        "ff02::1",      "64:ff9b::7f00:1", "2001:db8::1",     "2001::1",
        "2002:7f00:1::"}) {
    EXPECT_FALSE(SocketAddress::parse(ip, 443)->is_public()) << ip;
  }
  for (const std::string ip : {"1.1.1.1", "9.255.255.255", "11.0.0.1", "100.63.255.255",
                               "100.128.0.1", "172.15.0.1", "172.32.0.1", "198.17.0.1",
                               "198.20.0.1", "223.255.255.1", "2a00:1450::1", "2001:4860::8888"}) {
    EXPECT_TRUE(SocketAddress::parse(ip, 443)->is_public()) << ip;
  }
}

}  // namespace
}  // namespace balcony
