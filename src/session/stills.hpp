#pragma once

#include "hub/directory.hpp"
#include "session/still_cache.hpp"
#include "session/still_maker.hpp"

#include <map>

namespace millrace::session {

/// What somebody wants to see.
struct StillWish {
    StillKey key;
    /// What is at hand: wakes no source, waits for no key frame, and is content with an earlier picture
    /// where the stream is gone.
    bool at_hand = false;

    auto operator<=>(const StillWish&) const = default;
};

/// Single pictures of streams, made only while somebody asks: at most one of a stream and width in
/// `renewed_after`, which all who ask meanwhile share. Pictures of an MJPEG stream are its own, the newest at
/// any time. Everything but `ask` happens on one executor, the one aside; it outlives the conversations
/// there.
class Stills {
public:
    static constexpr Duration renewed_after = 5s;
    /// For a stream's first key frame.
    static constexpr Duration key_frame_patience = 10s;
    /// Wishes that are being fulfilled, and those who wait for one of them.
    static constexpr std::size_t wishes_max = 256;
    static constexpr std::size_t waiters_max = 1024;
    /// A stream whose frames ended the child so often within `left_out_for` gets no pictures for that long.
    static constexpr int kills_max = 2;
    static constexpr Duration left_out_for = 10min;
    static constexpr std::size_t suspects_max = 1024;
    /// A picture that is older is not shown in place of a stream that is gone.
    static constexpr Duration remembered_for = 1h;

    Stills(Executor& home, hub::Directory& directory, Spawner& spawner)
        : home_{home}, directory_{directory}, maker_{home, spawner} {}
    Stills(const Stills&) = delete;
    Stills& operator=(const Stills&) = delete;

    /// Any thread. Errors of Directory::key_frame, and of StillMaker::make; exhausted also for a stream that
    /// is left out.
    void ask(StillWish wish, Reply<StillRef> reply);
    /// A picture of a frame that the asker has, which nobody else gets. Any thread. Errors of
    /// StillMaker::make; exhausted also where too many wait, or the stream is left out.
    void ask_of(StillKey key, media::AccessUnitRef frame, Reply<Bytes> reply);

private:
    /// A stream over whose frames the child died.
    struct Suspect {
        int kills = 0;
        Instant last;
    };

    void serve(StillWish wish, Reply<StillRef> reply);
    Task<> fulfil(StillWish wish);
    Task<> fulfil_of(StillKey key, media::AccessUnitRef frame, Reply<Bytes> reply);
    Task<Result<StillRef>> find(const StillWish& wish);
    Task<Result<StillRef>> make(const StillKey& key, const hub::KeyFrame& frame);
    Task<Result<Bytes>> picture_of(const StillKey& key, media::AccessUnitRef frame);
    /// The picture that is fresh enough to be given again, or why there is none.
    std::optional<Result<StillRef>> fresh(const StillKey& key);
    Result<StillRef> earlier(const StillKey& key, Error why);
    bool is_left_out(const std::string& stream);
    /// One more died over a frame of this stream; true if that was once too often.
    bool blame(const std::string& stream);

    Executor& home_;
    hub::Directory& directory_;
    StillMaker maker_;
    StillCache cache_;
    std::map<StillWish, std::vector<Reply<StillRef>>> wishes_;   // under way, with those who wait
    std::size_t waiters_ = 0;
    std::map<std::string, Suspect> suspects_;
};

}   // namespace millrace::session
