#include "container/m3u8_reader.hpp"

#include "base/web.hpp"
#include "container/m3u8_attributes.hpp"
#include "container/m3u8_variants.hpp"

#include <algorithm>
#include <array>

// A list is lines of UTF-8 that end in LF or CR LF:
//
//   #EXTM3U                          the first, exactly so
//   #EXT-X-VERSION:3                 a tag: name, then ':' and its value if it has one
//   #EXTINF:2.000000,title           a tag that says something of the next address
//   # anything else                  a comment
//   segment-1.ts                     an address
//
namespace millrace::hls {

namespace {

using Limits = PlaylistLimits;

/// RFC 8216 §4.1: what makes a text no list at all.
Result<> check_text(std::string_view text) {
    if (text.size() > Limits::text_size_max) {
        return fail(Errc::exhausted, "the list is larger than 8 MB");
    }
    if (text.starts_with("\xef\xbb\xbf")) {
        return fail(Errc::malformed, "the list begins with a byte order mark");
    }
    while (!text.empty()) {
        const auto byte = static_cast<unsigned char>(text.front());
        const std::size_t length = web::utf8_length(text);
        if (length == 0) {
            return fail(Errc::malformed, "the list is not UTF-8");
        }
        const bool line_end = byte == '\n' || text.starts_with("\r\n");
        const bool c1 = byte == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
        if (((byte < 0x20 || byte == 0x7f) && !line_end) || c1) {
            return fail(Errc::malformed, "the list has a control character");
        }
        text.remove_prefix(length);
    }
    return {};
}

/// The next line without its end, which is gone from `text`.
std::string_view take_line(std::string_view& text) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

/// Takes what a tag says, line by line.
class PlaylistReader {
public:
    Result<> line(std::string_view line) {
        if (line.size() > Limits::line_size_max || ++lines_ > Limits::lines_max) {
            return fail(Errc::exhausted, "the list has too many lines, or one too long");
        }
        if (line.empty()) {
            return {};
        }
        if (!line.starts_with('#')) {
            return address(line);
        }
        return line.starts_with("#EXT") ? tag(line.substr(1)) : Result<>{};
    }

    Result<Playlist> end() {
        if (of_media_ && of_variants_) {
            return fail(Errc::malformed, "tags of a media list and of a multivariant list stand in one");
        }
        if (of_variants_ && multivariant_.variants.empty()) {
            return fail(Errc::malformed, "a multivariant list offers nothing");
        }
        if (of_variants_) {
            multivariant_.version = version_.value_or(1);
            multivariant_.independent = independent_;
            return Playlist{std::move(multivariant_)};
        }
        if (!target_) {
            return fail(Errc::malformed, "EXT-X-TARGETDURATION is missing");
        }
        media_.version = version_.value_or(1);
        media_.target_duration = *target_;
        media_.independent = independent_;
        return Playlist{std::move(media_)};
    }

private:
    using Read = Result<> (PlaylistReader::*)(std::string_view value);
    enum class Of : std::uint8_t { any, media, variants };
    struct Tag {
        std::string_view name;
        Of of;
        Read read;
    };

    Result<> tag(std::string_view text) {
        static constexpr std::array tags{
            Tag{"EXTINF", Of::media, &PlaylistReader::extinf},
            Tag{"EXT-X-BYTERANGE", Of::media, &PlaylistReader::byte_range},
            Tag{"EXT-X-DATERANGE", Of::media, &PlaylistReader::date_range},
            Tag{"EXT-X-DISCONTINUITY", Of::media, &PlaylistReader::discontinuity},
            Tag{"EXT-X-DISCONTINUITY-SEQUENCE", Of::media, &PlaylistReader::discontinuity_sequence},
            Tag{"EXT-X-ENDLIST", Of::media, &PlaylistReader::end_list},
            Tag{"EXT-X-GAP", Of::media, &PlaylistReader::gap},
            Tag{"EXT-X-INDEPENDENT-SEGMENTS", Of::any, &PlaylistReader::independent},
            Tag{"EXT-X-KEY", Of::media, &PlaylistReader::key},
            Tag{"EXT-X-MAP", Of::media, &PlaylistReader::map},
            Tag{"EXT-X-MEDIA", Of::variants, &PlaylistReader::rendition},
            Tag{"EXT-X-MEDIA-SEQUENCE", Of::media, &PlaylistReader::media_sequence},
            Tag{"EXT-X-PLAYLIST-TYPE", Of::media, &PlaylistReader::playlist_type},
            Tag{"EXT-X-PROGRAM-DATE-TIME", Of::media, &PlaylistReader::program_date_time},
            Tag{"EXT-X-STREAM-INF", Of::variants, &PlaylistReader::variant},
            Tag{"EXT-X-TARGETDURATION", Of::media, &PlaylistReader::target_duration},
            Tag{"EXT-X-VERSION", Of::any, &PlaylistReader::version},
        };
        const std::size_t colon = text.find(':');
        const auto known = std::ranges::find(tags, text.substr(0, colon), &Tag::name);
        if (known == tags.end()) {
            return {};   // §6.3.1: unknown tags are ignored
        }
        of_media_ = of_media_ || known->of == Of::media;
        of_variants_ = of_variants_ || known->of == Of::variants;
        return (this->*known->read)(colon == std::string_view::npos ? "" : text.substr(colon + 1));
    }

    Result<> address(std::string_view line) {
        if (line.starts_with(' ') || line.ends_with(' ')) {
            return fail(Errc::malformed, "an address begins or ends with a space");
        }
        Result<std::string> uri = read_uri(line);
        if (!uri) {
            return std::unexpected(uri.error());
        }
        if (variant_) {
            variant_->uri = std::move(*uri);
            multivariant_.variants.push_back(std::move(*variant_));
            variant_.reset();
            return {};
        }
        if (!timed_) {
            return fail(Errc::malformed, "an address has no EXTINF before it");
        }
        if (media_.segments.size() == Limits::segments_max) {
            return fail(Errc::exhausted, "the list has more than 100000 segments");
        }
        next_.uri = std::move(*uri);
        next_.init = init_;
        if (const Result<> placed = place_range(); !placed) {
            return placed;
        }
        media_.segments.push_back(std::exchange(next_, {}));
        timed_ = false;
        return {};
    }

    /// §4.3.2.2: without an offset, a range begins where the last one of the same resource ended.
    Result<> place_range() {
        if (range_from_last_) {
            const MediaSegment* last = media_.segments.empty() ? nullptr : &media_.segments.back();
            if (last == nullptr || !last->range || last->uri != next_.uri) {
                return fail(Errc::malformed, "a byte range has no offset, and none before it");
            }
            next_.range->offset = last->range->offset + last->range->length;
        }
        range_from_last_ = false;
        return next_.range ? check_range(*next_.range) : Result<>{};
    }
    static Result<> check_range(const ByteRange& range) {
        constexpr std::uint64_t size_max = std::uint64_t{1} << 62U;
        if (range.length > size_max || range.offset > size_max) {
            return fail(Errc::exhausted, "a byte range lies beyond 2^62");
        }
        return {};
    }
    /// "length" or "length@offset"; whether there is an offset.
    static Result<std::pair<ByteRange, bool>> read_range(std::string_view text) {
        const std::size_t at = text.find('@');
        const bool placed = at != std::string_view::npos;
        const Result<std::uint64_t> length = read_integer(text.substr(0, at));
        const Result<std::uint64_t> offset =
            placed ? read_integer(text.substr(at + 1)) : Result<std::uint64_t>{0};
        if (!length || !offset) {
            return fail(Errc::malformed, "a byte range is not of the form length@offset");
        }
        const ByteRange range{*length, *offset};
        if (const Result<> checked = check_range(range); !checked) {
            return std::unexpected(checked.error());
        }
        return std::pair{range, placed};
    }

    // Tags of one segment: those after it have effect on the next address.

    Result<> extinf(std::string_view value) {
        const std::size_t comma = value.find(',');
        const Result<Duration> duration = read_seconds(value.substr(0, comma));
        if (!duration) {
            return std::unexpected(duration.error());
        }
        next_.duration = *duration;
        next_.title = comma == std::string_view::npos ? "" : value.substr(comma + 1);
        timed_ = true;
        return {};
    }
    Result<> byte_range(std::string_view value) {
        const auto range = read_range(value);
        if (!range) {
            return std::unexpected(range.error());
        }
        next_.range = range->first;
        range_from_last_ = !range->second;
        return {};
    }
    Result<> discontinuity(std::string_view) {
        next_.discontinuity = true;
        return {};
    }
    Result<> gap(std::string_view) {
        next_.gap = true;
        return {};
    }
    Result<> program_date_time(std::string_view value) {
        const Result<WallTime> utc = read_date_time(value);
        if (!utc) {
            return std::unexpected(utc.error());
        }
        next_.utc = *utc;
        return {};
    }

    // Tags of all segments after them.

    Result<> key(std::string_view value) {
        const Result<AttributeList> attributes = AttributeList::read(value);
        if (!attributes) {
            return std::unexpected(attributes.error());
        }
        return attributes->plain("METHOD") == "NONE"
                   ? Result<>{}
                   : fail(Errc::unsupported, "encrypted media cannot be read");
    }
    Result<> map(std::string_view value) {
        const Result<AttributeList> attributes = AttributeList::read(value);
        if (!attributes) {
            return std::unexpected(attributes.error());
        }
        Result<std::string> uri = read_uri(attributes->quoted("URI"));
        if (!uri) {
            return std::unexpected(uri.error());
        }
        InitSection init{std::move(*uri), {}};
        if (const std::string_view range = attributes->quoted("BYTERANGE"); !range.empty()) {
            const auto read = read_range(range);
            if (!read) {
                return std::unexpected(read.error());
            }
            init.range = read->first;   // §4.3.2.5: no offset is offset 0
        }
        init_ = std::make_shared<const InitSection>(std::move(init));
        return {};
    }

    // Tags of the whole list.

    Result<> version(std::string_view value) {
        const Result<std::uint64_t> number = read_integer(value);
        if (!number) {
            return std::unexpected(number.error());
        }
        if (version_) {
            return fail(Errc::malformed, "EXT-X-VERSION is there twice");   // §4.3.1.2
        }
        if (*number == 0 || *number > Limits::version_max) {
            return fail(Errc::unsupported, "the list is of a version that is not known here");
        }
        version_ = *number;
        return {};
    }
    Result<> independent(std::string_view) {
        independent_ = true;
        return {};
    }
    Result<> target_duration(std::string_view value) {
        const Result<std::uint64_t> seconds = read_integer(value);
        if (!seconds) {
            return std::unexpected(seconds.error());
        }
        if (*seconds > static_cast<std::uint64_t>(Limits::seconds_max)) {
            return fail(Errc::exhausted, "EXT-X-TARGETDURATION is longer than a million seconds");
        }
        target_ = static_cast<std::int64_t>(*seconds);
        return {};
    }
    Result<> before_segments(std::string_view value, std::uint64_t& into) {
        const Result<std::uint64_t> number = read_integer(value);
        if (!number) {
            return std::unexpected(number.error());
        }
        if (!media_.segments.empty()) {
            return fail(Errc::malformed, "a sequence number stands behind the first segment");
        }
        into = *number;
        return {};
    }
    Result<> media_sequence(std::string_view value) { return before_segments(value, media_.media_sequence); }
    Result<> discontinuity_sequence(std::string_view value) {
        return before_segments(value, media_.discontinuity_sequence);
    }
    Result<> playlist_type(std::string_view value) {
        if (value != "EVENT" && value != "VOD") {
            return fail(Errc::malformed, "EXT-X-PLAYLIST-TYPE is neither EVENT nor VOD");
        }
        media_.type = value == "EVENT" ? PlaylistType::event : PlaylistType::vod;
        return {};
    }
    /// One of ours says something of the segment before it; others, however they are written, are passed
    /// over.
    Result<> date_range(std::string_view value) {
        const Result<AttributeList> attributes = AttributeList::read(value);
        if (attributes && attributes->quoted("CLASS") == unpublished_class && !media_.segments.empty()) {
            media_.segments.back().unpublished = true;
        }
        return {};
    }
    Result<> end_list(std::string_view) {
        media_.ended = true;
        return {};
    }

    Result<> rendition(std::string_view value) {
        Result<Rendition> read = read_rendition(value);
        if (!read) {
            return std::unexpected(read.error());
        }
        if (multivariant_.renditions.size() == Limits::renditions_max) {
            return fail(Errc::exhausted, "the list has more than 256 renditions");
        }
        multivariant_.renditions.push_back(std::move(*read));
        return {};
    }
    Result<> variant(std::string_view value) {
        Result<Variant> read = read_variant(value);
        if (!read) {
            return std::unexpected(read.error());
        }
        if (multivariant_.variants.size() == Limits::variants_max) {
            return fail(Errc::exhausted, "the list has more than 256 variants");
        }
        variant_ = std::move(*read);
        return {};
    }

    std::size_t lines_ = 0;
    bool of_media_ = false;
    bool of_variants_ = false;
    std::optional<std::uint64_t> version_;
    std::optional<std::int64_t> target_;
    bool independent_ = false;
    MediaPlaylist media_;
    MultivariantPlaylist multivariant_;
    MediaSegment next_;    // what the tags before the next address say
    bool timed_ = false;   // an EXTINF is among them
    bool range_from_last_ = false;
    std::shared_ptr<const InitSection> init_;
    std::optional<Variant> variant_;   // waits for its address
};

}   // namespace

Result<Playlist> read_playlist(std::string_view text) {
    if (const Result<> checked = check_text(text); !checked) {
        return std::unexpected(checked.error());
    }
    const std::string_view first = take_line(text);
    if (first != "#EXTM3U") {
        return fail(Errc::malformed, "the first line is not #EXTM3U");
    }
    PlaylistReader reader;
    while (!text.empty()) {
        if (const Result<> read = reader.line(take_line(text)); !read) {
            return std::unexpected(read.error());
        }
    }
    return reader.end();
}

}   // namespace millrace::hls
