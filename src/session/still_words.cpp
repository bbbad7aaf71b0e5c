#include "session/still_words.hpp"

#include <fmt/format.h>

#include <charconv>

namespace millrace::session {

Result<std::uint32_t> still_width(const web::Request& request) {
    const std::optional<std::string> text = request.query_value("width");
    if (!text) {
        return 0;
    }
    std::uint32_t width = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), width);
    if (error != std::errc{} || end != text->data() + text->size() || width < still_width_min ||
        width > still_width_max) {
        return fail(Errc::malformed, "width: wanted is a number from 160 to 1920");
    }
    return (width + still_width_step - 1) / still_width_step * still_width_step;
}

std::string still_timestamp(WallTime utc) {
    constexpr std::int64_t second = 1'000'000;
    return fmt::format("{}.{:06}", utc.microseconds / second, utc.microseconds % second);
}

}   // namespace millrace::session
