#pragma once

#include "hub/derived_feed.hpp"
#include "session/child_at_work.hpp"

#include <optional>

namespace millrace::session {

/// A stream as a child decodes it: its units go to the child, what the child says comes to the listener, and
/// its log stays empty. Lives on the stream's home worker; owned by the stream while somebody has a seat at
/// it.
class DecodedFeed final : public hub::Derived, ChildAtWork::Listener {
public:
    /// Nothing has come for so long: there is nothing to look at.
    static constexpr Duration silent_after = 2s;
    /// After the sender's end its last pictures are shown for so long, and its only one where it came later.
    static constexpr Duration last_pictures = 300ms;

    /// Who hears of it, on the same worker; never from inside a call of the listener's own. It outlives this.
    class Listener {
    public:
        /// There is a feed, or, with null, none any more.
        virtual void on_feed(DecodedFeed* feed) = 0;
        /// A new child begins: what the one before said of itself and its slots is over.
        virtual void on_child() = 0;
        virtual void on_said(media_link::Message message) = 0;
        /// There is nothing to see until the next picture.
        virtual void on_dark(std::string_view why) = 0;
        virtual void on_failed(std::string_view why) = 0;

    protected:
        ~Listener() = default;
    };

    DecodedFeed(Executor& home, Spawner& spawner, ChildOrder order, Listener& listener);
    DecodedFeed(const DecodedFeed&) = delete;
    DecodedFeed& operator=(const DecodedFeed&) = delete;
    ~DecodedFeed() override;

    /// To the child that is there now.
    bool say(const media_link::Message& message) { return child_.say(message); }
    /// Units of pictures so far, and of them those that no child got.
    std::uint64_t received() const { return received_; }
    std::uint64_t skipped() const { return skipped_; }
    /// It was told that there is nothing to see; pictures that still come are of an end that was said.
    bool is_past_end() const { return past_end_; }

    Result<> begin(const hub::MediaFeed& feed, std::span<const media::Track> tracks, Instant now) override;
    void renew(std::span<const media::Track> /*tracks*/, Instant /*now*/) override {}
    bool takes(const media::Track& track) const override;
    void unpublished(Instant now) override;
    void lost(Instant now) override;
    void end(Instant now) override;

private:
    void write_new(Instant now) override;
    Bytes lead() const override { return {}; }
    void on_ready() override;
    void on_message(media_link::Message message) override;
    void on_failed(std::string_view why) override { listener_.on_failed(why); }

    void offer(const media::AccessUnit& unit);
    void begin_anew();
    void fall_silent();
    void end_soon(std::string_view why);

    Executor& home_;
    Listener& listener_;
    std::optional<hub::MediaFeed::Cursor> cursor_;
    const hub::MediaFeed* feed_ = nullptr;
    bool ready_ = false;
    bool awaits_key_ = true;
    std::optional<media::TrackId> picture_track_;
    bool dark_ = true;
    std::string_view ended_;   // why, since the last unit; empty: it did not
    bool shown_ = false;       // a picture of what ended, or goes on
    bool past_end_ = false;
    std::uint64_t received_ = 0;
    std::uint64_t skipped_ = 0;
    Alarm<DecodedFeed, &DecodedFeed::fall_silent> silence_{*this};
    ChildAtWork child_;
};

}   // namespace millrace::session
