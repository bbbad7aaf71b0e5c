#pragma once

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "base/result.hpp"

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace millrace::amf0 {

/// Objects and arrays inside each other, no deeper; reading uses the stack only this far.
constexpr unsigned depth_max = 32;
/// Values in all, counted over every level of one read().
constexpr std::size_t values_max = 4096;
/// Bytes one value may take with all it holds.
constexpr std::size_t bytes_max = 1U << 20U;

class Value;

/// Names and values in the order they came; a name may come twice (the first one counts).
using Members = std::vector<std::pair<std::string, Value>>;

/// "None", as a value.
struct Null {
    bool operator==(const Null&) const = default;
};
/// "Not given", as a value.
struct Undefined {
    bool operator==(const Undefined&) const = default;
};
/// Named values; a typed object is read as one, without its class name.
struct Object {
    Members members;
    bool operator==(const Object& other) const;
};
/// Named values again, under the marker that onMetaData has.
struct EcmaArray {
    Members members;
    bool operator==(const EcmaArray& other) const;
};
/// Values by position.
struct StrictArray {
    std::vector<Value> values;
    bool operator==(const StrictArray& other) const;
};
/// A moment, with a time zone in minutes that the specification says to ignore.
struct Date {
    double utc_ms = 0;   ///< since 1970; may be anything, NaN too
    std::int16_t zone = 0;
    bool operator==(const Date&) const = default;
};

template <class T, class... Kinds>
concept one_of = (std::same_as<T, Kinds> || ...);

/// One AMF0 value; strings are bytes as they came (UTF-8 by specification, not checked). A text of more than
/// 65,535 bytes is written as a long string; both kinds are read into a string.
class Value {
public:
    using Content =
        std::variant<Undefined, Null, bool, double, std::string, Object, EcmaArray, StrictArray, Date>;

    Value() = default;   ///< undefined
    template <class Held>
        requires one_of<Held, Undefined, Null, bool, std::string, Object, EcmaArray, StrictArray, Date>
    Value(Held held) : content_{std::move(held)} {}
    template <class Number>
        requires(std::integral<Number> || std::floating_point<Number>) && (!std::same_as<Number, bool>)
    Value(Number number) : content_{static_cast<double>(number)} {}
    template <class Text>
        requires one_of<Text, std::string_view, const char*>
    Value(Text text) : content_{std::string{text}} {}

    const Content& content() const { return content_; }
    bool is_null() const { return std::holds_alternative<Null>(content_); }
    const bool* boolean() const { return std::get_if<bool>(&content_); }
    const double* number() const { return std::get_if<double>(&content_); }
    const std::string* text() const { return std::get_if<std::string>(&content_); }
    /// Of an object or an ECMA array; null for anything else.
    const Members* members() const;
    const std::vector<Value>* values() const;

    /// The member of that name of an object or ECMA array; null if it is neither or has none.
    const Value* find(std::string_view name) const;
    /// Short for: the member of that name if it is of that type.
    const double* find_number(std::string_view name) const;
    const std::string* find_text(std::string_view name) const;

    bool operator==(const Value& other) const = default;

private:
    Content content_;
};

/// `object({{"code", "NetStream.Play.Start"}, {"level", "status"}})`
inline Value object(Members members) {
    return Object{std::move(members)};
}
inline Value ecma_array(Members members) {
    return EcmaArray{std::move(members)};
}

/// The next value. Malformed when bytes are missing or out of place (also a reference: nothing we read needs
/// one), unsupported for AMF3 and the types nobody sends, exhausted past a limit above. After an error the
/// reader stands anywhere.
Result<Value> read(ByteReader& reader);

/// Every value up to the end; exhausted after `count_max` of them. A command's name, transaction and
/// arguments in one go.
Result<std::vector<Value>> read_all(ByteSpan bytes, std::size_t count_max = 64);

/// Names longer than 65,535 bytes are cut.
void write(ByteWriter& writer, const Value& value);

}   // namespace millrace::amf0
