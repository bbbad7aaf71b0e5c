#include "net/frame_runs.hpp"

#include "base/check.hpp"

#include <algorithm>

namespace millrace::net {

namespace {

/// RFC 2326 §10.12:  '$' | channel u8 | length u16 | a packet
constexpr std::size_t frame_max = FrameRuns::head_size + 0xFFFF;
/// Blocks that a stretch is gathered from; a frame may lie in as many as its size asks for.
constexpr std::size_t blocks_max = 64;
static_assert(blocks_max * BlockLog::block_size_min > 2 * frame_max);
/// A packet may lie in as many pieces.
constexpr std::size_t pieces_max = frame_max / BlockLog::block_size_min + 2;
static_assert(pieces_max <= Datagrams::slices_max);

}   // namespace

/// A place in bytes that lie in several blocks.
class FrameRuns::Walk {
public:
    explicit Walk(std::span<const ByteSpan> slices) : slices_{slices} {
        for (const ByteSpan slice : slices) {
            left_ += slice.size();
        }
    }
    std::size_t left() const { return left_; }
    /// The next piece, of at most so many bytes; there is at least one byte left.
    ByteSpan piece(std::size_t max) {
        while (at_ == slices_.front().size()) {
            slices_ = slices_.subspan(1);
            at_ = 0;
        }
        const ByteSpan piece = slices_.front().subspan(at_, std::min(max, slices_.front().size() - at_));
        at_ += piece.size();
        left_ -= piece.size();
        return piece;
    }
    std::uint8_t u8() { return static_cast<std::uint8_t>(piece(1).front()); }

private:
    std::span<const ByteSpan> slices_;
    std::size_t at_ = 0;
    std::size_t left_ = 0;
};

void FrameRuns::read(const LogView& log, std::uint64_t from, std::uint64_t to) {
    clear();
    begin_ = end_ = from;
    std::array<ByteSpan, blocks_max> blocks;
    const std::size_t count = log.gather(from, std::min(log.head(), to + frame_max), blocks);
    Walk walk{std::span{blocks}.first(count)};
    parse(walk, to);
}

void FrameRuns::read(ByteSpan frames, std::uint64_t before) {
    clear();
    begin_ = end_ = before;
    Walk walk{std::span{&frames, 1}};
    parse(walk, before + frames.size());
}

void FrameRuns::parse(Walk& walk, std::uint64_t to) {
    while (end_ < to && walk.left() >= head_size) {
        const std::uint8_t dollar = walk.u8();
        const std::uint8_t channel = walk.u8();
        const std::size_t high = walk.u8();
        const std::size_t length = high << 8U | walk.u8();
        check(dollar == '$' && length > 0, "a log of interleaved frames holds nothing else");
        if (walk.left() < length || !add(channel, length, walk)) {
            break;
        }
        end_ += head_size + length;
    }
}

bool FrameRuns::add(std::uint8_t channel, std::size_t length, Walk& walk) {
    Run* const run = open_run(channel, length);
    if (run == nullptr) {
        return false;
    }
    run->bytes += length;
    ++run->packets;
    while (length > 0) {
        const ByteSpan piece = walk.piece(length);
        length -= piece.size();
        slices_[slice_count_++] = piece;
        ++run->slices;
    }
    return true;
}

/// The run that a packet of this size goes into; null if there is no room.
FrameRuns::Run* FrameRuns::open_run(std::uint8_t channel, std::size_t length) {
    if (slices_max - slice_count_ < pieces_max) {
        return nullptr;
    }
    if (run_count_ > 0) {
        Run& last = runs_[run_count_ - 1];
        const bool goes_on = last.channel == channel && length <= last.segment_size &&
                             last.bytes == last.packets * last.segment_size &&   // no shorter one ended it
                             last.packets < Datagrams::segments_max &&
                             last.bytes + length <= Datagrams::bytes_max &&
                             last.slices + pieces_max <= Datagrams::slices_max;
        if (goes_on) {
            return &last;
        }
    }
    if (run_count_ == runs_max) {
        return nullptr;
    }
    Run& run = runs_[run_count_++];
    run = {.channel = channel, .segment_size = length, .from = end_, .first_slice = slice_count_};
    return &run;
}

}   // namespace millrace::net
