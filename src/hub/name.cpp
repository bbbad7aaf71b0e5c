#include "hub/name.hpp"

#include <algorithm>
#include <array>

namespace millrace::hub {

namespace {

using namespace std::string_view_literals;

constexpr std::array media_endings{".flv"sv, ".mp4"sv,  ".ts"sv,  ".h264"sv, ".mjpeg"sv,
                                   ".jpg"sv, ".m3u8"sv, ".mpd"sv, ".m4s"sv};
constexpr std::array reserved_after_first{"whip"sv,   "whep"sv,    "upload"sv,
                                          "events"sv, "archive"sv, "segments"sv};
constexpr std::array reserved_first{"api"sv,        "assets"sv,      "metrics"sv,   "healthz"sv,
                                    "readyz"sv,     "login"sv,       "play2"sv,     "stream.m3u8"sv,
                                    "video_feed"sv, "favicon.ico"sv, "robots.txt"sv};
constexpr std::array last_parts{"index.m3u8"sv,  "ts.m3u8"sv,    "manifest.mpd"sv, "archive.m3u8"sv,
                                "archive.mp4"sv, "archive.ts"sv, "archive.jpg"sv};

bool holds(const auto& words, std::string_view word) {
    return std::ranges::find(words, word) != words.end();
}

constexpr std::array<bool, 256> legal_characters = [] {
    std::array<bool, 256> legal{};
    for (const char c : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.~-"sv) {
        legal[static_cast<unsigned char>(c)] = true;
    }
    return legal;
}();

bool legal_character(char c) {
    return legal_characters[static_cast<unsigned char>(c)];
}

/// The media ending of a segment, empty if it has none.
std::string_view media_ending(std::string_view segment) {
    const auto found = std::ranges::find_if(
        media_endings, [&](std::string_view ending) { return segment.ends_with(ending); });
    return found == media_endings.end() ? std::string_view{} : *found;
}

Result<> check_segment(std::string_view segment, bool first) {
    if (segment.empty()) {
        return fail(Errc::malformed, "an empty segment: a stream name has no '//' and no '/' at its ends");
    }
    if (segment.size() > StreamName::segment_size_max) {
        return fail(Errc::malformed, "a segment of a stream name has at most 64 characters");
    }
    if (!std::ranges::all_of(segment, legal_character)) {
        return fail(Errc::malformed, "a stream name is made of the characters A-Z a-z 0-9 _ . ~ - and '/'");
    }
    if (segment == "." || segment == "..") {
        return fail(Errc::malformed, "no segment of a stream name is '.' or '..'");
    }
    if (!media_ending(segment).empty()) {
        return fail(Errc::malformed,
                    "no segment of a stream name ends in .flv .mp4 .ts .h264 .mjpeg .jpg .m3u8 .mpd .m4s");
    }
    if (first && holds(reserved_first, segment)) {
        return fail(Errc::malformed,
                    "a stream name does not begin with api assets metrics healthz readyz login stream.m3u8 "
                    "video_feed play2 favicon.ico robots.txt");
    }
    if (!first && holds(reserved_after_first, segment)) {
        return fail(Errc::malformed,
                    "no segment after the first is whip whep upload events archive segments");
    }
    return {};
}

Result<MediaPath> path_of(std::string_view name, std::string_view rest) {
    auto parsed = StreamName::parse(name);
    if (!parsed) {
        return std::unexpected(parsed.error());
    }
    return MediaPath{std::move(*parsed), rest};
}

}   // namespace

Result<StreamName> StreamName::parse(std::string_view text) {
    if (text.empty()) {
        return fail(Errc::malformed, "a stream name is not empty");
    }
    if (text.size() > size_max) {
        return fail(Errc::malformed, "a stream name has at most eight segments of 64 characters");
    }
    if (std::ranges::count(text, '/') >= static_cast<std::ptrdiff_t>(segments_max)) {
        return fail(Errc::malformed, "a stream name has at most eight segments");
    }
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find('/', begin), text.size());
        if (const auto checked = check_segment(text.substr(begin, end - begin), begin == 0); !checked) {
            return std::unexpected(checked.error());
        }
        begin = end + 1;
    }
    return StreamName{text};
}

Result<MediaPath> split_media_path(std::string_view path) {
    if (!path.starts_with('/')) {
        return fail(Errc::malformed, "a path begins with '/'");
    }
    const std::string_view whole = path.substr(1);
    for (std::size_t slash = whole.find('/'); slash != std::string_view::npos;) {
        const std::size_t end = std::min(whole.find('/', slash + 1), whole.size());
        if (holds(reserved_after_first, whole.substr(slash + 1, end - slash - 1))) {
            return path_of(whole.substr(0, slash), whole.substr(slash));
        }
        slash = end == whole.size() ? std::string_view::npos : end;
    }
    const std::size_t last_slash = whole.rfind('/');
    const std::string_view last = whole.substr(last_slash == std::string_view::npos ? 0 : last_slash + 1);
    if (last_slash != std::string_view::npos && holds(last_parts, last)) {
        return path_of(whole.substr(0, last_slash), whole.substr(last_slash));
    }
    const std::size_t name_size = whole.size() - media_ending(last).size();
    return path_of(whole.substr(0, name_size), whole.substr(name_size));
}

}   // namespace millrace::hub
