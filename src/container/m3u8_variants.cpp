#include "container/m3u8_variants.hpp"

#include "container/m3u8_attributes.hpp"
#include "container/m3u8_writer.hpp"

namespace millrace::hls {

namespace {

std::optional<Rendition::Type> type_of(std::string_view word) {
    if (word == "AUDIO") {
        return Rendition::Type::audio;
    }
    if (word == "VIDEO") {
        return Rendition::Type::video;
    }
    if (word == "SUBTITLES") {
        return Rendition::Type::subtitles;
    }
    return word == "CLOSED-CAPTIONS" ? std::optional{Rendition::Type::closed_captions} : std::nullopt;
}

/// "1280x720".
Result<> read_resolution(std::string_view text, Variant& variant) {
    constexpr std::uint64_t side_max = 65'536;
    const std::size_t x = std::min(text.find('x'), text.size());
    const Result<std::uint64_t> width = read_integer(text.substr(0, x));
    const Result<std::uint64_t> height = read_integer(text.substr(std::min(x + 1, text.size())));
    if (!width || !height || *width > side_max || *height > side_max) {
        return fail(Errc::malformed, "RESOLUTION is not of the form WIDTHxHEIGHT");
    }
    variant.width = static_cast<std::uint32_t>(*width);
    variant.height = static_cast<std::uint32_t>(*height);
    return {};
}

}   // namespace

Result<std::string> read_uri(std::string_view text) {
    if (text.empty()) {
        return fail(Errc::malformed, "an address is empty");
    }
    if (text.size() > PlaylistLimits::uri_size_max) {
        return fail(Errc::exhausted, "an address is longer than 4096 bytes");
    }
    std::string uri = percent_encoded(text);
    if (uri.size() > PlaylistLimits::uri_size_max) {
        return fail(Errc::exhausted, "an address is longer than 4096 bytes");
    }
    return uri;
}

Result<Rendition> read_rendition(std::string_view value) {
    const Result<AttributeList> attributes = AttributeList::read(value);
    if (!attributes) {
        return std::unexpected(attributes.error());
    }
    const auto type = type_of(attributes->plain("TYPE"));
    Rendition read{.type = type.value_or(Rendition::Type::audio),
                   .group = std::string{attributes->quoted("GROUP-ID")},
                   .name = std::string{attributes->quoted("NAME")},
                   .language = std::string{attributes->quoted("LANGUAGE")},
                   .uri = {},
                   .is_default = attributes->yes("DEFAULT"),
                   .autoselect = attributes->yes("AUTOSELECT") || attributes->yes("DEFAULT"),
                   .channels = std::string{attributes->quoted("CHANNELS")}};
    if (!type || read.group.empty() || read.name.empty()) {
        return fail(Errc::malformed, "EXT-X-MEDIA has no known TYPE, no GROUP-ID or no NAME");
    }
    if (const std::string_view uri = attributes->quoted("URI"); !uri.empty()) {
        Result<std::string> checked = read_uri(uri);
        if (!checked) {
            return std::unexpected(checked.error());
        }
        read.uri = std::move(*checked);
    }
    return read;
}

Result<Variant> read_variant(std::string_view value) {
    const Result<AttributeList> attributes = AttributeList::read(value);
    if (!attributes) {
        return std::unexpected(attributes.error());
    }
    const Result<std::uint64_t> bandwidth = read_integer(attributes->plain("BANDWIDTH"));
    if (!bandwidth) {
        return fail(Errc::malformed, "EXT-X-STREAM-INF has no BANDWIDTH");   // §4.3.4.2: required
    }
    Variant read{.uri = {},
                 .bandwidth = *bandwidth,
                 .average_bandwidth = read_integer(attributes->plain("AVERAGE-BANDWIDTH")).value_or(0),
                 .codecs = std::string{attributes->quoted("CODECS")},
                 .audio = std::string{attributes->quoted("AUDIO")}};
    // A rate has the form of a duration: decimals, not negative.
    if (const Result<Duration> rate = read_seconds(attributes->plain("FRAME-RATE"))) {
        read.frame_rate = static_cast<double>(rate->count()) / 1e9;
    }
    if (const std::string_view size = attributes->plain("RESOLUTION"); !size.empty()) {
        if (const Result<> resolution = read_resolution(size, read); !resolution) {
            return std::unexpected(resolution.error());
        }
    }
    return read;
}

}   // namespace millrace::hls
