#include "container/amf0.hpp"

#include <algorithm>
#include <bit>

namespace millrace::amf0 {
namespace {

// An AMF0 value is a marker byte and what it announces (AMF 0 specification, section 2), big-endian:
//
//   00 number        f64                      08 ECMA array    u32 count, then as an object; the count is
//   01 boolean       u8                                        a hint that many writers leave at 0
//   02 string        u16 length, bytes        09 object end    only after an empty name
//   03 object        {name, value}*, 00 00 09 0A strict array  u32 count, values
//   05 null                                   0B date          f64 ms since 1970, s16 time zone
//   06 undefined                              0C long string   u32 length, bytes
//   07 reference     u16 index                10 typed object  u16 length, class name, then as an object
//
// A name is a string without its marker.
enum class Marker : std::uint8_t {
    number = 0x00,
    boolean = 0x01,
    string = 0x02,
    object = 0x03,
    null = 0x05,
    undefined = 0x06,
    reference = 0x07,
    ecma_array = 0x08,
    object_end = 0x09,
    strict_array = 0x0A,
    date = 0x0B,
    long_string = 0x0C,
    typed_object = 0x10,
};

constexpr std::size_t short_text_max = 0xFFFF;

std::unexpected<Error> cut_short() {
    return fail(Errc::malformed, "an AMF0 value is cut short");
}

/// One read(): the bytes and what may still be taken from the limits.
class Parse {
public:
    explicit Parse(ByteReader& reader) : reader_{reader} {}

    Result<Value> value(unsigned depth) {
        if (depth > depth_max) {
            return fail(Errc::exhausted, "AMF0 values are nested too deep");
        }
        if (values_left_ == 0) {
            return fail(Errc::exhausted, "an AMF0 value holds too many values");
        }
        --values_left_;
        const Marker marker{reader_.u8()};
        if (!reader_.ok()) {
            return cut_short();
        }
        switch (marker) {
            case Marker::object: return held_by<Object>(members(depth));
            case Marker::typed_object: {
                Result<std::string> class_name = text(reader_.u16());
                return class_name ? held_by<Object>(members(depth)) : fail_with<Value>(class_name.error());
            }
            case Marker::ecma_array: reader_.u32(); return held_by<EcmaArray>(members(depth));
            case Marker::strict_array: return strict_array(depth);
            default: return scalar(marker);
        }
    }

private:
    template <class T>
    static Result<T> fail_with(Error error) {
        return std::unexpected(error);
    }
    template <class Holder>
    static Result<Value> held_by(Result<Members> members) {
        if (!members) {
            return std::unexpected(members.error());
        }
        return Value{Holder{std::move(*members)}};
    }

    Result<Value> scalar(Marker marker) {
        switch (marker) {
            case Marker::number: return whole(Value{std::bit_cast<double>(reader_.u64())});
            case Marker::boolean: return whole(Value{reader_.u8() != 0});
            case Marker::string: return held_text(text(reader_.u16()));
            case Marker::long_string: return held_text(text(reader_.u32()));
            case Marker::null: return Value{Null{}};
            case Marker::undefined: return Value{};
            case Marker::date: {
                const double utc_ms = std::bit_cast<double>(reader_.u64());
                return whole(Value{Date{utc_ms, static_cast<std::int16_t>(reader_.u16())}});
            }
            case Marker::reference: return fail(Errc::malformed, "an AMF0 reference");
            case Marker::object_end: return fail(Errc::malformed, "an AMF0 object ends where none began");
            default: return fail(Errc::unsupported, "an AMF0 type that is not read");
        }
    }

    Result<Value> whole(Value value) {
        if (!reader_.ok()) {
            return cut_short();
        }
        return value;
    }
    static Result<Value> held_text(Result<std::string> text) {
        if (!text) {
            return std::unexpected(text.error());
        }
        return Value{std::move(*text)};
    }

    Result<std::string> text(std::size_t length) {
        if (!reader_.ok() || length > reader_.remaining()) {
            return cut_short();
        }
        if (length > bytes_left_) {
            return fail(Errc::exhausted, "an AMF0 value is too long");
        }
        bytes_left_ -= length;
        return std::string{as_text(reader_.take(length))};
    }

    Result<Members> members(unsigned depth) {
        Members members;
        while (true) {
            Result<std::string> name = text(reader_.u16());
            if (!name) {
                return std::unexpected(name.error());
            }
            if (name->empty() && ends_object()) {
                return members;
            }
            Result<Value> held = value(depth + 1);
            if (!held) {
                return std::unexpected(held.error());
            }
            members.emplace_back(std::move(*name), std::move(*held));
        }
    }
    bool ends_object() {
        if (reader_.at_end() ||
            Marker{std::to_integer<std::uint8_t>(reader_.rest().front())} != Marker::object_end) {
            return false;
        }
        reader_.skip(1);
        return true;
    }

    Result<Value> strict_array(unsigned depth) {
        const std::uint32_t count = reader_.u32();
        // Each value takes a byte at least, so a larger count cannot be true.
        if (!reader_.ok() || count > reader_.remaining()) {
            return cut_short();
        }
        StrictArray array;
        array.values.reserve(std::min<std::size_t>(count, values_left_));
        for (std::uint32_t i = 0; i < count; ++i) {
            Result<Value> held = value(depth + 1);
            if (!held) {
                return std::unexpected(held.error());
            }
            array.values.push_back(std::move(*held));
        }
        return Value{std::move(array)};
    }

    ByteReader& reader_;
    std::size_t values_left_ = values_max;
    std::size_t bytes_left_ = bytes_max;
};

void write_marker(ByteWriter& writer, Marker marker) {
    writer.u8(static_cast<std::uint8_t>(marker));
}

void write_name(ByteWriter& writer, std::string_view name) {
    name = name.substr(0, short_text_max);
    writer.u16(static_cast<std::uint16_t>(name.size()));
    writer.text(name);
}

/// Writes the content of a value, by its type.
struct Writing {
    ByteWriter& writer;

    void operator()(Undefined) { write_marker(writer, Marker::undefined); }
    void operator()(Null) { write_marker(writer, Marker::null); }
    void operator()(bool flag) {
        write_marker(writer, Marker::boolean);
        writer.u8(flag ? 1 : 0);
    }
    void operator()(double number) {
        write_marker(writer, Marker::number);
        writer.f64(number);
    }
    void operator()(const std::string& text) {
        if (text.size() <= short_text_max) {
            write_marker(writer, Marker::string);
            write_name(writer, text);
        } else {
            write_marker(writer, Marker::long_string);
            writer.u32(static_cast<std::uint32_t>(text.size()));
            writer.text(text);
        }
    }
    void operator()(const Object& object) {
        write_marker(writer, Marker::object);
        members(object.members);
    }
    void operator()(const EcmaArray& array) {
        write_marker(writer, Marker::ecma_array);
        writer.u32(static_cast<std::uint32_t>(array.members.size()));
        members(array.members);
    }
    void operator()(const StrictArray& array) {
        write_marker(writer, Marker::strict_array);
        writer.u32(static_cast<std::uint32_t>(array.values.size()));
        for (const Value& value : array.values) {
            write(writer, value);
        }
    }
    void operator()(const Date& date) {
        write_marker(writer, Marker::date);
        writer.f64(date.utc_ms);
        writer.u16(static_cast<std::uint16_t>(date.zone));
    }

    void members(const Members& members) {
        for (const auto& [name, value] : members) {
            write_name(writer, name);
            write(writer, value);
        }
        write_name(writer, {});
        write_marker(writer, Marker::object_end);
    }
};

}   // namespace

bool Object::operator==(const Object& other) const {
    return members == other.members;
}
bool EcmaArray::operator==(const EcmaArray& other) const {
    return members == other.members;
}
bool StrictArray::operator==(const StrictArray& other) const {
    return values == other.values;
}

const Members* Value::members() const {
    if (const auto* object = std::get_if<Object>(&content_)) {
        return &object->members;
    }
    const auto* array = std::get_if<EcmaArray>(&content_);
    return array == nullptr ? nullptr : &array->members;
}

const std::vector<Value>* Value::values() const {
    const auto* array = std::get_if<StrictArray>(&content_);
    return array == nullptr ? nullptr : &array->values;
}

const Value* Value::find(std::string_view name) const {
    const Members* all = members();
    if (all == nullptr) {
        return nullptr;
    }
    const auto found = std::ranges::find(*all, name, &Members::value_type::first);
    return found == all->end() ? nullptr : &found->second;
}

const double* Value::find_number(std::string_view name) const {
    const Value* found = find(name);
    return found == nullptr ? nullptr : found->number();
}

const std::string* Value::find_text(std::string_view name) const {
    const Value* found = find(name);
    return found == nullptr ? nullptr : found->text();
}

Result<Value> read(ByteReader& reader) {
    return Parse{reader}.value(0);
}

Result<std::vector<Value>> read_all(ByteSpan bytes, std::size_t count_max) {
    ByteReader reader{bytes};
    std::vector<Value> values;
    while (!reader.at_end()) {
        if (values.size() == count_max) {
            return fail(Errc::exhausted, "too many AMF0 values in a row");
        }
        Result<Value> value = read(reader);
        if (!value) {
            return std::unexpected(value.error());
        }
        values.push_back(std::move(*value));
    }
    return values;
}

void write(ByteWriter& writer, const Value& value) {
    std::visit(Writing{writer}, value.content());
}

}   // namespace millrace::amf0
