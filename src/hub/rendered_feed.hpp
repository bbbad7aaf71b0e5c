#pragma once

#include "hub/derived_feed.hpp"
#include "hub/rendered_pictures.hpp"

namespace millrace::hub {

/// A stream's pictures in one wire form: what the renderer gives back, or JPEGs as they are, written by the
/// muxer into the log. Lives on the stream's home worker; lingers after its last viewer, for a decoder is
/// slow to start.
template <Muxer M>
class RenderedFeed final : public Derived, RenderedPictures::Writer {
public:
    static constexpr Duration linger_for = 10s;

    RenderedFeed(M muxer, PictureWish wish, MakeRenderer make, Executor& home)
        : muxer_{std::move(muxer)}, home_{home}, pictures_{wish, std::move(make), home, *this} {}

    Result<> begin(const MediaFeed& feed, std::span<const media::Track> tracks, Instant now) override {
        muxer_.configure({}, log_, now);
        const Result<> begun = pictures_.begin(feed, tracks);
        tell();
        return begun;
    }
    void renew(std::span<const media::Track> tracks, Instant /*now*/) override { pictures_.renew(tracks); }
    bool takes(const media::Track& track) const override { return RenderedPictures::takes(track); }
    Duration linger() const override { return pictures_.has_renderer() ? linger_for : Duration{}; }

private:
    Bytes lead() const override { return muxer_.lead({}); }
    void say_unpublished(Instant now) override { muxer_.unpublished(log_, now); }
    bool say_lost(Instant now) override { return say_lost_by(muxer_, log_, now); }
    void say_end(Instant now) override { muxer_.end(log_, now); }
    void write_new(Instant /*now*/) override {
        if (!over_) {
            offline_ = false;
            pictures_.pump();
        }
    }
    void write_picture(const media::AccessUnit& picture) override {
        if (over_) {
            return;
        }
        log_.mark_entrance(muxer_.resume());
        muxer_.write(picture, log_, home_.now());
        count(picture, home_.clock().utc());
        log_.request_flush();
        tell();
    }
    void give_up(Error /*why*/) override {
        if (!over_) {
            end(home_.now());
            over_ = true;
        }
    }

    M muxer_;
    Executor& home_;
    RenderedPictures pictures_;
};

}   // namespace millrace::hub
