#include "container/mp4_tables.hpp"

#include "container/mp4_heads.hpp"
#include "media/time.hpp"

#include <algorithm>
#include <array>

namespace millrace::mp4 {
namespace {

using Out = std::vector<std::byte>;

/// Fine enough for a picture's time to be exact.
constexpr std::uint32_t movie_timescale = media::video_timescale;
constexpr std::array<unsigned char, 16> enclosing_id{0x6D, 0x69, 0x6C, 0x6C, 0x72, 0x61, 0x63, 0x65,
                                                     0xB1, 0x27, 0x4F, 0x83, 0x9D, 0x60, 0x55, 0x1C};

/// What is shown of a track: nothing for `delay`, then `length` from `media` on, counted from its first
/// sample's decode time. In ticks of the track, the delay in those of the movie.
struct Edit {
    std::int64_t delay = 0;
    std::int64_t media = 0;
    std::int64_t length = 0;
    std::int64_t timescale = 1;

    std::int64_t shown() const { return media::rescale_nearest(length, timescale, movie_timescale); }
};

Edit edit_of(const TabledTrack& track, const ShownSpan& shown) {
    const std::int64_t timescale = track.track.track.config->timescale;
    const SampleTables& tables = track.tables;
    const std::int64_t from = media::rescale_nearest(shown.from, shown.timescale, timescale);
    const std::int64_t begin = std::max(from, tables.begin());
    const std::int64_t to = shown.to_us == std::numeric_limits<std::int64_t>::max()
                                ? tables.end()
                                : media::rescale_nearest(shown.to_us, 1'000'000, timescale);
    return {.delay = media::rescale_nearest(begin - from, timescale, movie_timescale),
            .media = begin - tables.first_dts(),
            .length = std::max<std::int64_t>(std::min(to, tables.end()) - begin, 0),
            .timescale = timescale};
}

}   // namespace

std::vector<std::byte>& Table::room() {
    if (blocks_.empty() || blocks_.back().size() >= block_size) {
        blocks_.emplace_back();
    }
    return blocks_.back();
}

void Table::u32(std::uint32_t value) {
    ByteWriter{room()}.u32(value);
    size_ += 4;
}

void Table::u64(std::uint64_t value) {
    ByteWriter{room()}.u64(value);
    size_ += 8;
}

void RunTable::add(std::uint32_t value) {
    only_zeros = only_zeros && value == 0;
    if (count_ != 0 && value != value_) {
        end();
    }
    value_ = value;
    ++count_;
}

void RunTable::end() {
    if (count_ != 0) {
        table.u32(count_);
        table.u32(value_);
    }
    count_ = 0;
}

void SampleTables::add_chunk(std::uint64_t offset, std::uint32_t entry) {
    end_chunk();
    offsets_.u64(offset);
    ++chunk_count_;
    entry_ = entry;
}

void SampleTables::add(const Sample& sample) {
    constexpr std::int64_t delta_max = std::numeric_limits<std::int32_t>::max();
    std::int64_t dts = sample.dts;
    if (empty()) {
        first_dts_ = dts;
    } else {
        const std::int64_t delta = std::clamp<std::int64_t>(dts - last_dts_, 1, delta_max);
        durations_.add(static_cast<std::uint32_t>(delta));
        dts = last_dts_ + delta;
    }
    last_dts_ = dts;
    last_duration_ = std::clamp<std::int64_t>(sample.duration, 1, delta_max);
    compositions_.add(
        static_cast<std::uint32_t>(std::clamp<std::int64_t>(sample.pts - dts, -delta_max, delta_max)));
    sizes_.u32(sample.size);
    // As long as all are keys, as sound's are, none is listed.
    for (std::uint32_t key = 1; all_keys_ && !sample.key && key <= samples_; ++key) {
        keys_.u32(key);
    }
    all_keys_ = all_keys_ && sample.key;
    ++samples_;
    ++in_chunk_;
    if (sample.key && !all_keys_) {
        keys_.u32(samples_);
    }
    begin_ = std::min(begin_, sample.pts);
    end_ = std::max(end_, sample.pts + last_duration_);
}

// A row says of all chunks up to the next row how many samples they have, and of which entry.
void SampleTables::end_chunk() {
    if (chunk_count_ != 0 && (in_chunk_ != told_in_chunk_ || entry_ != told_entry_)) {
        chunks_.u32(chunk_count_);
        chunks_.u32(in_chunk_);
        chunks_.u32(entry_);
        told_in_chunk_ = in_chunk_;
        told_entry_ = entry_;
    }
    in_chunk_ = 0;
}

std::size_t SampleTables::size() const {
    return durations_.table.size() + compositions_.table.size() + sizes_.size() + keys_.size() +
           offsets_.size() + chunks_.size();
}

/// Writes boxes with whole tables in them, which are moved and not copied.
class MovieWriter {
public:
    void write(std::span<TabledTrack> tracks, const ShownSpan& shown, std::uint64_t media_size);
    std::vector<Bytes> take();

private:
    /// A box whose size counts the tables in it.
    class Scope {
    public:
        Scope(MovieWriter& writer, FourCc type) : writer_{writer}, start_{writer.out_.size()} {
            inserted_ = writer.inserted_;
            ByteWriter{writer.out_}.u32(0);
            ByteWriter{writer.out_}.u32(type);
        }
        ~Scope() {
            const std::size_t size = writer_.out_.size() - start_ + writer_.inserted_ - inserted_;
            overwrite_u32(writer_.out_, start_, static_cast<std::uint32_t>(size));
        }
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;

    private:
        MovieWriter& writer_;
        std::size_t start_;
        std::size_t inserted_;
    };

    void write_track(TabledTrack& track, const Edit& edit);
    void write_edits(const Edit& edit);
    void write_tables(TabledTrack& track);
    /// §8.7.3: stsz says the size of all first, 0: each has its own.
    void write_table(FourCc type, Table& table, std::size_t row, std::uint8_t version = 0);

    struct Insert {
        std::size_t at = 0;   // in `out_`
        Table* table = nullptr;
        bool offsets = false;
    };

    Out out_;
    std::vector<Insert> inserts_;
    std::size_t inserted_ = 0;
};

void MovieWriter::write(std::span<TabledTrack> tracks, const ShownSpan& shown, std::uint64_t media_size) {
    std::vector<CodedTrack> coded;
    std::vector<Edit> edits;
    std::int64_t duration = 0;
    for (const TabledTrack& track : tracks) {
        coded.push_back(track.track);
        edits.push_back(edit_of(track, shown));
        duration = std::max(duration, edits.back().delay + edits.back().shown());
    }
    std::vector<FourCc> brands{four_cc("isom"), four_cc("iso2"), four_cc("mp41")};
    if (has_av1(coded)) {
        brands.push_back(four_cc("av01"));
    }
    write_brands(out_, brands);
    {
        const OpenBox uuid{out_, four_cc("uuid")};
        ByteWriter{out_}.bytes(std::as_bytes(std::span{enclosing_id}));
    }
    {
        const Scope moov{*this, four_cc("moov")};
        write_mvhd(out_, {duration, movie_timescale}, next_track_number(coded));
        for (std::size_t at = 0; at < tracks.size(); ++at) {
            write_track(tracks[at], edits[at]);
        }
    }
    constexpr std::uint32_t size_is_large = 1;
    ByteWriter writer{out_};
    writer.u32(size_is_large);
    writer.u32(four_cc("mdat"));
    writer.u64(large_box_header_size + media_size);
}

void MovieWriter::write_track(TabledTrack& track, const Edit& edit) {
    const Scope trak{*this, four_cc("trak")};
    write_tkhd(out_, track.track.track, edit.delay + edit.shown());
    write_edits(edit);
    const Scope mdia{*this, four_cc("mdia")};
    write_media_heads(out_, track.track.track,
                      track.tables.last_dts_ + track.tables.last_duration_ - track.tables.first_dts_);
    const Scope minf{*this, four_cc("minf")};
    write_minf_heads(out_, track.track.track);
    const Scope stbl{*this, four_cc("stbl")};
    write_stsd(out_, track.track, ParameterSets::in_entry);
    write_tables(track);
}

// elst §8.6.6, version 1: entries u32 | { duration u64 | media time s64, -1: nothing is shown | rate 16.16 }…
void MovieWriter::write_edits(const Edit& edit) {
    constexpr std::uint32_t rate = 0x00010000;
    const Scope edts{*this, four_cc("edts")};
    const OpenBox elst{out_, four_cc("elst"), 1, 0};
    ByteWriter writer{out_};
    writer.u32(edit.delay > 0 ? 2 : 1);
    if (edit.delay > 0) {
        writer.u64(static_cast<std::uint64_t>(edit.delay));
        writer.u64(static_cast<std::uint64_t>(-1));
        writer.u32(rate);
    }
    writer.u64(static_cast<std::uint64_t>(edit.shown()));
    writer.u64(static_cast<std::uint64_t>(edit.media));
    writer.u32(rate);
}

void MovieWriter::write_tables(TabledTrack& track) {
    SampleTables& tables = track.tables;
    constexpr std::size_t run_row = 8;
    tables.end_chunk();
    tables.durations_.add(static_cast<std::uint32_t>(tables.last_duration_));
    tables.durations_.end();
    tables.compositions_.end();
    write_table(four_cc("stts"), tables.durations_.table, run_row);
    if (!tables.compositions_.only_zeros) {
        write_table(four_cc("ctts"), tables.compositions_.table, run_row, 1);
    }
    if (!tables.all_keys_) {
        write_table(four_cc("stss"), tables.keys_, 4);
    }
    write_table(four_cc("stsc"), tables.chunks_, 12);
    write_table(four_cc("stsz"), tables.sizes_, 4);
    write_table(four_cc("co64"), tables.offsets_, 8);
}

void MovieWriter::write_table(FourCc type, Table& table, std::size_t row, std::uint8_t version) {
    const Scope box{*this, type};
    ByteWriter writer{out_};
    writer.u8(version);
    writer.u24(0);
    if (type == four_cc("stsz")) {
        writer.u32(0);
    }
    writer.u32(static_cast<std::uint32_t>(table.size() / row));
    inserts_.push_back({out_.size(), &table, type == four_cc("co64")});
    inserted_ += table.size();
}

std::vector<Bytes> MovieWriter::take() {
    const std::uint64_t media_at = out_.size() + inserted_;
    std::vector<Bytes> pieces;
    const Bytes out{std::move(out_)};
    std::size_t done = 0;
    for (const Insert& insert : inserts_) {
        pieces.push_back(out.slice(done, insert.at - done));
        done = insert.at;
        for (std::vector<std::byte>& block : insert.table->blocks()) {
            for (std::size_t at = 0; insert.offsets && at + 8 <= block.size(); at += 8) {
                ByteReader reader{ByteSpan{block}.subspan(at)};
                const std::uint64_t offset = reader.u64() + media_at;
                overwrite_u32(block, at, static_cast<std::uint32_t>(offset >> 32U));
                overwrite_u32(block, at + 4, static_cast<std::uint32_t>(offset));
            }
            block.shrink_to_fit();
            pieces.emplace_back(std::move(block));
        }
    }
    pieces.push_back(out.slice(done, out.size() - done));
    return pieces;
}

std::vector<Bytes> progressive_head(std::span<TabledTrack> tracks, const ShownSpan& shown,
                                    std::uint64_t media_size) {
    MovieWriter writer;
    writer.write(tracks, shown, media_size);
    return writer.take();
}

bool encloses_fragments(ByteSpan uuid) {
    return std::ranges::equal(uuid, std::as_bytes(std::span{enclosing_id}));
}

}   // namespace millrace::mp4
