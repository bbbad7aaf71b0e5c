#include "container/amf0.hpp"

#include "container/flv_samples.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace millrace::amf0 {
namespace {

std::vector<std::byte> written(const Value& value) {
    std::vector<std::byte> out;
    ByteWriter writer{out};
    write(writer, value);
    return out;
}

using flv::samples::from_hex;

Result<Value> read_one(ByteSpan bytes) {
    ByteReader reader{bytes};
    return read(reader);
}

Value one_of_each() {
    return object({{"app", "live"},
                   {"number", -1.5},
                   {"yes", true},
                   {"no", false},
                   {"null", Null{}},
                   {"undefined", Value{}},
                   {"", "a member without a name"},
                   {"inner", object({{"deep", StrictArray{{1, "two", EcmaArray{}, Object{}}}}})},
                   {"table", ecma_array({{"width", 1920}, {"height", 1080}})},
                   {"since", Date{1.7e12, -60}},
                   {"long", std::string(70'000, 'x')}});
}

TEST(Amf0, every_type_comes_back_as_it_was_written) {
    const Value value = one_of_each();
    const Result<Value> again = read_one(written(value));
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, value);
}

TEST(Amf0, writes_the_bytes_of_the_specification) {
    EXPECT_EQ(written(1.0), from_hex("00 3FF0000000000000"));
    EXPECT_EQ(written(true), from_hex("01 01"));
    EXPECT_EQ(written("ab"), from_hex("02 0002 6162"));
    EXPECT_EQ(written(object({{"a", Null{}}})), from_hex("03 0001 61 05 0000 09"));
    EXPECT_EQ(written(ecma_array({{"a", Value{}}})), from_hex("08 00000001 0001 61 06 0000 09"));
    EXPECT_EQ(written(StrictArray{{false}}), from_hex("0A 00000001 01 00"));
    EXPECT_EQ(written(Date{0, 0}), from_hex("0B 0000000000000000 0000"));
}

TEST(Amf0, an_array_whose_count_is_a_lie_is_read_to_its_end_marker) {
    const Result<Value> array = read_one(from_hex("08 00000000 0001 61 01 01 0000 09"));
    ASSERT_TRUE(array);
    ASSERT_NE(array->find("a"), nullptr);
    EXPECT_TRUE(*array->find("a")->boolean());
}

TEST(Amf0, a_typed_object_is_an_object) {
    const Result<Value> typed = read_one(from_hex("10 0003 466F6F 0001 61 05 0000 09"));
    ASSERT_TRUE(typed);
    EXPECT_EQ(*typed, object({{"a", Null{}}}));
}

TEST(Amf0, finds_members_only_by_name_and_type) {
    const Value value = object({{"width", 1280}, {"encoder", "x"}, {"width", 2}});
    EXPECT_EQ(*value.find_number("width"), 1280);
    EXPECT_EQ(*value.find_text("encoder"), "x");
    EXPECT_EQ(value.find_number("encoder"), nullptr);
    EXPECT_EQ(value.find("height"), nullptr);
    EXPECT_EQ(Value{1}.find("width"), nullptr);
}

TEST(Amf0, every_cut_is_refused) {
    const std::vector<std::byte> whole = written(one_of_each());
    for (std::size_t length = 0; length < whole.size(); ++length) {
        if (length > 400 && length < whole.size() - 10) {
            continue;   // inside the long string
        }
        const Result<Value> value = read_one(ByteSpan{whole}.first(length));
        ASSERT_FALSE(value) << length;
        EXPECT_EQ(value.error().code, Errc::malformed);
    }
}

struct BadValue {
    const char* what;
    const char* hex;
    Errc code;
};

TEST(Amf0, case_6_bad_values_are_refused) {
    const BadValue table[] = {
        {"strict array of 2^32-1", "0A FFFFFFFF 05 05 05", Errc::malformed},
        {"string longer than the message", "02 FFFF 6162", Errc::malformed},
        {"long string longer than the message", "0C FFFFFFFF 6162", Errc::malformed},
        {"object without an end", "03 0001 61 05", Errc::malformed},
        {"array with an end name but no end marker", "08 00000001 0001 61 05 0000", Errc::malformed},
        {"a loop by reference", "03 0001 61 07 0000 0000 09", Errc::malformed},
        {"an end that ends nothing", "09", Errc::malformed},
        {"AMF3", "11 01", Errc::unsupported},
        {"recordset", "0E", Errc::unsupported},
        {"unknown marker", "FF", Errc::unsupported},
        {"nothing", "", Errc::malformed},
    };
    for (const BadValue& bad : table) {
        const Result<Value> value = read_one(from_hex(bad.hex));
        ASSERT_FALSE(value) << bad.what;
        EXPECT_EQ(value.error().code, bad.code) << bad.what;
    }
}

TEST(Amf0, case_6_nesting_70000_deep_is_refused_without_the_stack) {
    for (const char* level : {"03 0001 61", "0A 00000001", "08 00000000 0001 61"}) {
        const std::vector<std::byte> one = from_hex(level);
        std::vector<std::byte> deep;
        for (int i = 0; i < 70'000; ++i) {
            deep.insert(deep.end(), one.begin(), one.end());
        }
        const Result<Value> value = read_one(deep);
        ASSERT_FALSE(value);
        EXPECT_EQ(value.error().code, Errc::exhausted);
    }
}

TEST(Amf0, nesting_up_to_the_limit_is_read) {
    Value value = 1;
    for (unsigned i = 0; i < depth_max; ++i) {
        value = StrictArray{{value}};
    }
    EXPECT_TRUE(read_one(written(value)));
    value = StrictArray{{value}};
    EXPECT_FALSE(read_one(written(value)));
}

TEST(Amf0, values_and_bytes_are_counted_over_all_levels) {
    StrictArray nulls;
    nulls.values.assign(values_max - 1, Null{});
    EXPECT_TRUE(read_one(written(nulls)));
    nulls.values.assign(values_max, Null{});
    EXPECT_EQ(read_one(written(nulls)).error().code, Errc::exhausted);

    const std::string half(bytes_max / 2 + 1, 'x');
    EXPECT_TRUE(read_one(written(StrictArray{{half}})));
    EXPECT_EQ(read_one(written(StrictArray{{half, half}})).error().code, Errc::exhausted);
}

TEST(Amf0, a_row_of_values_is_read_whole_and_bounded) {
    std::vector<std::byte> bytes;
    ByteWriter writer{bytes};
    write(writer, "connect");
    write(writer, 1);
    write(writer, Null{});
    const Result<std::vector<Value>> row = read_all(bytes);
    ASSERT_TRUE(row);
    ASSERT_EQ(row->size(), 3U);
    EXPECT_EQ(*row->front().text(), "connect");
    EXPECT_EQ(read_all(bytes, 2).error().code, Errc::exhausted);
    EXPECT_TRUE(read_all({})->empty());
}

}   // namespace
}   // namespace millrace::amf0
