#include "control/digest_secrets.hpp"

#include "control/gate_for_tests.hpp"

namespace millrace::control {
namespace {

using Hash = hub::DigestProof::Hash;

// printf 'cam:Millrace:let me in' | md5sum, and sha256sum
constexpr std::string_view md5_of_cam = "b78645c2a5b419382d49c53a1b25842f";
constexpr std::string_view sha256_of_cam = "d7742229e6135c8efcdc064226f19a59cb14ed52358227612ff8d74c655d9550";

TEST(DigestSecrets, are_what_rfc_7616_has_servers_keep) {
    const DigestSecrets secrets = digest_secrets_of("cam", "let me in");
    EXPECT_EQ(secrets.md5, md5_of_cam);
    EXPECT_EQ(secrets.sha256, sha256_of_cam);
    EXPECT_EQ(secrets.md5.size(), DigestSecrets::md5_digits);
    EXPECT_EQ(secrets.sha256.size(), DigestSecrets::sha256_digits);
}

// printf '%s:tail' SECRET | md5sum, and sha256sum
constexpr std::string_view md5_response = "3165114b0fb539b000cdd52da7df78e1";
constexpr std::string_view sha256_response =
    "fa8fecba89917c3c731eca86a35d21a9367c274fb0be525d51162343f6d6323d";

hub::DigestProof answer(std::string user, Hash hash, std::string_view response) {
    return {.user = std::move(user), .hash = hash, .tail = "tail", .response = std::string{response}};
}

TEST(DigestSecrets, are_proved_by_the_response_that_comes_of_them_alone) {
    const DigestSecrets both = digest_secrets_of("cam", "let me in");
    EXPECT_TRUE(proves(answer("cam", Hash::md5, md5_response), both));
    EXPECT_TRUE(proves(answer("cam", Hash::sha256, sha256_response), both));
    EXPECT_FALSE(proves(answer("cam", Hash::md5, sha256_response), both));
    EXPECT_FALSE(proves(answer("cam", Hash::md5, ""), both));
    EXPECT_FALSE(proves(answer("cam", Hash::sha256, sha256_response), {.md5 = both.md5, .sha256 = {}}));
}

Configuration with_digest() {
    Configuration house;
    house.users.push_back(testing::user("cam", "let me in", {testing::grant(hub::Action::play, "live/*")}));
    house.users.push_back(testing::user("boss", "other", {testing::grant(hub::Action::play, "live/*")}));
    house.users[0].digest = digest_secrets_of("cam", "let me in");
    return house;
}

hub::Petition asks(hub::DigestProof digest) {
    hub::Petition petition = testing::player("live/a");
    petition.digest = std::move(digest);
    return petition;
}

TEST(Gate, lets_in_by_digest_whose_user_has_one) {
    testing::Doorway door{with_digest()};
    const auto admitted = door.decide(asks(answer("cam", Hash::sha256, sha256_response)));
    ASSERT_TRUE(admitted) << admitted.error().what;
    EXPECT_EQ(admitted->identity.name, "user cam");
    EXPECT_EQ(testing::code(door.decide(asks(answer("boss", Hash::md5, md5_response)))),
              Errc::unauthenticated);
    EXPECT_EQ(testing::code(door.decide(asks(answer("nobody", Hash::md5, md5_response)))),
              Errc::unauthenticated);
    // An empty secret is nobody's.
    const std::string of_nothing = "e5b4450b47a5046323899aa9d4abc278";   // printf ':tail' | md5sum
    EXPECT_EQ(testing::code(door.decide(asks(answer("boss", Hash::md5, of_nothing)))), Errc::unauthenticated);
}

TEST(Gate, a_digest_and_another_proof_at_once_are_refused) {
    testing::Doorway door{with_digest()};
    hub::Petition petition = asks(answer("cam", Hash::md5, md5_response));
    petition.query = "user=cam&pass=let+me+in";
    EXPECT_EQ(testing::code(door.decide(std::move(petition))), Errc::malformed);
}

TEST(Gate, case_29_ten_wrong_digests_a_minute_are_looked_at) {
    testing::Doorway door{with_digest()};
    for (std::size_t i = 0; i < Failures::failures_max; ++i) {
        hub::DigestProof wrong = answer("cam", Hash::md5, md5_response);
        wrong.tail += std::to_string(i);
        EXPECT_EQ(testing::code(door.decide(asks(std::move(wrong)))), Errc::unauthenticated);
    }
    EXPECT_EQ(testing::code(door.decide(asks(answer("cam", Hash::md5, md5_response)))), Errc::throttled)
        << "also a right one, which would tell whoever guesses";
    door.time.run_for(Failures::window + 1s);
    EXPECT_EQ(testing::code(door.decide(asks(answer("cam", Hash::md5, md5_response)))), Errc::would_block);
}

TEST(Policy, another_digest_is_another_credential) {
    Configuration house = with_digest();
    const hub::Identity before = Policy{house}.user("cam")->identity;
    house.users[0].digest = digest_secrets_of("cam", "something else");
    EXPECT_NE(Policy{house}.user("cam")->identity, before);
    house.users[0].password.clear();
    EXPECT_TRUE(Policy{house}.has_proofs());
}

}   // namespace
}   // namespace millrace::control
