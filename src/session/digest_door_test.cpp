#include "session/digest_door.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

constexpr std::string_view url = "rtsp://millrace/live/a";
constexpr Instant start = Instant::from_nanoseconds(1'000'000'000);

/// A door of one connection, and a client that knows the password.
struct Porch {
    SeededRandom random{5};
    DigestDoor door{random};
    Settings settings{.digest_md5 = true, .digest_sha256 = true};

    rtsp::DigestChallenge challenge(std::size_t which, Instant now = start) {
        return *rtsp::read_challenge(door.challenges(settings, now).at(which));
    }

    static std::string answer(const rtsp::DigestChallenge& asked, std::string_view uri = url) {
        rtsp::DigestCredentials said{.user = "cam",
                                     .realm = asked.realm,
                                     .nonce = asked.nonce,
                                     .uri = std::string{uri},
                                     .response = {},
                                     .cnonce = "c",
                                     .opaque = {},
                                     .nonce_count = "00000001",
                                     .auth = asked.auth,
                                     .algorithm = asked.algorithm};
        const std::string secret = rtsp::digest_secret(asked.algorithm, said.user, asked.realm, "let me in");
        said.response = rtsp::digest_response(said, secret, "DESCRIBE");
        return rtsp::write(said);
    }

    Result<> read(hub::Petition& petition, Instant now = start) {
        return door.read(petition, {.method = "DESCRIBE", .url = url}, now);
    }
};

hub::Petition with(std::string authorization) {
    hub::Petition petition;
    petition.authorization = std::move(authorization);
    return petition;
}

TEST(DigestDoor, turns_a_digest_into_what_is_left_to_check) {
    Porch porch;
    for (const std::size_t which : {0, 1}) {
        const rtsp::DigestChallenge asked = porch.challenge(which);
        hub::Petition petition = with(Porch::answer(asked));
        ASSERT_TRUE(porch.read(petition));
        ASSERT_TRUE(petition.digest);
        EXPECT_TRUE(petition.authorization.empty());
        const std::string secret =
            rtsp::digest_secret(asked.algorithm, "cam", hub::digest_realm, "let me in");
        EXPECT_EQ(rtsp::digest_hex(asked.algorithm, secret + ':' + petition.digest->tail),
                  petition.digest->response);
    }
}

TEST(DigestDoor, offers_what_some_user_can_answer) {
    Porch porch;
    EXPECT_EQ(porch.door.challenges(porch.settings, start).size(), 3U);
    porch.settings.digest_sha256 = false;
    EXPECT_NE(porch.door.challenges(porch.settings, start).at(0).find("algorithm=MD5"), std::string::npos);
    porch.settings.digest_md5 = false;
    EXPECT_EQ(porch.door.challenges(porch.settings, start),
              std::vector<std::string>{"Basic realm=\"Millrace\", charset=\"UTF-8\""});
}

TEST(DigestDoor, leaves_other_proofs_alone) {
    Porch porch;
    for (const char* const header : {"", "Basic abc", "Bearer abc", "Digest"}) {
        hub::Petition petition = with(header);
        EXPECT_TRUE(porch.read(petition));
        EXPECT_EQ(petition.authorization, header);
        EXPECT_FALSE(petition.digest);
    }
}

TEST(DigestDoor, case_29_asks_again_where_a_nonce_is_old_or_of_another_connection) {
    Porch porch;
    SeededRandom other_random{6};
    DigestDoor other{other_random};
    const std::string old = Porch::answer(porch.challenge(0));
    const std::string foreign =
        Porch::answer(*rtsp::read_challenge(other.challenges(porch.settings, start).at(0)));
    const Instant later = start + rtsp::DigestNonces::lifetime + 1s;
    for (const auto& [header, now] : {std::pair{old, later}, std::pair{foreign, start}}) {
        hub::Petition petition = with(header);
        const Result<> read = porch.read(petition, now);
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().code, Errc::unauthenticated);
        EXPECT_FALSE(petition.digest);
        EXPECT_TRUE(porch.challenge(0, now).stale);
        EXPECT_FALSE(porch.challenge(0, now).stale) << "only once";
    }
}

TEST(DigestDoor, a_digest_is_of_the_address_that_is_asked_for) {
    Porch porch;
    struct Row {
        const char* uri;
        bool right;
    };
    for (const Row& row : {Row{"rtsp://millrace/live/a", true}, Row{"rtsp://millrace/live/a/", true},
                           Row{"rtsp://millrace/live", true}, Row{"rtsp://millrace/live/b", false},
                           Row{"rtsp://millrace/liv", false}, Row{"", false}, Row{"*", false}}) {
        hub::Petition petition = with(Porch::answer(porch.challenge(1), row.uri));
        EXPECT_EQ(porch.read(petition).has_value(), row.right) << row.uri;
        EXPECT_EQ(petition.digest.has_value(), row.right) << row.uri;
    }
}

TEST(DigestDoor, case_29_a_digest_that_cannot_be_read_is_malformed) {
    Porch porch;
    hub::Petition petition = with("Digest username=\"" + std::string(65'536, 'u') + "\", nonce=\"n\"");
    const Result<> read = porch.read(petition);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Errc::malformed);
}

}   // namespace
}   // namespace millrace::session
