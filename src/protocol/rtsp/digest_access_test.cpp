#include "protocol/rtsp/digest_access.hpp"

#include <gtest/gtest.h>

namespace millrace::rtsp {
namespace {

/// RFC 7616 §3.9.1.
DigestCredentials of_the_rfc(DigestAlgorithm algorithm, std::string response) {
    return {.user = "Mufasa",
            .realm = "http-auth@example.org",
            .nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            .uri = "/dir/index.html",
            .response = std::move(response),
            .cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            .opaque = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
            .nonce_count = "00000001",
            .auth = true,
            .algorithm = algorithm};
}

TEST(DigestAccess, proves_what_the_examples_of_rfc_7616_prove) {
    struct Row {
        DigestAlgorithm algorithm;
        const char* response;
    };
    const Row rows[] = {
        {DigestAlgorithm::md5, "8ca523f5e9506fed4657c9700eebdbec"},
        {DigestAlgorithm::sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"}};
    for (const Row& row : rows) {
        const DigestCredentials said = of_the_rfc(row.algorithm, row.response);
        const std::string secret = digest_secret(row.algorithm, said.user, said.realm, "Circle of Life");
        EXPECT_TRUE(proves(said, secret, "GET"));
        EXPECT_FALSE(proves(said, secret, "PUT"));
        EXPECT_FALSE(proves(said, digest_secret(row.algorithm, said.user, said.realm, "circle"), "GET"));
        const auto read = read_credentials(write(said));
        ASSERT_TRUE(read);
        EXPECT_TRUE(proves(*read, secret, "GET"));
    }
}

TEST(DigestAccess, case_29_refuses_credentials_that_are_none) {
    const std::string good = write(of_the_rfc(DigestAlgorithm::md5, "00"));
    EXPECT_TRUE(read_credentials(good));
    const std::string long_user =
        "Digest username=\"" + std::string(65'536, 'u') + "\", nonce=\"n\", response=\"0\"";
    for (const std::string& row :
         {long_user, std::string{"Basic abc"}, std::string{"Digest"}, std::string{"Digest ="},
          std::string{"Digest username=\"u\", nonce=\"n"}, std::string{"Digest username=\"u\", nonce=\"n\""},
          std::string{"Digest username=\"u\", nonce=\"n\", response=\"0\", qop=auth"},
          std::string{"Digest username=\"u\", nonce=\"n\", response=\"0\", qop=auth-int"},
          std::string{"Digest username=\"u\", nonce=\"n\", response=\"0\", algorithm=MD4"}}) {
        EXPECT_FALSE(read_credentials(row)) << row.substr(0, 80);
    }
    // RFC 2617, without qop: cameras still speak so.
    EXPECT_TRUE(
        read_credentials("Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/\", response=\"0\""));
}

TEST(DigestAccess, case_29_knows_its_nonces_and_their_age) {
    SeededRandom random{1};
    const DigestNonces nonces{random};
    const DigestNonces others{random};
    const Instant now = Instant{} + 1h;
    const std::string nonce = nonces.make(now);
    EXPECT_EQ(nonces.age(nonce, now + 1min), DigestNonces::Age::fresh);
    EXPECT_EQ(nonces.age(nonce, now + 6min), DigestNonces::Age::stale);
    EXPECT_EQ(others.age(nonce, now), DigestNonces::Age::foreign);
    for (const char* made_up : {"", "-", "abc", "abc-def", "0-0"}) {
        EXPECT_EQ(nonces.age(made_up, now), DigestNonces::Age::foreign);
    }
}

TEST(DigestAccess, reads_the_challenges_that_cameras_send) {
    const auto old = read_challenge("Digest realm=\"IP Camera(12345)\", nonce=\"abc\", stale=\"FALSE\"");
    ASSERT_TRUE(old);
    EXPECT_EQ(old->realm, "IP Camera(12345)");
    EXPECT_FALSE(old->auth);
    EXPECT_FALSE(old->stale);
    const auto recent =
        read_challenge("digest nonce=abc,realm=x,qop=\"auth-int, auth\",algorithm=SHA-256,stale=true");
    ASSERT_TRUE(recent);
    EXPECT_TRUE(recent->auth && recent->stale);
    EXPECT_EQ(recent->algorithm, DigestAlgorithm::sha256);
    EXPECT_FALSE(read_challenge("Digest realm=\"x\""));
    EXPECT_FALSE(read_challenge("Digest realm=\"x\", nonce=\"y\", algorithm=SHA-512-256"));
    EXPECT_EQ(basic_credentials("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

}   // namespace
}   // namespace millrace::rtsp
