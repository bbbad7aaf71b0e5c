#include "session/picture_query.hpp"

#include <charconv>
#include <optional>

namespace millrace::session {

namespace {

constexpr unsigned fps_max = 60;
constexpr unsigned quality_max = 100;

/// A decimal number from `least` to `most`, without sign or leading zeros.
std::optional<unsigned> number(std::string_view text, unsigned least, unsigned most) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc{} && end == text.data() + text.size() && !text.starts_with('0');
    return whole && value >= least && value <= most ? std::optional{value} : std::nullopt;
}

std::optional<unsigned> side(std::string_view text) {
    const std::optional<unsigned> value = number(text, picture_side_min, picture_side_max);
    return value && *value % 2 == 0 ? value : std::nullopt;
}

}   // namespace

Result<hub::PictureWish> picture_wish_of(const web::Request& request) {
    hub::PictureWish wish;
    if (const auto size = request.query_value("size")) {
        const std::size_t cross = size->find('x');
        const std::string_view text{*size};
        const auto width = side(text.substr(0, cross));
        const auto height = cross == std::string::npos ? std::nullopt : side(text.substr(cross + 1));
        if (!width || !height) {
            return fail(Errc::malformed, "size is WIDTHxHEIGHT, even numbers from 16 to 1920");
        }
        wish.width = static_cast<std::uint16_t>(*width);
        wish.height = static_cast<std::uint16_t>(*height);
    }
    if (const auto fps = request.query_value("fps")) {
        const auto value = number(*fps, 1, fps_max);
        if (!value) {
            return fail(Errc::malformed, "fps is a whole number from 1 to 60");
        }
        wish.fps = static_cast<std::uint8_t>(*value);
    }
    if (const auto quality = request.query_value("quality")) {
        const auto value = number(*quality, 1, quality_max);
        if (!value) {
            return fail(Errc::malformed, "quality is a whole number from 1 to 100");
        }
        wish.quality = static_cast<std::uint8_t>(*value);
    }
    return wish;
}

}   // namespace millrace::session
