#pragma once

#include "hub/playback_report.hpp"
#include "hub/tick_rate.hpp"
#include "net/picture_memory.hpp"
#include "session/decoded_feed.hpp"
#include "session/desk.hpp"

#include <atomic>
#include <optional>
#include <string>

namespace millrace::session {

/// A decoded picture that is lent to whoever shows it; its samples stay as they are until it is given back.
struct LentPicture {
    media_link::Picture what;
    ByteSpan slot;
    std::uint64_t child = 0;   ///< of which it is

    picture_ring::Planes planes() const { return {slot, what.layout}; }
};

/// Who shows what is decoded. Called on the worker; it never waits there.
class PictureSink {
public:
    virtual ~PictureSink() = default;
    /// Now is its moment. It is to be given back, soon: there are few slots, and a child without one waits.
    virtual void on_picture(const LentPicture& picture) = 0;
    /// Black, until the next picture.
    virtual void on_dark(std::string_view why) = 0;
    /// Five times a second.
    virtual void on_report(const hub::PlaybackReport& report) = 0;
};

/// What was made of a picture.
struct Showing {
    bool seen = true;
    Instant at{};
    WallTime utc{};
};

/// A stream that is watched here, decoded by a child: joined whenever it is there, until the desk's
/// conversations end. Owned by a program whose node has one worker, and outlives that node.
class DecodedPlay final : DecodedFeed::Listener {
public:
    static constexpr Duration report_every = 200ms;
    /// How often it is looked whether the stream is there.
    static constexpr Duration look_every = 50ms;

    struct Order {
        std::string stream;
        std::string start = "decode:";   ///< what the child is told
    };
    DecodedPlay(Order order, net::PictureMemory memory, PictureSink& sink)
        : order_{std::move(order)}, memory_{std::move(memory)}, sink_{sink} {}
    DecodedPlay(const DecodedPlay&) = delete;
    DecodedPlay& operator=(const DecodedPlay&) = delete;

    /// Once, on the desk's thread; the desk has a spawner.
    void begin(Desk& desk);
    /// Any thread, while the node runs.
    void give_back(const LentPicture& picture, Showing showing);
    /// Sound is played and not heard, or heard again, from the next report on. Any thread.
    void mute(bool muted) { muted_ = muted; }

private:
    Task<> watch(Desk& desk);
    hub::Flavour flavour(Desk& desk);

    void on_feed(DecodedFeed* feed) override;
    void on_child() override;
    void on_said(media_link::Message message) override;
    void on_dark(std::string_view why) override;
    void on_failed(std::string_view why) override { report_.failed = why; }

    void follow_mute();
    void take_report(media_link::Played played);
    void show(const media_link::Picture& picture);
    void take_back(const LentPicture& picture, Showing showing);
    std::uint64_t received() const { return former_received_ + (feed_ == nullptr ? 0 : feed_->received()); }
    std::uint64_t skipped() const;
    /// Those that came to nothing yet.
    std::uint64_t waiting() const;
    void report();

    Order order_;
    net::PictureMemory memory_;
    PictureSink& sink_;
    Executor* home_ = nullptr;
    DecodedFeed* feed_ = nullptr;   // while somebody has a seat at it
    std::uint64_t child_ = 0;
    std::optional<std::int64_t> newest_pts_;   // that was shown, of this and former children
    std::atomic<bool> muted_ = false;
    bool catches_up_ = false;   // a child that takes over begins with what was shown already
    hub::PlaybackReport report_;
    media_link::Played played_;           // of this child
    media_link::Played former_;           // of those before
    std::uint64_t former_received_ = 0;   // of feeds before
    std::uint64_t former_left_out_ = 0;   // likewise
    hub::TickRate decoded_;
    hub::TickRate shown_;
    hub::LatencyMeter latency_;
};

}   // namespace millrace::session
