#include "base/json_words.hpp"

#include <gtest/gtest.h>

namespace millrace::web {
namespace {

using enum JsonWord::Kind;

TEST(JsonWords, finds_what_a_page_says) {
    const auto words = JsonWords::parse(R"( { "t" : "open","c":"ch1", "n":-1.50e+3,"yes":true,"no":null } )");
    ASSERT_TRUE(words);
    EXPECT_EQ(words->find("t", text), "open");
    EXPECT_EQ(words->find("c", text), "ch1");
    EXPECT_EQ(words->find("n", number), "-1.50e+3");
    EXPECT_EQ(words->find("yes", other), "true");
    EXPECT_EQ(words->find("no", other), "null");
    EXPECT_EQ(words->find("n", text), std::nullopt);
    EXPECT_EQ(words->find("x", text), std::nullopt);
    EXPECT_TRUE(JsonWords::parse("{}"));
}

TEST(JsonWords, undoes_escapes) {
    const auto words = JsonWords::parse(R"({"\u0061":"\"\\\/\n\t\u00e9\u20AC\ud83d\ude00é"})");
    ASSERT_TRUE(words);
    EXPECT_EQ(words->find("a", text), "\"\\/\n\té€😀é");
}

TEST(JsonWords, case_60_refuses_what_is_no_flat_object) {
    for (const std::string_view wrong : {"",
                                         "{",
                                         "}",
                                         "[]",
                                         "1",
                                         "\"t\"",
                                         "{\"t\"}",
                                         "{\"t\":}",
                                         "{\"t\":1,}",
                                         "{,}",
                                         "{\"t\":1}{",
                                         "{t:1}",
                                         "{\"t\":{}}",
                                         "{\"t\":[1]}",
                                         "{\"t\":1,\"t\":2}",
                                         "{\"t\":01}",
                                         "{\"t\":1.}",
                                         "{\"t\":.5}",
                                         "{\"t\":1e}",
                                         "{\"t\":-}",
                                         "{\"t\":+1}",
                                         "{\"t\":NaN}",
                                         "{\"t\":\"a}",
                                         "{\"t\":\"\\x\"}",
                                         "{\"t\":\"\\u12g4\"}",
                                         "{\"t\":\"\\ud800\"}",
                                         "{\"t\":\"\\udc00\"}",
                                         "{\"t\":\"\\ud800\\u0041\"}",
                                         "{\"t\":\"\\",
                                         "{\"t\":\"\x01\"}",
                                         "{\"t\":\"\xff\"}",
                                         "{'t':1}"}) {
        EXPECT_FALSE(JsonWords::parse(wrong)) << wrong;
    }
}

TEST(JsonWords, takes_sixteen_members) {
    std::string many = "{";
    for (int i = 0; i < 16; ++i) {
        many += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":0";
    }
    EXPECT_TRUE(JsonWords::parse(many + "}"));
    EXPECT_EQ(JsonWords::parse(many + ",\"x\":0}").error().code, Errc::exhausted);
}

TEST(JsonWords, nested_values_stay_as_they_are_written) {
    const auto words =
        JsonWords::parse_nested(R"({"boxes": [ {"x":0.1, "label":"a]\"}"}, [] ], "o":{}, "n":1, "t":"x"})");
    ASSERT_TRUE(words);
    EXPECT_EQ(words->find("boxes", nested), R"([ {"x":0.1, "label":"a]\"}"}, [] ])");
    EXPECT_EQ(words->find("o", nested), "{}");
    EXPECT_EQ(words->find("n", number), "1");
    EXPECT_EQ(words->find("t", text), "x");
}

TEST(JsonWords, case_60_nested_values_are_checked_to_their_ends_and_have_a_depth) {
    for (const std::string_view wrong :
         {R"({"a":[})", R"({"a":[1,]})", R"({"a":{"b"}})", R"({"a":{1:2}})", R"({"a":[1 2]})", R"({"a":[)",
          R"({"a":[tru]})", R"([{}])", R"({"a":{""})", R"({"a":[1 "x"})", R"({"a":"\1})"}) {
        EXPECT_FALSE(JsonWords::parse_nested(wrong)) << wrong;
    }
    const auto deep = [](std::size_t levels) {
        return R"({"a":)" + std::string(levels, '[') + std::string(levels, ']') + "}";
    };
    EXPECT_TRUE(JsonWords::parse_nested(deep(JsonWords::depth_max - 1)));
    EXPECT_FALSE(JsonWords::parse_nested(deep(JsonWords::depth_max)));
    EXPECT_FALSE(JsonWords::parse(R"({"a":[]})")) << "flat is flat";
    EXPECT_FALSE(JsonWords::parse(R"({"a":{""})")) << "and nothing of it is passed over";
}

}   // namespace
}   // namespace millrace::web
