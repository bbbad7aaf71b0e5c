#pragma once

#include "container/mp4_init.hpp"

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

/// The moov of a progressive file: where each sample is, said in front of all of them.
namespace millrace::mp4 {

/// A table of big-endian numbers in blocks, so that a long one grows without being moved.
class Table {
public:
    void u32(std::uint32_t value);
    void u64(std::uint64_t value);
    std::size_t size() const { return size_; }
    std::vector<std::vector<std::byte>>& blocks() { return blocks_; }

private:
    static constexpr std::size_t block_size = std::size_t{64} << 10U;   // a multiple of every number's
    std::vector<std::byte>& room();

    std::vector<std::vector<std::byte>> blocks_;
    std::size_t size_ = 0;
};

/// A table that counts how often a value follows itself: { count u32 | value u32 }…
class RunTable {
public:
    void add(std::uint32_t value);
    void end();   ///< Nothing follows.
    Table table;
    bool only_zeros = true;

private:
    std::uint32_t count_ = 0;
    std::uint32_t value_ = 0;
};

/// The sample tables of one track (ISO/IEC 14496-12 §8.6, §8.7) while its samples are told, in order.
class SampleTables {
public:
    /// Times in ticks of the track.
    struct Sample {
        std::int64_t dts = 0;
        std::int64_t pts = 0;
        std::int64_t duration = 0;
        std::uint32_t size = 0;
        bool key = false;
    };
    /// Samples that follow each other at `offset` bytes from the beginning of the media, of the sample entry
    /// with that number.
    void add_chunk(std::uint64_t offset, std::uint32_t entry);
    void add(const Sample& sample);

    /// Bytes of memory, and of the file.
    std::size_t size() const;
    bool empty() const { return samples_ == 0; }
    std::int64_t first_dts() const { return first_dts_; }
    std::int64_t begin() const { return begin_; }   ///< when the first is shown
    std::int64_t end() const { return end_; }       ///< when the last one was

private:
    friend class MovieWriter;
    void end_chunk();

    RunTable durations_;
    RunTable compositions_;
    Table sizes_;
    Table keys_;
    Table offsets_;
    Table chunks_;
    bool all_keys_ = true;
    std::uint32_t samples_ = 0;
    std::uint32_t chunk_count_ = 0;
    std::uint32_t in_chunk_ = 0;
    std::uint32_t entry_ = 0;
    std::uint32_t told_in_chunk_ = 0;   // what the last row of `chunks_` says
    std::uint32_t told_entry_ = 0;
    std::int64_t first_dts_ = 0;
    std::int64_t last_dts_ = 0;
    std::int64_t last_duration_ = 0;
    std::int64_t begin_ = std::numeric_limits<std::int64_t>::max();
    std::int64_t end_ = 0;
};

/// What is shown of the samples: [from, to), times as the samples have them.
struct ShownSpan {
    std::int64_t from = 0;
    std::int64_t timescale = 1;   ///< of `from`, ticks a second
    std::int64_t to_us = std::numeric_limits<std::int64_t>::max();
};

/// A track, and where its samples are.
struct TabledTrack {
    CodedTrack track;
    SampleTables tables;
};

/// What stands in front of a progressive file's media, in pieces: ftyp, a box that says that the media is a
/// fragmented file for itself (`encloses_fragments`), moov with an edit list for each track, and the header
/// of an mdat of `media_size` bytes. Takes the tables.
std::vector<Bytes> progressive_head(std::span<TabledTrack> tracks, const ShownSpan& shown,
                                    std::uint64_t media_size);

/// The body of a `uuid` box in front of the moov: the mdat is a fragmented file, with the same samples and
/// all that sample tables do not say (prft). A reader of a stream of bytes reads that one.
bool encloses_fragments(ByteSpan uuid);

}   // namespace millrace::mp4
