#include "container/m3u8_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace millrace::hls {

namespace {

constexpr std::uint64_t version_of_decimals = 3;
constexpr std::uint64_t version_of_byte_ranges = 4;
constexpr std::uint64_t version_of_init_sections = 6;
constexpr std::uint64_t version_of_gaps = 8;   // 8216bis §8
constexpr std::int64_t microseconds_a_millisecond = 1000;

bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// RFC 3986 §2.2 and §2.3: reserved and unreserved.
bool may_stand(char c) {
    constexpr std::string_view marks = "-._~:/?#[]@!$&'()*+,;=";
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || marks.contains(c);
}

/// How many bytes of UTF-8 at the front are something no list may hold (controls, BOM); 0 for none.
std::size_t forbidden(std::string_view text) {
    const auto byte = static_cast<unsigned char>(text.front());
    if (byte < 0x20 || byte == 0x7f) {
        return 1;
    }
    // U+0080 to U+009F are C2 80 to C2 9F.
    const bool c1 = byte == 0xc2 && text.size() > 1 && static_cast<unsigned char>(text[1]) < 0xa0;
    if (c1) {
        return 2;
    }
    return text.starts_with("\xef\xbb\xbf") ? 3 : 0;
}

std::string clean(std::string_view text) {
    std::string kept;
    while (!text.empty()) {
        const std::size_t dropped = forbidden(text);
        if (dropped == 0) {
            kept += text.front();
        }
        text.remove_prefix(std::max<std::size_t>(dropped, 1));
    }
    return kept;
}

/// Seconds with so many decimals, to the nearest.
std::string decimal(Duration duration, unsigned digits) {
    constexpr unsigned digits_max = 9;
    digits = std::min(digits, digits_max);
    std::int64_t unit = 1;    // nanoseconds of the last digit
    std::int64_t parts = 1;   // of those a second
    for (unsigned i = 0; i < digits_max - digits; ++i) {
        unit *= 10;
    }
    for (unsigned i = 0; i < digits; ++i) {
        parts *= 10;
    }
    const std::int64_t value = (std::max<std::int64_t>(duration.count(), 0) + unit / 2) / unit;
    if (digits == 0) {
        return fmt::format("{}", value);
    }
    return fmt::format("{}.{:0{}}", value / parts, value % parts, digits);
}

bool is_absolute(std::string_view uri) {
    const std::size_t colon = uri.find(':');
    return colon != std::string_view::npos && colon < uri.find('/');
}

/// Writes one media list.
class MediaWriter {
public:
    MediaWriter(const MediaPlaylist& list, const WriteOptions& options) : list_{list}, options_{options} {}

    std::string write() {
        head();
        for (const MediaSegment& segment : list_.segments) {
            tags_before(segment);
            line("#EXTINF:{},{}", decimal(segment.duration, options_.digits), clean(segment.title));
            if (segment.range) {
                line("#EXT-X-BYTERANGE:{}@{}", segment.range->length, segment.range->offset);
            }
            line("{}", address(segment.uri));
            if (segment.unpublished && segment.utc) {
                tell_end(segment);
            }
        }
        if (list_.ended) {
            line("#EXT-X-ENDLIST");
        }
        return std::move(text_);
    }

private:
    template <class... Values>
    void line(fmt::format_string<Values...> format, Values&&... values) {
        fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
        text_ += '\n';
    }

    void head() {
        line("#EXTM3U");
        if (const std::uint64_t version = lowest_version(list_, options_); version > 1) {
            line("#EXT-X-VERSION:{}", version);
        }
        line("#EXT-X-TARGETDURATION:{}", list_.target_duration);
        line("#EXT-X-MEDIA-SEQUENCE:{}", list_.media_sequence);
        if (list_.discontinuity_sequence != 0) {
            line("#EXT-X-DISCONTINUITY-SEQUENCE:{}", list_.discontinuity_sequence);
        }
        if (list_.type != PlaylistType::none) {
            line("#EXT-X-PLAYLIST-TYPE:{}", list_.type == PlaylistType::event ? "EVENT" : "VOD");
        }
        if (list_.independent) {
            line("#EXT-X-INDEPENDENT-SEGMENTS");
        }
        if (list_.start > Duration{}) {
            line("#EXT-X-START:TIME-OFFSET={},PRECISE=YES", decimal(list_.start, options_.digits));
        }
        if (options_.blank_line) {
            line("");
        }
    }

    void tags_before(const MediaSegment& segment) {
        if (segment.discontinuity) {
            line("#EXT-X-DISCONTINUITY");
        }
        const bool renewed = segment.init != nullptr &&
                             (init_ == nullptr || (segment.init != init_ && *segment.init != *init_));
        if (renewed) {
            init_ = segment.init;
            const auto& range = init_->range;
            line("#EXT-X-MAP:URI=\"{}\"{}", address(init_->uri),
                 range ? fmt::format(",BYTERANGE=\"{}@{}\"", range->length, range->offset) : "");
        }
        if (segment.utc) {
            line("#EXT-X-PROGRAM-DATE-TIME:{}", date_time(*segment.utc));
        }
        if (segment.gap) {
            line("#EXT-X-GAP");
        }
    }

    /// RFC 8216 §4.3.2.7: what players know it by must stay the same as long as it is listed.
    void tell_end(const MediaSegment& segment) {
        const WallTime end{segment.utc->microseconds + segment.duration / std::chrono::microseconds{1}};
        line("#EXT-X-DATERANGE:ID=\"{}-{}\",CLASS=\"{}\",START-DATE=\"{}\",DURATION=0", unpublished_class,
             end.microseconds / microseconds_a_millisecond, unpublished_class, date_time(end));
    }

    std::string address(const std::string& uri) const {
        return percent_encoded(is_absolute(uri) ? uri : options_.base + uri);
    }

    const MediaPlaylist& list_;
    const WriteOptions& options_;
    std::string text_;
    std::shared_ptr<const InitSection> init_;
};

std::string_view name(Rendition::Type type) {
    switch (type) {
        case Rendition::Type::audio: return "AUDIO";
        case Rendition::Type::video: return "VIDEO";
        case Rendition::Type::subtitles: return "SUBTITLES";
        case Rendition::Type::closed_captions: return "CLOSED-CAPTIONS";
    }
    return "";
}

/// One attribute list; texts that are empty are left out.
class AttributeWriter {
public:
    explicit AttributeWriter(std::string_view tag) : text_{tag} {}
    AttributeWriter& raw(std::string_view key, std::string_view value) {
        text_ += first_ ? ":" : ",";
        first_ = false;
        text_.append(key).append("=").append(value);
        return *this;
    }
    AttributeWriter& quoted(std::string_view key, std::string_view value) {
        std::string text = clean(value);
        std::erase(text, '"');   // §4.2: a quoted string has no way to hold one
        return text.empty() ? *this : raw(key, '"' + text + '"');
    }
    std::string line() const { return text_ + '\n'; }

private:
    std::string text_;
    bool first_ = true;
};

std::string line_of(const Rendition& rendition) {
    AttributeWriter line{"#EXT-X-MEDIA"};
    line.raw("TYPE", name(rendition.type)).quoted("GROUP-ID", rendition.group);
    line.quoted("NAME", rendition.name).quoted("LANGUAGE", rendition.language);
    if (rendition.is_default) {
        line.raw("DEFAULT", "YES");
    }
    // §4.3.4.1: a default is one that may be selected, too.
    if (rendition.autoselect || rendition.is_default) {
        line.raw("AUTOSELECT", "YES");
    }
    line.quoted("CHANNELS", rendition.channels).quoted("URI", percent_encoded(rendition.uri));
    return line.line();
}

std::string lines_of(const Variant& variant) {
    AttributeWriter line{"#EXT-X-STREAM-INF"};
    line.raw("BANDWIDTH", fmt::to_string(variant.bandwidth));
    if (variant.average_bandwidth != 0) {
        line.raw("AVERAGE-BANDWIDTH", fmt::to_string(variant.average_bandwidth));
    }
    line.quoted("CODECS", variant.codecs);
    if (variant.width != 0 && variant.height != 0) {
        line.raw("RESOLUTION", fmt::format("{}x{}", variant.width, variant.height));
    }
    if (variant.frame_rate > 0) {
        line.raw("FRAME-RATE", fmt::format("{:.3f}", variant.frame_rate));
    }
    line.quoted("AUDIO", variant.audio);
    return line.line() + percent_encoded(variant.uri) + '\n';
}

}   // namespace

bool MediaSegment::operator==(const MediaSegment& other) const {
    const bool same_init =
        init == other.init || (init != nullptr && other.init != nullptr && *init == *other.init);
    return same_init && uri == other.uri && duration == other.duration && title == other.title &&
           range == other.range && utc == other.utc && discontinuity == other.discontinuity &&
           gap == other.gap && unpublished == other.unpublished;
}

std::uint64_t lowest_version(const MediaPlaylist& list, const WriteOptions& options) {
    std::uint64_t version = 1;
    const auto needs = [&](std::uint64_t at_least) { version = std::max(version, at_least); };
    for (const MediaSegment& segment : list.segments) {
        needs(options.digits > 0 ? version_of_decimals : 1);
        needs(segment.range ? version_of_byte_ranges : 1);
        needs(segment.init != nullptr ? version_of_init_sections : 1);
        needs(segment.gap ? version_of_gaps : 1);
    }
    return version;
}

std::string write(const MediaPlaylist& list, const WriteOptions& options) {
    return MediaWriter{list, options}.write();
}

std::string write(const MultivariantPlaylist& list) {
    std::string text = "#EXTM3U\n";
    if (list.independent) {
        text += "#EXT-X-INDEPENDENT-SEGMENTS\n";
    }
    for (const Rendition& rendition : list.renditions) {
        text += line_of(rendition);
    }
    for (const Variant& variant : list.variants) {
        text += lines_of(variant);
    }
    return text;
}

std::string percent_encoded(std::string_view uri) {
    std::string out;
    out.reserve(uri.size());
    for (std::size_t i = 0; i < uri.size(); ++i) {
        const bool escape = uri[i] == '%' && i + 2 < uri.size() && is_hex(uri[i + 1]) && is_hex(uri[i + 2]);
        const bool comment = uri[i] == '#' && i == 0;   // a line that begins so is no address
        if ((may_stand(uri[i]) || escape) && !comment) {
            out += uri[i];
        } else {
            fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(uri[i]));
        }
    }
    return out;
}

std::string date_time(WallTime utc) {
    using std::chrono::microseconds;
    const std::chrono::sys_time<microseconds> moment{microseconds{utc.microseconds}};
    const auto day = std::chrono::floor<std::chrono::days>(moment);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::milliseconds>(moment - day)};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       time.hours().count(), time.minutes().count(), time.seconds().count(),
                       time.subseconds().count());
}

}   // namespace millrace::hls
