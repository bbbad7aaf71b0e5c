#pragma once

#include "capture/source_options.hpp"

#include <array>
#include <memory>
#include <optional>

namespace millrace::capture {

/// `file:`: the first video and the first audio track of a file, demuxed and paced by their own times, never
/// encoded again. With `loop` the file begins anew at its end and the times go on: pictures keep their step,
/// and sound that overhangs the end displaces the first of the next turn.
class FileSource final : public Source {
public:
    /// Behind by more than this (the machine slept), the line is moved instead of sent in a burst.
    static constexpr Duration behind_max = 2s;

    static Outcome<std::unique_ptr<Source>> open(const FileOptions& options, Moment start);
    FileSource(const FileSource&) = delete;
    FileSource& operator=(const FileSource&) = delete;
    ~FileSource() override;

    std::vector<media::Track> tracks() const override;
    Instant due() const override;
    Outcome<std::vector<media::AccessUnit>> produce(Moment moment) override;

private:
    struct Reading;
    struct Pending {
        media::AccessUnit unit;
        Duration at;   ///< on the stream's line
    };

    /// Where a track is on the stream's line.
    struct Line {
        std::optional<Duration> last;   ///< the latest unit
        Duration end{0};                ///< of it
        Duration turn_end{0};           ///< of the latest unit of the turn before
    };

    FileSource(FileOptions options, Moment start);
    Outcome<void> begin_turn();
    /// Reads until each track has begun.
    Outcome<void> find_first();
    /// Where the file's zero lies on the line in the turn that begins.
    Duration next_shift() const;
    /// Finds the next unit; none at the file's end.
    Outcome<void> read_next();
    Outcome<bool> take_packet();
    void place(media::AccessUnit unit);

    FileOptions options_;
    Instant start_;
    std::unique_ptr<Reading> reading_;
    std::optional<Pending> next_;
    Duration shift_{0};
    std::array<Line, 2> lines_;   // by track
};

}   // namespace millrace::capture
