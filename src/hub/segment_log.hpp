#pragma once

#include "base/answer.hpp"
#include "hub/segment_list.hpp"
#include "hub/segment_seat.hpp"

#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace millrace::hub {

/// The segments of a stream in one form: a sliding window that lists show, and those that left it for as long
/// as a player may still ask for them. Home worker only; what it gives away is immutable.
class SegmentLog {
public:
    static constexpr std::size_t bytes_max = 128U << 20U;   ///< of a form; beyond it the oldest go,
    static constexpr std::size_t listed_min = 3;            ///< but so many stay listed
    static constexpr std::size_t listed_first = 2;          ///< in the first list, if that is soon
    static constexpr std::size_t entries_max = 4096;        ///< listed and kept
    static constexpr std::size_t parked_max = 1024;         ///< requests that wait for the first segment

    /// What a list says besides its segments.
    struct Facts {
        std::int64_t target_duration = 0;
        std::map<std::string, BitRates, std::less<>> rates;
        double frame_rate = 0;
    };

    explicit SegmentLog(std::size_t window) : window_{window}, board_{std::make_shared<SegmentBoard>()} {}
    SegmentLog(const SegmentLog&) = delete;
    SegmentLog& operator=(const SegmentLog&) = delete;
    ~SegmentLog() { board_->show(nullptr); }

    void add(SegmentEntryRef entry, Facts facts, Instant now);
    /// Nothing will follow what is listed.
    void end();
    /// Another run: its first segment begins the list anew; what was listed stays for those who know it.
    void restart(Instant now);

    /// How long a request may wait: for a segment, and where there is one, for the second.
    struct Patience {
        Instant for_any;
        Instant for_second;
    };
    /// Gives the list, or parks the request until there is one. The first list waits a while for a second
    /// segment: GStreamer's hlsdemux2 (1.22) never finds its place again after a list of one.
    void ask(Reply<SegmentListRef> reply, Patience patience);
    /// Refuses whoever waits.
    void refuse_parked(Error error);
    /// What stands under a name; see Directory::fetch.
    Result<media::SegmentPart> find(const std::string& name, Instant now);

    /// Forgets what nobody may ask for any more, and refuses those who waited too long.
    void advance(Instant now);
    Instant deadline() const;   ///< of who waits longest

    const SegmentListRef& list() const { return list_; }
    /// Shows the list as soon as a request for it would not wait.
    const SegmentBoardRef& board() const { return board_; }
    std::size_t bytes() const { return bytes_; }
    std::size_t entries() const { return listed_.size() + kept_.size(); }
    /// How long the newest segment stays fetchable once it leaves the list now.
    Duration keeps_for() const;

private:
    struct Listed {
        SegmentEntryRef entry;
        double longest_list = 0;   // seconds, of the lists it stood in
    };
    struct Kept {
        SegmentEntryRef entry;
        Instant until;
    };
    struct Parked {
        Reply<SegmentListRef> reply;
        Instant deadline;
    };
    struct Init {
        Bytes bytes;
        std::size_t users = 0;   // segments here that need it
    };

    void leave_list(Instant now);
    void drop_oldest_kept();
    void enter(const SegmentEntry& entry);
    void forget(const SegmentEntry& entry);
    void publish(Facts facts);
    void give_to_parked();
    void show() { board_->show(given_ ? list_ : nullptr); }
    static std::vector<media::Track> tracks_of(const std::deque<Listed>& listed);

    std::size_t window_;
    std::deque<Listed> listed_;
    std::deque<Kept> kept_;
    std::unordered_map<std::string, std::pair<const SegmentEntry*, std::size_t>> parts_;   // by name
    std::unordered_map<std::string, Init> inits_;
    std::size_t bytes_ = 0;
    SegmentListRef list_;   // null: none yet
    bool given_ = false;    // somebody has seen a list of this run
    SegmentBoardRef board_;
    std::deque<Parked> parked_;
};

}   // namespace millrace::hub
