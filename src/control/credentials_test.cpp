#include "control/credentials.hpp"

#include "base/hex.hpp"
#include "control/digest.hpp"

#include <gtest/gtest.h>

namespace millrace::control {
namespace {

Result<Proof> proof(std::string authorization, std::string query = {}, std::string cookie = {}) {
    hub::Petition petition;
    petition.authorization = std::move(authorization);
    petition.query = std::move(query);
    petition.cookie = std::move(cookie);
    return proof_of(petition);
}

std::string basic(std::string_view text) {
    std::string encoded = encode_base64(as_bytes(text));
    encoded.resize((encoded.size() + 3) / 4 * 4, '=');
    return "Basic " + encoded;
}

TEST(Credentials, are_found_wherever_they_may_stand) {
    EXPECT_EQ(*proof(""), Proof{NoProof{}});
    EXPECT_EQ(*proof("", "tracks=video&from=1"), Proof{NoProof{}});
    EXPECT_EQ(*proof(basic("cam:let me in")), (Proof{UserProof{"cam", "let me in"}}));
    EXPECT_EQ(*proof("basic   Y2FtOmE6Yg== "), (Proof{UserProof{"cam", "a:b"}}));
    EXPECT_EQ(*proof(basic("cam:")), (Proof{UserProof{"cam", ""}}));
    EXPECT_EQ(*proof(basic("cam:\xC3\xBC")), (Proof{UserProof{"cam", "\xC3\xBC"}}));
    EXPECT_EQ(*proof("Bearer abc"), Proof{TokenProof{"abc"}});
    EXPECT_EQ(*proof("", "user=cam&x=1&pass=a+b%26"), (Proof{UserProof{"cam", "a b&"}}));
    EXPECT_EQ(*proof("", "token=abc"), Proof{TokenProof{"abc"}});
    EXPECT_EQ(*proof("", "token=abc&token=abc"), Proof{TokenProof{"abc"}});
    EXPECT_EQ(*proof("Bearer abc", "token=abc"), Proof{TokenProof{"abc"}});
    EXPECT_EQ(*proof("", "", "a=b; millrace=u:x:1:2:3; c=d"), Proof{CookieProof{"u:x:1:2:3"}});
    EXPECT_EQ(*proof("", "", "millrace=first; millrace=second"), Proof{CookieProof{"first"}});
}

TEST(Credentials, that_somebody_typed_go_before_a_cookie) {
    EXPECT_EQ(*proof("Bearer abc", "", "millrace=x"), Proof{TokenProof{"abc"}});
    EXPECT_EQ(*proof("", "token=abc", "millrace=x"), Proof{TokenProof{"abc"}});
}

TEST(Credentials, that_are_broken_are_malformed) {
    for (const auto& [authorization, query] : std::vector<std::pair<std::string, std::string>>{
             {"Basic", ""},
             {"Basic !!!!", ""},
             {"Basic Y2FtOmE", ""},    // its padding is missing
             {"Basic Y2FtOmF=", ""},   // and here bits are left over
             {basic("no colon"), ""},
             {basic(":no user"), ""},
             {basic(std::string_view{"cam:a\0b", 7}), ""},
             {basic("cam:\n"), ""},
             {basic("cam:" + std::string(proof_size_max + 1, 'x')), ""},
             {"Bearer", ""},
             {"Bearer " + std::string(proof_size_max + 1, 'x'), ""},
             {"Digest username=\"cam\"", ""},
             {"Bearer abc", "token=abd"},
             {"Bearer abc", "user=cam&pass=x"},
             {basic("cam:x"), "user=cam&pass=y"},
             {"", "user=cam"},
             {"", "pass=x"},
             {"", "user=&pass=x"},
             {"", "token="},
             {"", "token=%zz"},
             {"", "token=a%00b"},
             {"", "token=a&token=b"},
             {"", "user=a&user=b&pass=x"},
             {"", "user=cam&pass=x&token=abc"}}) {
        const auto found = proof(authorization, query);
        EXPECT_FALSE(found) << authorization << ' ' << query;
        EXPECT_TRUE(found || found.error().code == Errc::malformed);
    }
}

TEST(Credentials, of_a_cookie_that_is_none_are_none) {
    for (const char* const cookie : {"millrace", "millrace=", "; ;", "=", "xmillrace=1", "millrace=\x01"}) {
        EXPECT_EQ(*proof("", "", cookie), Proof{NoProof{}}) << cookie;
    }
}

TEST(Base64, is_read_as_rfc_4648_has_it) {
    for (const auto& [plain, coded] :
         std::vector<std::pair<std::string, std::string>>{{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foob", "Zm9vYg=="},
                                                          {"fooba", "Zm9vYmE="},
                                                          {"foobar", "Zm9vYmFy"},
                                                          {"\xFB\xFF", "+/8="}}) {
        EXPECT_EQ(decode_base64(coded), plain);
        EXPECT_EQ(encode_base64(as_bytes(plain)), coded.substr(0, coded.find('=')));
    }
    for (const char* const wrong :
         {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm9v=", "Z g=", "====", "-_8="}) {
        EXPECT_EQ(decode_base64(wrong), std::nullopt) << wrong;
    }
}

TEST(Digest, is_that_of_the_standards) {
    EXPECT_EQ(hex_text(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(parse_digest(hex_text(sha256("abc"))), sha256("abc"));
    EXPECT_EQ(parse_digest("abc"), std::nullopt);
    EXPECT_EQ(parse_digest(std::string(64, 'g')), std::nullopt);
    // RFC 4231 §4.2, whose key of 20 bytes is ours filled up with zeros.
    Digest key{};
    std::fill_n(key.begin(), 20, std::byte{0x0B});
    EXPECT_EQ(hex_text(hmac_sha256(key, "Hi There")),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

}   // namespace
}   // namespace millrace::control
