#include "control/json.hpp"

#include <gtest/gtest.h>

#include <array>

namespace millrace::control {
namespace {

YamlNode read(std::string_view text) {
    Result<YamlNode> node = parse_json(text);
    EXPECT_TRUE(node) << text;
    return node.value_or(YamlNode{});
}

TEST(Json, what_is_read_is_written_again) {
    constexpr std::string_view text = R"({
  "a": "1",
  "b": [
    1,
    -2.5e3,
    true,
    null,
    {}
  ],
  "c": {
    "d": []
  }
}
)";
    EXPECT_EQ(json_text(read(text)), text);
    EXPECT_TRUE(find(read(text), "a")->quoted);
    EXPECT_EQ(find(read(text), "e"), nullptr);
    EXPECT_EQ(json_text(plain_node("10s")), "\"10s\"\n") << "plain text of YAML is a string";
}

TEST(Json, case_65_what_is_not_strict_json_is_refused) {
    struct Row {
        std::string text;
        Errc code;
        std::string_view words;
    };
    const std::array rows{
        Row{std::string(100'000, '['), Errc::exhausted, "nested more than 32"},
        Row{std::string(100'000, '[') + std::string(100'000, ']'), Errc::exhausted, "nested more than 32"},
        Row{R"({"a":1,"b":2,"a":3})", Errc::malformed, "a key stands twice"},
        Row{R"({"a":{"b":1,"\u0062":2}})", Errc::malformed, "a key stands twice"},
        Row{"1e400", Errc::malformed, "does not fit"},
        Row{"{\"a\":-1e400}", Errc::malformed, "does not fit"},
        Row{"\"\xC3\x28\"", Errc::malformed, "UTF-8"},
        Row{"\"\xED\xA0\x80\"", Errc::malformed, "UTF-8"},
        Row{R"("\ud800")", Errc::malformed, "UTF-8"},
        Row{"", Errc::malformed, "not JSON"},
        Row{"{} {}", Errc::malformed, "not JSON"},
        Row{"{\"a\":1,}", Errc::malformed, "not JSON"},
        Row{"// a\n{}", Errc::malformed, "not JSON"},
        Row{"NaN", Errc::malformed, "not JSON"},
        Row{"01", Errc::malformed, "not JSON"},
        Row{std::string{"\"a\0\"", 4}, Errc::malformed, "not JSON"},
    };
    for (const auto& row : rows) {
        const Result<YamlNode> node = parse_json(row.text);
        ASSERT_FALSE(node) << row.text.substr(0, 40);
        EXPECT_EQ(node.error().code, row.code) << row.text.substr(0, 40);
        EXPECT_NE(node.error().what.find(row.words), std::string_view::npos) << node.error().what;
    }
    EXPECT_TRUE(parse_json(std::string(json_depth_max, '[') + std::string(json_depth_max, ']')));
}

TEST(Json, a_merge_patch_does_what_rfc_7396_shows) {
    struct Row {
        std::string_view original;
        std::string_view patch;
        std::string_view result;
    };
    // The examples of its appendix A.
    constexpr std::array rows{
        Row{R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
        Row{R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
        Row{R"({"a":"b"})", R"({"a":null})", R"({})"},
        Row{R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
        Row{R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
        Row{R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
        Row{R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
        Row{R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
        Row{R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
        Row{R"({"a":"b"})", R"(["c"])", R"(["c"])"},
        Row{R"({"a":"foo"})", R"(null)", R"(null)"},
        Row{R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
        Row{R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
        Row{R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(json_text(merge_patch(read(row.original), read(row.patch))), json_text(read(row.result)))
            << row.original << row.patch;
    }
}

}   // namespace
}   // namespace millrace::control
