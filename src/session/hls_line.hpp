#pragma once

#include "session/hls_place.hpp"
#include "session/http_fetch.hpp"
#include "session/media_reader.hpp"

#include <array>
#include <map>

namespace millrace::session {

/// Units and tracks of a segment, under ids that are the stream's.
struct ReadSegment {
    std::vector<media::Track> tracks;   ///< not seen before
    std::vector<media::AccessUnit> units;
    std::uint64_t dropped = 0;
    std::size_t bytes = 0;
    std::uint64_t clock = 0;
    std::size_t line = 0;
};

/// Gives tracks of several lists ids on one stream: the same kind at the same place of the same list keeps
/// its id.
class TrackIds {
public:
    static constexpr std::size_t tracks_max = 8;

    struct Place {
        std::size_t line = 0;
        media::Kind kind = media::Kind::video;
        std::size_t rank = 0;   ///< among those of its kind
        auto operator<=>(const Place&) const = default;
    };
    /// The id, and whether it is new; nothing where there are too many.
    std::optional<std::pair<media::TrackId, bool>> of(const Place& place);

private:
    std::map<Place, media::TrackId> ids_;
};

/// One media list that is followed, and its segments one after the other. Owned by one HLS pull, on its
/// thread.
class HlsLine {
public:
    /// `number` tells it from the pull's other lists.
    HlsLine(Desk& desk, HttpFetch& fetch, TrackIds& ids, std::size_t number)
        : desk_{desk}, fetch_{fetch}, ids_{ids}, number_{number} {}
    HlsLine(const HlsLine&) = delete;
    HlsLine& operator=(const HlsLine&) = delete;

    /// Reads the list at an address.
    Task<Result<>> load(Url url);
    /// Reads it again where it was.
    Task<Result<>> reload() { return load(list_); }
    /// Takes a list that was read at `url`.
    Result<> take(const hls::MediaPlaylist& list, const Url& url);
    bool has_due() const { return !due_.empty(); }
    /// Reads the next segment; one that is not to be had is tried once more, then left out.
    Task<Result<ReadSegment>> read();

    /// Leaves out what was due: another try has shown it.
    void skip_due() { due_.clear(); }
    /// Names the last segment of the list as it is now.
    const std::string& newest() const { return newest_; }

    bool ended() const { return ended_; }
    bool recording() const { return recording_; }
    /// The list says that its publisher said its end; another may follow.
    bool unpublished() const { return unpublished_; }
    Instant reload_at() const { return reload_at_; }
    /// Not before a while has passed.
    void postpone_reload();
    Duration target() const { return target_; }
    /// What went wrong, where the error alone does not say enough.
    const std::string& words() const { return words_; }

    Instant until;   ///< when the last of its units leaves

private:
    Task<Result<Bytes>> fetch(std::string_view uri, std::optional<hls::ByteRange> range,
                              std::size_t size_max);
    Task<Result<>> prepare_reader(const DueSegment& due);
    Task<Result<ReadSegment>> read(const DueSegment& due);
    void adopt(hub::PublishedItem item, ReadSegment& into);

    Desk& desk_;
    HttpFetch& fetch_;
    TrackIds& ids_;
    std::size_t number_;
    Url list_;
    HlsPlace place_;
    std::deque<DueSegment> due_;
    bool tried_ = false;   // the first of them
    bool loaded_ = false;
    bool ended_ = false;
    bool recording_ = false;
    bool unpublished_ = false;
    Duration target_ = 1s;
    Instant asked_at_;   // for the list
    Instant reload_at_;
    std::string newest_;
    std::string words_;

    std::unique_ptr<MediaReader> reader_;
    std::uint64_t clock_ = 0;   // of the reader's segments
    std::shared_ptr<const hls::InitSection> init_;
    Bytes init_bytes_;
    std::map<media::TrackId, media::TrackId> tracks_;   // ids of the reader, and ours
    std::array<std::size_t, 3> ranks_{};                // tracks of the reader, by kind
};

}   // namespace millrace::session
