#include "session/hls_texts.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

/// Counts how often a list is written.
class HlsTexts : public testing::Test {
protected:
    ListText* find(const hub::SegmentListRef& list, const std::string& address, std::string text) {
        const auto found = texts_.find(list, address, [&]() -> Result<std::string> {
            ++written_;
            return text;
        });
        return found ? *found : nullptr;
    }
    static hub::SegmentListRef list() { return std::make_shared<const hub::SegmentList>(); }

    ListTexts texts_;
    int written_ = 0;
};

TEST_F(HlsTexts, are_written_once_a_list_and_address) {
    const auto first = list();
    ListText* const text = find(first, "/a", "one");
    EXPECT_EQ(find(first, "/a", "one"), text);
    EXPECT_EQ(written_, 1);
    EXPECT_NE(find(first, "/b", "two"), text);
    EXPECT_EQ(written_, 2);
    const auto second = list();
    EXPECT_EQ(as_text(find(second, "/a", "three")->plain), "three");
    EXPECT_EQ(written_, 3);
}

TEST_F(HlsTexts, have_a_tag_of_what_they_say_alone) {
    const std::string tag = find(list(), "/a", "one")->tag;
    EXPECT_EQ(find(list(), "/b", "one")->tag, tag);
    EXPECT_NE(find(list(), "/a", "two")->tag, tag);
    EXPECT_TRUE(tag.size() == 18 && tag.starts_with('"') && tag.ends_with('"')) << tag;
}

TEST_F(HlsTexts, do_not_keep_an_old_list_with_its_segments) {
    auto old = list();
    const std::weak_ptr<const hub::SegmentList> watched = old;
    find(old, "/a", "one");
    old.reset();
    EXPECT_TRUE(watched.expired());
    find(list(), "/a", "two");
    EXPECT_EQ(written_, 2);
}

TEST_F(HlsTexts, are_so_many_at_most) {
    const auto one = list();
    for (std::size_t i = 0; i <= ListTexts::texts_max; ++i) {
        find(one, std::to_string(i), "text");
    }
    const int before = written_;
    find(one, std::to_string(ListTexts::texts_max), "text");
    EXPECT_EQ(written_, before);
    find(one, "0", "text");
    EXPECT_EQ(written_, before + 1);
}

TEST_F(HlsTexts, that_cannot_be_written_are_asked_for_again) {
    const auto one = list();
    const auto fails = [&]() -> Result<std::string> { return fail(Errc::not_found, "no such list"); };
    EXPECT_FALSE(texts_.find(one, "/a", fails));
    EXPECT_EQ(as_text(find(one, "/a", "there")->plain), "there");
}

}   // namespace
}   // namespace millrace::session
