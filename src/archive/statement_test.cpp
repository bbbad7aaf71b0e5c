#include "archive/statement.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

namespace millrace::archive {
namespace {

class StatementTest : public testing::Test {
protected:
    StatementTest() {
        EXPECT_EQ(sqlite3_open(":memory:", &database_), SQLITE_OK);
        all_.begin(database_);
    }
    ~StatementTest() override {
        all_.forget();
        EXPECT_EQ(sqlite3_close(database_), SQLITE_OK) << "nothing of it is left";
    }
    /// How many SQLite holds ready.
    int ready() const {
        int count = 0;
        for (sqlite3_stmt* one = nullptr; (one = sqlite3_next_stmt(database_, one)) != nullptr;) {
            ++count;
        }
        return count;
    }

    sqlite3* database_ = nullptr;
    Statements all_;
};

constexpr const char* echo = "SELECT ?1,?2";

TEST_F(StatementTest, what_was_used_is_used_again_and_knows_nothing_of_its_values) {
    for (const std::int64_t value : {7, 8, 9}) {
        Statement one{all_, echo};
        if (value != 9) {
            one.put(value).put(std::string_view{"word"});
        }
        ASSERT_TRUE(*one.step());
        EXPECT_EQ(one.number(), value == 9 ? 0 : value);
        EXPECT_EQ(one.text(), value == 9 ? "" : "word");
    }
    EXPECT_EQ(ready(), 1);
}

TEST_F(StatementTest, two_of_the_same_at_a_time_do_not_meet_and_one_of_them_stays) {
    {
        Statement outer{all_, echo};
        outer.put(std::int64_t{1});
        ASSERT_TRUE(*outer.step());
        Statement inner{all_, echo};
        inner.put(std::int64_t{2});
        ASSERT_TRUE(*inner.step());
        EXPECT_EQ(outer.number(), 1);
        EXPECT_EQ(inner.number(), 2);
        EXPECT_EQ(ready(), 2);
    }
    EXPECT_EQ(ready(), 1);
}

TEST_F(StatementTest, one_that_failed_works_for_the_next_and_only_so_many_are_kept) {
    EXPECT_FALSE((Statement{all_, "SELECT nonsense"}.step()));
    ASSERT_TRUE((Statement{all_, "CREATE TABLE t(a INTEGER UNIQUE)"}.done()));
    const auto insert = [this] { return Statement{all_, "INSERT INTO t VALUES(1)"}.done(); };
    EXPECT_TRUE(insert());
    EXPECT_FALSE(insert());
    ASSERT_TRUE((Statement{all_, "DELETE FROM t"}.done()));
    EXPECT_TRUE(insert());
    for (std::size_t i = 0; i < 2 * Statements::kept_max; ++i) {
        const std::string sql = "SELECT " + std::to_string(i);
        EXPECT_TRUE((Statement{all_, sql.c_str()}.step()));
    }
    EXPECT_EQ(ready(), static_cast<int>(Statements::kept_max));
}

TEST_F(StatementTest, without_a_database_it_says_so) {
    Statements none;
    EXPECT_FALSE((Statement{none, echo}.step()));
}

}   // namespace
}   // namespace millrace::archive
