#include "session/picture_query.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

Result<hub::PictureWish> wish(std::string query) {
    web::Request request;
    request.query = std::move(query);
    return picture_wish_of(request);
}

TEST(PictureQuery, understands_size_rate_and_quality) {
    const auto all = wish("size=640x360&fps=10&quality=70");
    ASSERT_TRUE(all);
    EXPECT_EQ(all->width, 640);
    EXPECT_EQ(all->height, 360);
    EXPECT_EQ(all->fps, 10);
    EXPECT_EQ(all->quality, 70);
    EXPECT_EQ(*wish(""), hub::PictureWish{});
    EXPECT_EQ(*wish("token=x"), hub::PictureWish{});
    EXPECT_NE(*wish("fps=60"), *wish("quality=60"));
    EXPECT_TRUE(wish("fps=60")->as_source());
    EXPECT_FALSE(wish("quality=80")->as_source());
    EXPECT_TRUE(wish("size=16x16") && wish("size=1920x1920") && wish("fps=1") && wish("quality=100"));
}

TEST(PictureQuery, says_what_is_wrong) {
    for (const char* query :
         {"size=640", "size=641x360", "size=640x14", "size=1922x1080", "size=x", "size=640x360x2",
          "size=", "size=-640x360", "size=0640x360", "fps=0", "fps=61", "fps=ten", "fps=1e1",
          "fps=", "fps=99999999999", "quality=0", "quality=101", "quality=80.5", "size=640%20x360"}) {
        const auto refused = wish(query);
        ASSERT_FALSE(refused) << query;
        EXPECT_EQ(refused.error().code, Errc::malformed);
    }
}

}   // namespace
}   // namespace millrace::session
