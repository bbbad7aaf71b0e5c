#include "protocol/rtp/format.hpp"

#include "base/web.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace millrace::rtp {

namespace {

struct Named {
    Encoding encoding;
    std::string_view name;
};
constexpr std::array names = {
    Named{Encoding::h264, "H264"},         Named{Encoding::h265, "H265"},
    Named{Encoding::av1, "AV1"},           Named{Encoding::jpeg, "JPEG"},
    Named{Encoding::aac, "MPEG4-GENERIC"}, Named{Encoding::latm, "MP4A-LATM"},
    Named{Encoding::opus, "opus"},         Named{Encoding::mpeg_audio, "MPA"},
    Named{Encoding::pcma, "PCMA"},         Named{Encoding::pcmu, "PCMU"},
    Named{Encoding::g722, "G722"},         Named{Encoding::l16, "L16"},
    Named{Encoding::mpeg_ts, "MP2T"},      Named{Encoding::klv, "smpte336m"},
    Named{Encoding::h265, "HEVC"},
};

std::string_view trimmed(std::string_view text) {
    const std::size_t from = text.find_first_not_of(" \t");
    if (from == std::string_view::npos) {
        return {};
    }
    return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

unsigned digit(char c) {
    return c >= '0' && c <= '9'   ? static_cast<unsigned>(c - '0')
           : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a') + 10
           : c >= 'A' && c <= 'F' ? static_cast<unsigned>(c - 'A') + 10
                                  : 16;
}

}   // namespace

std::optional<Encoding> encoding_named(std::string_view name) {
    const auto* const found =
        std::ranges::find_if(names, [name](const Named& one) { return web::same_name(one.name, name); });
    return found == names.end() ? std::nullopt : std::optional{found->encoding};
}

std::string_view name(Encoding encoding) {
    return std::ranges::find(names, encoding, &Named::encoding)->name;
}

std::optional<Format> static_format(std::uint8_t payload_type) {
    Format format{.payload_type = payload_type, .clock_rate = 8'000};
    switch (payload_type) {
        case 0: format.encoding = Encoding::pcmu; return format;
        case 8: format.encoding = Encoding::pcma; return format;
        case 9: format.encoding = Encoding::g722; return format;
        case 10:
        case 11:
            format.encoding = Encoding::l16;
            format.clock_rate = 44'100;
            format.channels = payload_type == 10 ? 2 : 1;
            return format;
        default: break;
    }
    format.clock_rate = 90'000;
    switch (payload_type) {
        case 14: format.encoding = Encoding::mpeg_audio; return format;
        case 26: format.encoding = Encoding::jpeg; return format;
        case 33: format.encoding = Encoding::mpeg_ts; return format;
        default: return std::nullopt;
    }
}

media::Kind kind_of(Encoding encoding) {
    switch (encoding) {
        case Encoding::h264:
        case Encoding::h265:
        case Encoding::av1:
        case Encoding::jpeg:
        case Encoding::mpeg_ts: return media::Kind::video;
        case Encoding::klv: return media::Kind::data;
        default: return media::Kind::audio;
    }
}

std::optional<std::string_view> parameter(std::string_view parameters, std::string_view name) {
    while (!parameters.empty()) {
        const std::size_t end = std::min(parameters.find(';'), parameters.size());
        const std::string_view one = trimmed(parameters.substr(0, end));
        parameters.remove_prefix(std::min(end + 1, parameters.size()));
        const std::size_t equals = std::min(one.find('='), one.size());
        if (web::same_name(trimmed(one.substr(0, equals)), name)) {
            return equals == one.size() ? std::string_view{} : trimmed(one.substr(equals + 1));
        }
    }
    return std::nullopt;
}

std::uint32_t number(std::string_view parameters, std::string_view name, std::uint32_t otherwise) {
    const std::string_view text = parameter(parameters, name).value_or(std::string_view{});
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? value : otherwise;
}

std::optional<std::vector<std::byte>> read_hex(std::string_view text) {
    std::vector<std::byte> bytes;
    for (std::size_t at = 0; at + 1 < text.size(); at += 2) {
        const unsigned high = digit(text[at]);
        const unsigned low = digit(text[at + 1]);
        if (high > 15 || low > 15) {
            return std::nullopt;
        }
        bytes.push_back(static_cast<std::byte>(high << 4U | low));
    }
    return text.size() % 2 == 0 ? std::optional{bytes} : std::nullopt;
}

}   // namespace millrace::rtp
