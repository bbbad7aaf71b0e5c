#pragma once

#include "base/block_log.hpp"
#include "hub/flavour.hpp"
#include "hub/latency.hpp"
#include "hub/media_feed.hpp"
#include "media/access_unit.hpp"
#include "media/timed_message.hpp"

#include <concepts>
#include <iterator>
#include <map>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace millrace::hub {

/// What turns access units into one wire form. It never waits for the next one.
template <class M>
concept Muxer = requires(M muxer, const M& constant, std::span<const media::Track> tracks, BlockLog& log,
                         Instant now, const media::Track& track, const media::AccessUnit& unit) {
    { constant.carries(track) } -> std::same_as<bool>;
    // Says new or changed tracks in band; false where the form has no words for it: the log then ends, and
    // viewers who come again find a new one.
    { muxer.configure(tracks, log, now) } -> std::same_as<bool>;
    muxer.write(unit, log, now);   // one or more messages
    muxer.unpublished(log, now);   // the publisher said it ends; another may follow
    muxer.end(log, now);           // nothing will follow
    // And, where the form has words for it, message(message, log, now), of what is said beside the frames,
    // and expect_messages(kind) before the first configure where there were some before; lost(log, now): the
    // publisher left without a word. Where there is a constant `ends_with_publisher` that is true, the log
    // ends with the publisher's word.
    { constant.lead(tracks) } -> std::same_as<Bytes>;   // told by tracks and configure() alone
    { constant.resume() } -> std::same_as<Bytes>;
};

/// A stream in one wire form, made once for all its viewers, on the stream's home worker: reads the feed,
/// appends to a log, tells the mirrors. Started by its first viewer, stopped after its last.
class Derived {
public:
    virtual ~Derived() = default;

    /// Takes what it can of `tracks`. Errc::unsupported if that is nothing.
    virtual Result<> begin(const MediaFeed& feed, std::span<const media::Track> tracks, Instant now) = 0;
    /// Another publisher: its tracks take the place of those before.
    virtual void renew(std::span<const media::Track> tracks, Instant now) = 0;
    /// Writes what the feed got since; `utc`, if given, counts how long each unit took to here.
    void pump(Instant now, WallTime utc = {}) {
        utc_ = utc;
        write_new(now);
    }
    /// Whether it takes a configured track of a stream.
    virtual bool takes(const media::Track& track) const = 0;
    // Its publisher said its end, was lost, will not come again.
    virtual void unpublished(Instant now);
    virtual void lost(Instant now);
    virtual void end(Instant now);

    /// Says it beside the frames, where the form has words for it; it leaves at once.
    void say(const media::TimedMessage& message, Instant now);
    /// There were messages of that kind before it began.
    virtual void expect_messages(media::TimedMessage::Kind /*kind*/) {}

    void attach(MirrorRef mirror, StreamHandle stream);
    void detach(const MirrorRef& mirror) { std::erase(mirrors_, mirror); }
    bool watched() const { return !mirrors_.empty(); }
    std::size_t memory() const { return log_.memory(); }
    /// The form could not follow a change: this log has ended, newcomers need another.
    bool over() const { return over_; }
    /// Units written since it was started.
    std::uint64_t muxed() const { return muxed_; }
    const LatencyMeter& latency() const { return latency_; }

protected:
    virtual void write_new(Instant now) = 0;
    void count(const media::AccessUnit& unit) {
        ++muxed_;
        if (utc_ != WallTime{}) {
            latency_.count(unit.capture.utc, utc_);
        }
    }
    virtual Bytes lead() const = 0;
    // What the form says of these; `say_lost`: whether it has words for it.
    virtual void say_unpublished(Instant /*now*/) {}
    virtual bool say_lost(Instant /*now*/) { return false; }
    virtual void say_message(const media::TimedMessage& /*message*/, Instant /*now*/) {}
    virtual void say_end(Instant /*now*/) {}
    virtual bool ends_with_publisher() const { return false; }
    /// Tells every mirror what changed.
    void tell();

    BlockLog log_;
    bool offline_ = false;
    bool over_ = false;

private:
    std::uint64_t muxed_ = 0;
    WallTime utc_;
    LatencyMeter latency_;
    std::vector<MirrorRef> mirrors_;
};

/// The derived feed of one flavour: reads the stream's feed, or that of its pictures, lets its muxer write
/// into the log, tells the mirrors. Lives on the stream's home worker, from its first viewer to its last.
template <Muxer M>
class DerivedFeed final : public Derived {
public:
    DerivedFeed(M muxer, FlavourKey key) : muxer_{std::move(muxer)}, key_{key} {}

    Result<> begin(const MediaFeed& feed, std::span<const media::Track> tracks, Instant now) override {
        choose(tracks);
        if (tracks_.empty()) {
            return fail(Errc::unsupported, "this format carries none of the stream's tracks");
        }
        if (!muxer_.configure(tracks_, log_, now)) {
            return fail(Errc::unsupported, "this format cannot carry the stream's tracks together");
        }
        lead_ = muxer_.lead(tracks_);
        cursor_.emplace(feed);
        pump(now);
        return {};
    }

    void renew(std::span<const media::Track> tracks, Instant now) override {
        const std::vector<media::Track> before = std::exchange(tracks_, {});
        choose(tracks);
        lead_ = muxer_.lead(tracks_);
        const auto same = [](const media::Track& a, const media::Track& b) {
            return a.id == b.id && a.config == b.config;
        };
        if (!std::ranges::equal(before, tracks_, same)) {
            configure(now);
        }
    }

    bool takes(const media::Track& track) const override {
        return track.config != nullptr && muxer_.carries(track) && (!key_.only || *key_.only == track.kind);
    }

    void expect_messages(media::TimedMessage::Kind kind) override {
        if constexpr (requires { muxer_.expect_messages(kind); }) {
            muxer_.expect_messages(kind);
        }
    }

    void write_new(Instant now) override {
        while (!over_) {
            const media::AccessUnitRef unit = cursor_->next();
            if (unit == nullptr) {
                break;
            }
            offline_ = false;
            if (!follow(*unit, now)) {
                continue;
            }
            const bool video = unit->kind() == media::Kind::video;
            if (unit->key && (video || !has_video())) {
                log_.mark_entrance(muxer_.resume());
            }
            const std::uint64_t before = log_.head();
            muxer_.write(*unit, log_, now);
            count(*unit);
            if (video && log_.head() != before) {
                log_.end_picture();
            }
            if (video) {
                log_.request_flush();
            }
        }
        tell();
    }

private:
    Bytes lead() const override { return lead_; }
    void say_unpublished(Instant now) override { muxer_.unpublished(log_, now); }
    bool say_lost(Instant now) override {
        constexpr bool has_words = requires { muxer_.lost(log_, now); };
        if constexpr (has_words) {
            muxer_.lost(log_, now);
        }
        return has_words;
    }
    void say_message(const media::TimedMessage& message, Instant now) override {
        constexpr bool has_words = requires { muxer_.message(message, log_, now); };
        if constexpr (has_words) {
            // Nobody began before the first entrance.
            if (log_.has_entrance()) {
                muxer_.message(message, log_, now);
            }
        }
    }
    void say_end(Instant now) override { muxer_.end(log_, now); }
    bool ends_with_publisher() const override {
        return requires { requires M::ends_with_publisher; };
    }

    void choose(std::span<const media::Track> tracks) {
        tracks_.clear();
        std::ranges::copy_if(tracks, std::back_inserter(tracks_),
                             [this](const media::Track& track) { return takes(track); });
    }
    bool has_video() const {
        return std::ranges::any_of(tracks_,
                                   [](const auto& track) { return track.kind == media::Kind::video; });
    }

    /// Whether the unit's track is taken; a late track or a changed configuration opens a new period.
    bool follow(const media::AccessUnit& unit, Instant now) {
        auto track = std::ranges::find(tracks_, unit.track, &media::Track::id);
        if (track != tracks_.end() && track->config == unit.config) {
            return true;
        }
        media::Track changed{.id = unit.track, .kind = unit.kind(), .config = unit.config};
        if (track != tracks_.end()) {
            changed.language = track->language;
            changed.origin = track->origin;
        }
        if (!takes(changed)) {
            return false;
        }
        if (track != tracks_.end()) {
            *track = changed;
        } else {
            tracks_.push_back(changed);
        }
        return configure(now);
    }

    bool configure(Instant now) {
        if (!over_ && !muxer_.configure(tracks_, log_, now)) {
            over_ = true;
            log_.end();
        }
        lead_ = muxer_.lead(tracks_);
        return !over_;
    }

    M muxer_;
    FlavourKey key_;
    std::vector<media::Track> tracks_;
    Bytes lead_;   // of these tracks: each change of the log says it, and it seldom changes
    std::optional<MediaFeed::Cursor> cursor_;
};

/// A flavour whose muxer is what `make` returns; called on the stream's home worker.
template <class Make>
    requires Muxer<std::invoke_result_t<Make>>
Flavour flavour_of(FlavourKey key, Make make) {
    return {key, [key, make = std::move(make)](Executor& /*home*/) {
                return std::make_unique<DerivedFeed<std::invoke_result_t<Make>>>(make(), key);
            }};
}
/// A flavour of muxer M that needs to know nothing.
template <Muxer M>
Flavour flavour(FlavourKey key) {
    return flavour_of(key, [] { return M{}; });
}

}   // namespace millrace::hub
