#include "media/jpeg.hpp"

#include "base/byte_reader.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace millrace::media::jpeg {

// A picture, ITU-T T.81 Annex B; numbers are big-endian, every marker is FF and a code:
//
//   SOI (FFD8)
//   segments in any order: marker, length(2) of itself and what follows
//     DQT (DB)  of {precision(4 bits) table(4 bits), 64 values of 1 or 2 bytes, none of them 0}
//     DHT (C4)  of {class(4 bits) table(4 bits), 16 counts, as many values as they say}
//     DRI (DD)  interval(2)
//     SOF       precision(1) height(2) width(2) count(1) of {id(1), sampling 4 + 4 bits, quantisation
//     table(1)}
//               C0 baseline, C1 extended, C2 progressive
//     APPn (E0 to EF), COM (FE)
//   SOS (DA)    count(1) of {id(1), tables 4 + 4 bits}, spectral selection(2), approximation(1)
//   coded data, in which FF is followed by 00 or a restart marker; further tables and scans
//   EOI (FFD9)

namespace {

enum Code : std::uint8_t {
    sof_baseline = 0xC0,
    sof_progressive = 0xC2,
    dht = 0xC4,
    jpg = 0xC8,
    dac = 0xCC,
    sof_last = 0xCF,
    rst_first = 0xD0,
    soi = 0xD8,
    eoi = 0xD9,
    sos = 0xDA,
    dqt = 0xDB,
    dri = 0xDD,
    app_first = 0xE0,
    app_last = 0xEF,
    comment = 0xFE,
};

constexpr std::uint8_t marker_prefix = 0xFF;
constexpr std::size_t table_values = 64;
constexpr std::size_t code_lengths = 16;
constexpr std::size_t codes_max = 256;

Result<> check_quantisation(ByteReader segment, unsigned& tables) {
    while (segment.ok() && !segment.at_end()) {
        const std::uint8_t head = segment.u8();
        if (head >> 4U > 1 || (head & 15U) > 3) {
            return fail(Errc::malformed, "JPEG: no such quantisation table");
        }
        for (std::size_t i = 0; i < table_values; ++i) {
            const unsigned value = head >> 4U == 0 ? segment.u8() : segment.u16();
            if (value == 0) {
                return fail(Errc::malformed, "JPEG: a quantisation table that is cut or has a zero");
            }
        }
        tables |= 1U << (head & 15U);
    }
    return {};
}

Result<> check_huffman(ByteReader segment) {
    while (segment.ok() && !segment.at_end()) {
        const std::uint8_t head = segment.u8();
        std::size_t codes = 0;
        for (std::size_t i = 0; i < code_lengths; ++i) {
            codes += segment.u8();
        }
        segment.skip(codes);
        if (!segment.ok() || head >> 4U > 1 || (head & 15U) > 3 || codes == 0 || codes > codes_max) {
            return fail(Errc::malformed, "JPEG: a broken Huffman table");
        }
    }
    return {};
}

struct Component {
    std::uint8_t id = 0;
    std::uint8_t table = 0;
};

/// The frame header and what its scan may refer to.
struct Frame {
    Facts facts;
    std::array<Component, components_max> components;

    std::span<const Component> used() const { return std::span{components}.first(facts.components); }
};

Result<Frame> read_frame(std::uint8_t code, ByteReader segment) {
    if (code > sof_progressive) {
        return fail(Errc::unsupported, "JPEG: a lossless, hierarchical or arithmetic picture");
    }
    Frame frame;
    const std::uint8_t precision = segment.u8();
    frame.facts.progressive = code == sof_progressive;
    frame.facts.height = segment.u16();
    frame.facts.width = segment.u16();
    frame.facts.components = segment.u8();
    if (!segment.ok() || frame.facts.components == 0 || frame.facts.components > components_max ||
        segment.remaining() != std::size_t{3} * frame.facts.components) {
        return fail(Errc::malformed, "JPEG: a frame header of the wrong length");
    }
    if (precision != 8 || frame.facts.height == 0) {
        return fail(Errc::unsupported, "JPEG: not 8 bits a sample, or a height that is not said");
    }
    if (frame.facts.width == 0 || frame.facts.width > side_max || frame.facts.height > side_max) {
        return fail(Errc::malformed, "JPEG: a picture without width or too large");
    }
    for (std::size_t i = 0; i < frame.facts.components; ++i) {
        Component& component = frame.components[i];
        component.id = segment.u8();
        const std::uint8_t sampling = segment.u8();
        component.table = segment.u8();
        const unsigned across = sampling >> 4U;
        const unsigned down = sampling & 15U;
        const auto before = std::span{frame.components}.first(i);
        if (across < 1 || across > 4 || down < 1 || down > 4 || component.table > 3 ||
            std::ranges::find(before, component.id, &Component::id) != before.end()) {
            return fail(Errc::malformed, "JPEG: a component that cannot be");
        }
    }
    return frame;
}

Result<> check_scan(ByteReader segment, const Frame& frame, unsigned tables) {
    const std::uint8_t count = segment.u8();
    if (!segment.ok() || count == 0 || count > frame.facts.components ||
        segment.remaining() != std::size_t{2} * count + 3) {
        return fail(Errc::malformed, "JPEG: a scan header of the wrong length");
    }
    for (std::uint8_t i = 0; i < count; ++i) {
        const std::uint8_t id = segment.u8();
        const std::uint8_t coding = segment.u8();
        const auto component = std::ranges::find(frame.used(), id, &Component::id);
        if (component == frame.used().end() || coding >> 4U > 3 || (coding & 15U) > 3) {
            return fail(Errc::malformed, "JPEG: a scan of no known component");
        }
        if ((tables >> component->table & 1U) == 0) {
            return fail(Errc::malformed, "JPEG: a component without its quantisation table");
        }
    }
    return {};
}

/// Where the last EOI in `data` ends; nothing where there is none.
std::optional<std::size_t> end_of_picture(ByteSpan data) {
    for (std::size_t end = data.size(); end >= 2; --end) {
        if (data[end - 1] == std::byte{eoi} && data[end - 2] == std::byte{marker_prefix}) {
            return end;
        }
    }
    return std::nullopt;
}

/// Goes through the segments of one picture.
class Reader {
public:
    explicit Reader(ByteSpan bytes) : size_{bytes.size()}, reader_{bytes} {}

    Result<Facts> read();

private:
    /// The code of the next marker; fill bytes may stand before it (T.81 B.1.1.2).
    Result<std::uint8_t> next_marker();
    Result<> take(std::uint8_t code, ByteReader segment);
    Result<Facts> finish();

    std::size_t size_;
    ByteReader reader_;
    std::optional<Frame> frame_;
    unsigned quantisation_tables_ = 0;
    bool huffman_tables_ = false;
};

Result<std::uint8_t> Reader::next_marker() {
    if (reader_.u8() != marker_prefix) {
        return fail(Errc::malformed, "JPEG: no marker where one should be");
    }
    std::uint8_t code = reader_.u8();
    while (code == marker_prefix && reader_.ok()) {
        code = reader_.u8();
    }
    if (!reader_.ok()) {
        return fail(Errc::malformed, "JPEG: cut before its scan");
    }
    return code;
}

Result<> Reader::take(std::uint8_t code, ByteReader segment) {
    if (code == dqt) {
        return check_quantisation(segment, quantisation_tables_);
    }
    if (code == dht) {
        huffman_tables_ = true;
        return check_huffman(segment);
    }
    if (code == dri) {
        return segment.remaining() == 2
                   ? Result<>{}
                   : fail(Errc::malformed, "JPEG: a restart interval of the wrong length");
    }
    if ((code >= app_first && code <= app_last) || code == comment) {
        return {};
    }
    if (code < sof_baseline || code > sof_last || code == jpg || code == dac) {
        return fail(Errc::malformed, "JPEG: a marker that has no place here");
    }
    if (frame_) {
        return fail(Errc::malformed, "JPEG: two frame headers");
    }
    const Result<Frame> frame = read_frame(code, segment);
    if (!frame) {
        return std::unexpected(frame.error());
    }
    frame_ = *frame;
    return {};
}

Result<Facts> Reader::finish() {
    const std::optional<std::size_t> end = end_of_picture(reader_.rest());
    if (!end) {
        return fail(Errc::malformed, "JPEG: it does not end");
    }
    Facts facts = frame_->facts;
    facts.huffman_tables = huffman_tables_;
    facts.size = size_ - reader_.remaining() + *end;
    return facts;
}

Result<Facts> Reader::read() {
    if (reader_.u16() != (marker_prefix << 8U | soi)) {
        return fail(Errc::malformed, "JPEG: it does not begin as one");
    }
    for (std::size_t segments = 0; segments < segments_max; ++segments) {
        const Result<std::uint8_t> code = next_marker();
        if (!code) {
            return std::unexpected(code.error());
        }
        const std::uint16_t length = reader_.u16();
        const ByteReader segment{reader_.take(length < 2 ? 0U : length - 2U)};
        if (!reader_.ok() || length < 2) {
            return fail(Errc::malformed, "JPEG: a segment that is cut");
        }
        if (*code == sos && !frame_) {
            return fail(Errc::malformed, "JPEG: a scan before its frame header");
        }
        const Result<> taken =
            *code == sos ? check_scan(segment, *frame_, quantisation_tables_) : take(*code, segment);
        if (!taken) {
            return std::unexpected(taken.error());
        }
        if (*code == sos) {
            return finish();
        }
    }
    return fail(Errc::exhausted, "JPEG: too many segments");
}

}   // namespace

Result<Facts> read(ByteSpan bytes) {
    if (bytes.size() > bytes_max) {
        return fail(Errc::exhausted, "JPEG: too large");
    }
    return Reader{bytes}.read();
}

Result<TrackConfig> config_of(std::uint32_t width, std::uint32_t height) {
    if (width == 0 || height == 0 || width > side_max || height > side_max) {
        return fail(Errc::malformed, "a picture without size or too large");
    }
    TrackConfig config;
    config.codec = Codec::mjpeg;
    config.width = width;
    config.height = height;
    config.codec_string = "mjpeg";
    return config;
}

ConfigRef config_from(const Facts& facts, const ConfigRef& before) {
    if (before != nullptr && before->codec == Codec::mjpeg && before->width == facts.width &&
        before->height == facts.height) {
        return before;
    }
    return std::make_shared<const TrackConfig>(*config_of(facts.width, facts.height));
}

}   // namespace millrace::media::jpeg
