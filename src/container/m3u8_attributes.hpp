#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace millrace::hls {

/// RFC 8216 §4.2 decimal-integer: 1 to 20 digits.
Result<std::uint64_t> read_integer(std::string_view text);

/// Seconds as an integer or a decimal fraction, without sign or exponent; digits beyond the ninth decimal
/// are dropped. At most PlaylistLimits::seconds_max.
Result<Duration> read_seconds(std::string_view text);

/// RFC 8216 §4.3.2.6: an ISO 8601 date and time with its zone ("Z", "+02:00", "+0200").
Result<WallTime> read_date_time(std::string_view text);

/// The attributes of one tag (RFC 8216 §4.2): `NAME=value` joined by commas, values quoted or not. Slices of
/// the text it was read from.
class AttributeList {
public:
    static Result<AttributeList> read(std::string_view text);

    /// A quoted value without its quotes; empty if there is none.
    std::string_view quoted(std::string_view name) const { return find(name, true); }
    /// A value without quotes: a number, a word, a resolution; empty if there is none.
    std::string_view plain(std::string_view name) const { return find(name, false); }
    bool yes(std::string_view name) const { return plain(name) == "YES"; }

private:
    struct Attribute {
        std::string_view name;
        std::string_view value;
        bool in_quotes = false;
    };
    Result<> add(Attribute attribute);
    std::string_view find(std::string_view name, bool in_quotes) const;

    std::vector<Attribute> attributes_;
};

}   // namespace millrace::hls
