#pragma once

#include "archive/batch.hpp"
#include "archive/chunker.hpp"
#include "archive/run_clock.hpp"
#include "hub/recording.hpp"

#include <array>
#include <functional>
#include <optional>

namespace millrace::archive {

/// Whether the disk's queue took the batch; one that is not taken is gone.
using GiveBatch = std::function<bool(Batch batch)>;

/// Records one stream: its units become chunks, which go to the disk in batches while it keeps up. While it
/// does not, units wait in the stream's feed under a reservation; what that cannot hold any more is a gap.
/// Home worker only.
class Recorder final : public hub::Recording, Timer {
public:
    static constexpr std::size_t under_way_max = 4U << 20U;   ///< bytes given to the disk and not yet written
    static constexpr std::size_t file_size_max = 64U << 20U;   ///< a file ends with the fragment that passes
    static constexpr Duration file_duration_max = 600s;        ///< one of these
    static constexpr Duration retry_after = 2s;                ///< when the disk failed
    static constexpr Duration look_every = 250ms;
    static constexpr std::size_t early_max = 512;    ///< units of a new configuration before its segment
    static constexpr std::size_t ahead_max = 64;     ///< of sound that comes before its picture
    static constexpr Duration command_within = 1s;   ///< a wish comes so long after it was said
    /// Results that wait for the next chunk; what comes while the disk is slow is not kept beyond it.
    static constexpr std::size_t results_size_max = 1U << 20U;

    Recorder(const hub::RecordingSource& source, GiveBatch give);
    ~Recorder() override;

    void pump(Instant now) override;
    void say(const media::TimedMessage& message) override;
    void pause(std::string_view cause) override;
    void wish(const hub::RecordingWish& wish) override;
    hub::RecordingReport report() const override;

private:
    void on_time() override;
    void take(const media::AccessUnitRef& unit, Instant now);
    /// Lets go of the past but for what a recording would begin with.
    void hold(Instant now);
    /// Remembers what coding and clock say at a unit.
    void learn(const media::AccessUnit& unit);
    /// Begins a file with the segment that begins with this unit, unless that is not kept.
    void begin_file(const media::AccessUnit& unit, Instant now);
    void end_file(std::string_view cause);
    /// Keeps a unit that may belong to a segment which is still to begin.
    void keep_early(const media::AccessUnitRef& unit, std::size_t count_max);
    /// Gives the chunker what came before the segment that began, and belongs to it.
    void take_early(const media::Cut* cut);
    void gather();
    void put(const RecordHead& head, Bytes chunk);
    /// What was said of the pictures so far, as a chunk of its own behind this one.
    void put_results(RecordHead behind);
    void send(bool last);
    void heed_trouble(Instant now);
    /// What is not on its way is lost; a new file begins with the next segment.
    void give_up(std::string_view cause);
    bool file_has(const media::AccessUnit& unit) const;
    /// Whether a track that is kept came, or is coded otherwise than the file says.
    bool has_changed() const;

    hub::RecordingSource source_;
    hub::RecordingWish wish_;
    GiveBatch give_;
    hub::MediaFeed::Reservation reservation_;
    std::uint64_t lost_ = 0;
    Chunker chunker_;
    RunClock clock_;
    ProgressRef progress_ = std::make_shared<Progress>();
    std::vector<std::byte> results_;
    std::uint32_t results_said_ = 0;
    RecordHead newest_;   // of the chunks of media
    std::vector<BatchItem> items_;
    std::size_t items_bytes_ = 0;

    std::array<media::ConfigRef, Chunker::tracks_max> configs_;   // of the newest units
    bool open_ = false;
    std::array<media::ConfigRef, Chunker::tracks_max> in_file_;
    std::size_t file_size_ = 0;
    Instant file_began_;
    std::vector<media::AccessUnitRef> early_;   // for the file that comes with the next segment
    std::string cause_;                         // of the gap under way
    std::string trouble_;
    Instant retry_at_;
};

}   // namespace millrace::archive
