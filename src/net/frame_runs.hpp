#pragma once

#include "base/block_log.hpp"
#include "base/datagrams.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace millrace::net {

/// A stretch of a log of interleaved frames as datagrams would carry it: neighbouring packets of one channel
/// and size are one run, which leaves as one Datagram. It points into the log's blocks and copies nothing;
/// to be read again once the log was told of a change.
class FrameRuns {
public:
    static constexpr std::size_t runs_max = 64;
    static constexpr std::size_t slices_max = 512;   // of all runs

    static constexpr std::size_t head_size = 4;   // of a frame

    struct Run {
        std::uint8_t channel = 0;
        std::size_t segment_size = 0;   ///< of every packet but the last, which may be shorter
        std::size_t packets = 0;
        std::size_t bytes = 0;
        std::uint64_t from = 0;   ///< where it begins in the log
        std::size_t first_slice = 0;
        std::size_t slices = 0;

        /// Where the first packet begins that has not gone altogether, of so many bytes that have.
        std::uint64_t begin_of_rest(std::size_t gone) const {
            return from + gone / segment_size * (segment_size + head_size);
        }
    };

    /// Reads the frames that begin in [from, to), or the first of them, as far as there is room. `from` is
    /// where a frame begins, from < to <= head.
    void read(const LogView& log, std::uint64_t from, std::uint64_t to);
    /// Reads frames that are said before the log is read from there.
    void read(ByteSpan frames, std::uint64_t before);
    void clear() { begin_ = end_ = run_count_ = slice_count_ = 0; }
    /// Whether it begins there and holds something.
    bool begins_at(std::uint64_t from) const { return run_count_ > 0 && begin_ == from; }
    /// Where the first frame begins that was not read.
    std::uint64_t end() const { return end_; }
    std::span<const Run> runs() const { return std::span{runs_}.first(run_count_); }
    std::span<const ByteSpan> slices(const Run& run) const {
        return std::span{slices_}.subspan(run.first_slice, run.slices);
    }

private:
    class Walk;
    void parse(Walk& walk, std::uint64_t to);
    bool add(std::uint8_t channel, std::size_t length, Walk& walk);
    Run* open_run(std::uint8_t channel, std::size_t length);

    std::uint64_t begin_ = 0;
    std::uint64_t end_ = 0;
    std::size_t run_count_ = 0;
    std::size_t slice_count_ = 0;
    std::array<Run, runs_max> runs_;
    std::array<ByteSpan, slices_max> slices_;
};

}   // namespace millrace::net
