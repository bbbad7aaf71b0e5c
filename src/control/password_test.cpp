#include "control/password.hpp"

#include "control/first_admin.hpp"
#include "control/gate_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::control {
namespace {

using testing::cheap;

TEST(PasswordHash, knows_its_password_and_no_other) {
    SeededRandom random{1};
    const auto hash = PasswordHash::of("open sesame", random, cheap);
    ASSERT_TRUE(hash);
    EXPECT_TRUE(*hash->matches("open sesame"));
    EXPECT_FALSE(*hash->matches("open sesam"));
    EXPECT_FALSE(*hash->matches(""));
    EXPECT_NE(PasswordHash::of("open sesame", random, cheap)->text(), hash->text());
    EXPECT_EQ(PasswordHash::parse(hash->text())->text(), hash->text());
}

TEST(PasswordHash, costs_what_the_contract_says) {
    SeededRandom random{1};
    const auto hash = PasswordHash::of("x", random);
    ASSERT_TRUE(hash);
    EXPECT_TRUE(hash->text().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    EXPECT_TRUE(*hash->matches("x"));
}

TEST(PasswordHash, knows_a_hash_that_another_program_made) {
    // printf password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32 -e (its reference test of version 19)
    const auto hash = PasswordHash::parse(
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc");
    ASSERT_TRUE(hash);
    EXPECT_TRUE(*hash->matches("password"));
    EXPECT_FALSE(*hash->matches("differentpassword"));
}

TEST(PasswordHash, takes_no_password_without_bytes_or_with_too_many) {
    SeededRandom random{1};
    EXPECT_FALSE(PasswordHash::of("", random, cheap));
    EXPECT_FALSE(PasswordHash::of(std::string(PasswordHash::password_size_max + 1, 'x'), random, cheap));
}

TEST(PasswordHash, refuses_what_is_no_hash_or_costs_too_much) {
    constexpr std::string_view rest = "$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    for (const std::string_view head :
         {"", "$argon2i$v=19$m=64,t=2,p=1", "$argon2id$v=16$m=64,t=2,p=1", "$argon2id$v=19$m=64,t=2",
          "$argon2id$v=19$m=064,t=2,p=1", "$argon2id$v=19$m=64,t=0,p=1", "$argon2id$v=19$m=-64,t=2,p=1",
          "$argon2id$v=19$m=7,t=2,p=1", "$argon2id$v=19$m=64,t=2,p=1,x=1",
          "$argon2id$v=19$m=99999999999,t=2,p=1"}) {
        const auto hash = PasswordHash::parse(std::string{head} + std::string{rest});
        EXPECT_FALSE(hash) << head;
        EXPECT_TRUE(hash || hash.error().code == Errc::malformed) << head;
    }
    for (const std::string_view head :
         {"$argon2id$v=19$m=262145,t=2,p=1", "$argon2id$v=19$m=64,t=17,p=1", "$argon2id$v=19$m=64,t=2,p=5"}) {
        const auto hash = PasswordHash::parse(std::string{head} + std::string{rest});
        EXPECT_FALSE(hash) << head;
        EXPECT_TRUE(hash || hash.error().code == Errc::unsupported) << head;
    }
    for (const std::string_view tail :
         {"$c29tZXNhbHQ", "$c29tZXNhbHQ$", "$c29t$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8",
          "$c29tZXNhbHQ$CTFhFdXPJO1a", "$c29tZXNhbHQ=$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8",
          "$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8$", "$!$CTFhFdXPJO1aFaMaO6Mm5c"}) {
        EXPECT_FALSE(PasswordHash::parse("$argon2id$v=19$m=64,t=2,p=1" + std::string{tail})) << tail;
    }
}

TEST(FirstAdmin, may_do_everything_with_a_password_that_is_new_each_time) {
    SeededRandom random{1};
    const FirstAdmin admin = first_admin(random);
    EXPECT_EQ(admin.user.name, "admin");
    EXPECT_EQ(admin.user.allow.size(), 4U);
    EXPECT_EQ(admin.password.size(), 24U);
    EXPECT_TRUE(*PasswordHash::parse(admin.user.password)->matches(admin.password));
    EXPECT_NE(first_admin(random).password, admin.password);
}

}   // namespace
}   // namespace millrace::control
