#include "sasl/scram_messages.h"

#include <gtest/gtest.h>

namespace balcony::sasl::scram {
namespace {

using namespace std::string_view_literals;

TEST(ScramMessages, ClientFirst) {
  const auto first = parse_client_first("p=tls-exporter,a=a=2Cb=3D@c,n=x=3Dy=2Cz,r=abc,t=x=,");
  ASSERT_FALSE(first);  // an empty attribute at the end
  const auto good = parse_client_first("p=tls-exporter,a=a=2Cb=3D@c,n=x=3Dy=2Cz,r=ab!,t=x=");
  ASSERT_TRUE(good) << good.error().to_string();
  EXPECT_EQ(good->flag, BindingFlag::kUsed);
  EXPECT_EQ(good->binding_type, "tls-exporter");
  EXPECT_EQ(good->authzid, "a,b=@c");
  EXPECT_EQ(good->gs2_header, "p=tls-exporter,a=a=2Cb=3D@c,");
  EXPECT_EQ(good->bare, "n=x=3Dy=2Cz,r=ab!,t=x=");
  EXPECT_EQ(good->username, "x=y,z");
  EXPECT_EQ(good->nonce, "ab!");
  EXPECT_EQ(parse_client_first("y,,n=u,r=1")->flag, BindingFlag::kNotAdvertised);
  EXPECT_EQ(parse_client_first("n,,n=u,r=1")->flag, BindingFlag::kNotSupported);
}

TEST(ScramMessages, ClientFirstRefused) {
  for (const std::string_view bad : {""sv,
                                     "n"sv,
                                     "n,"sv,
                                     "n,,"sv,
                                     ",,n=u,r=1"sv,
                                     "x,,n=u,r=1"sv,
                                     "p=,,n=u,r=1"sv,
                                     "p,,n=u,r=1"sv,
                                     "p=tls exporter,,n=u,r=1"sv,
                                     "nn,,n=u,r=1"sv,
                                     "n,n=u,r=1"sv,
                                     "n,a=,n=u,r=1"sv,
                                     "n,b=c,n=u,r=1"sv,
                                     "n,a=x=2c,n=u,r=1"sv,
                                     "N,,n=u,r=1"sv,
                                     "n,,n=u"sv,
                                     "n,,r=1,n=u"sv,
                                     "n,,n=,r=1"sv,
                                     "n,,n=u,r="sv,
                                     "n,,n=u,,r=1"sv,
                                     "n,,n=u=,r=1"sv,
                                     "n,,n=u=2,r=1"sv,
                                     "n,,n=u=2D,r=1"sv,
                                     "n,,n=u=3d,r=1"sv,
                                     "n,,m=x,n=u,r=1"sv,
                                     "n,,n=u,r=1,m=x"sv,
                                     "n,,n=u,r=1,n=v"sv,
                                     "n,,n=u,r=1,"sv,
                                     "n,,n=u,r=1,1=x"sv,
                                     "n,,n=u,r=1,t"sv,
                                     "n,,n=u,r=1,t="sv,
                                     "n,,n=u,r=a b"sv,
                                     "n,,n=u,r=\x7f"sv,
                                     "n,,n=u,r=\xc3\xa9"sv,
                                     "n,,n=u\0,r=1"sv,
                                     "n,,n=u,r=1\0"sv,
                                     "n,,N=u,r=1"sv,
                                     "n ,,n=u,r=1"sv}) {
    const auto first = parse_client_first(bad);
    ASSERT_FALSE(first) << bad;
    EXPECT_EQ(first.error().code, Errc::kSaslMalformedRequest) << bad;
  }
}

TEST(ScramMessages, ServerFirst) {
  const auto first = parse_server_first("r=abc,s=QSXCR+Q6sek8bf92,i=4096,h=x,d=ab");
  ASSERT_TRUE(first);  // what nobody knows is skipped
  EXPECT_EQ(first->announced, "x");
  EXPECT_EQ(first->nonce, "abc");
  EXPECT_EQ(first->salt.size(), 12U);
  EXPECT_EQ(first->iterations, 4096U);
  EXPECT_EQ(parse_server_first("r=a,s=QQ==,i=99999999999999999999999")->iterations, 4294967295U);
  EXPECT_FALSE(parse_server_first("r=a,s=QQ==,i=4096,h=x,h=y"));
  for (const std::string_view bad :
       {"", "r=a", "r=a,s=QQ==", "s=QQ==,r=a,i=4096", "r=a,i=4096,s=QQ==", "r=a,s=,i=4096",
        "r=a,s=Q,i=4096", "r=a,s=QQ==,i=", "r=a,s=QQ==,i=0", "r=a,s=QQ==,i=04096",
        "r=a,s=QQ==,i=-1", "r=a,s=QQ==,i=+1", "r=a,s=QQ==,i=4096x", "r=a,s=QQ==,i=4096,",
        "r=a,s=QQ==,i=4096,m=x", "m=x,r=a,s=QQ==,i=4096", "r=a,s=QQ==,i=4096,i=1"}) {
    const auto parsed = parse_server_first(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, Errc::kSaslMalformedRequest) << bad;
  }
}

TEST(ScramMessages, ClientFinal) {
  const auto final = parse_client_final("c=biws,r=abc,t=q,p=QQ==");
  ASSERT_TRUE(final);
  EXPECT_EQ(final->binding, "n,,");
  EXPECT_EQ(final->nonce, "abc");
  EXPECT_EQ(final->proof, "A");
  EXPECT_EQ(final->without_proof, "c=biws,r=abc,t=q");
  for (const std::string_view bad :
       {"", "p=QQ==", "c=biws", "c=biws,r=abc", "r=abc,c=biws,p=QQ==", "c=biws,p=QQ==,r=abc",
        "c=biws,r=abc,p=", "c=biws,r=abc,p=Q", "c=biw,r=abc,p=QQ==", "c=biws,r=,p=QQ==",
        "c=biws,r=abc,p=QQ==,t=q", "c=biws,r=abc,p=QQ==,p=QQ==", "c=biws,r=abc,m=x,p=QQ==",
        "c=biws,r=abc,c=biws,p=QQ==", "c=biws,r=abc,,p=QQ==", "c=biws,r=abc,p=QQ==,"}) {
    const auto parsed = parse_client_final(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, Errc::kSaslMalformedRequest) << bad;
  }
}

TEST(ScramMessages, ServerFinal) {
  EXPECT_EQ(parse_server_final("v=QQ==").value(), "A");
  EXPECT_EQ(parse_server_final("v=QQ==,x=y").value(), "A");
  const auto no = parse_server_final("e=invalid-proof");
  ASSERT_FALSE(no);
  EXPECT_EQ(no.error().code, Errc::kSaslNotAuthorized);
  EXPECT_NE(no.error().detail.find("invalid-proof"), std::string::npos);
  // What a log must not hold is not repeated.
  EXPECT_EQ(parse_server_final("e=\x1b[2J").error().detail, "SCRAM: the server says no");
  for (const std::string_view bad : {"", "v=", "v", "v=Q", "x=QQ==", "v=QQ==,v=QQ=="}) {
    ASSERT_FALSE(parse_server_final(bad)) << bad;
    EXPECT_EQ(parse_server_final(bad).error().code, Errc::kSaslMalformedRequest) << bad;
  }
}

TEST(ScramMessages, WrittenAndReadBack) {
  const std::string message =
      gs2_header(BindingFlag::kUsed, "tls-exporter", "a,=b") + client_first_bare("=,=", "abc");
  EXPECT_EQ(message, "p=tls-exporter,a=a=2C=3Db,n==3D=2C=3D,r=abc");
  const auto first = parse_client_first(message);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->authzid, "a,=b");
  EXPECT_EQ(first->username, "=,=");
  EXPECT_EQ(gs2_header(BindingFlag::kNotSupported, "", ""), "n,,");
  EXPECT_EQ(gs2_header(BindingFlag::kNotAdvertised, "", "x"), "y,a=x,");
}

}  // namespace
}  // namespace balcony::sasl::scram
