#pragma once

#include "capture/frame_rate.hpp"
#include "capture/picture_size.hpp"
#include "capture/source.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::capture {

/// Text from outside as it may stand in a log line.
std::string shown(std::string_view text);
/// A lasting Fault.
std::unexpected<Fault> refuse(std::string words);

/// A number before one of the units; the number times what the unit means.
struct Unit {
    std::string_view name;
    double factor;
};
std::optional<double> with_unit(std::string_view text, std::span<const Unit> units);
/// Digits alone.
std::optional<std::uint32_t> whole_number(std::string_view text);
/// "640x360", both even and within the limits.
std::optional<PictureSize> size_of(std::string_view text, PictureSize least, std::uint32_t most);
/// At least one frame a second, and at most so many.
std::optional<FrameRate> frame_rate_of(std::string_view text, std::int64_t most);

/// One key of a query: what it wants, in words, and what takes its value, or does not.
struct OptionKey {
    std::string name;
    std::string wanted;
    std::function<bool(std::string_view)> set;
};
/// Reads "size=640x360&fps=30". Strict: an unknown key or a wrong value is a lasting Fault that names it, as
/// an option of `kind`.
Outcome<void> read_options(std::string_view kind, std::string_view query, std::span<const OptionKey> keys);

}   // namespace millrace::capture
