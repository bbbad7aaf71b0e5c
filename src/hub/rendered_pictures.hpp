#pragma once

#include "hub/media_feed.hpp"
#include "hub/picture_pace.hpp"
#include "hub/renderer.hpp"

#include <optional>
#include <span>
#include <vector>

namespace millrace::hub {

/// The pictures of a stream's video for one wish, whatever its codec, as a feed of JPEGs that derived feeds
/// read like the stream's own: however many wire forms write them, they are made once. JPEGs pass as they are
/// where nothing else is asked; the units of other codecs go to a renderer, and its pictures come back in
/// order, none twice. Owned by the stream, on its home worker, and outlives the forms that read it.
///
/// A renderer that begins, or begins again after a crash, gets the group of pictures under way. Until it has
/// caught up only viewers that have seen nothing yet are shown one of those.
class RenderedPictures final : Renderer::Listener {
public:
    /// A renderer so far behind the live edge, in the stream's time, gets key frames only until it is not.
    static constexpr Duration lag_max = 2s;
    /// It lives on so long without a form, for a decoder is slow to start.
    static constexpr Duration linger_max = 10s;

    /// Who hears of them, on the home worker; it does not end the pictures from inside.
    class Listener {
    public:
        /// One more lies in their feed.
        virtual void on_picture(const PictureWish& wish) = 0;
        /// None can be made any more.
        virtual void on_pictures_over(const PictureWish& wish) = 0;

    protected:
        ~Listener() = default;
    };

    RenderedPictures(PictureWish wish, MakeRenderer make, Executor& home, Listener& listener)
        : wish_{wish}, make_{std::move(make)}, home_{home}, listener_{listener}, pace_{wish.fps} {}
    RenderedPictures(const RenderedPictures&) = delete;
    RenderedPictures& operator=(const RenderedPictures&) = delete;
    ~RenderedPictures() = default;

    /// Errc::unsupported: no track that has any; Errc::malformed: larger than the source was asked for.
    Result<> begin(const MediaFeed& source, std::span<const media::Track> tracks);
    /// Another publisher's tracks.
    void renew(std::span<const media::Track> tracks);
    /// Takes what the stream's feed got since.
    void pump();

    /// The newest picture, and those that come.
    const MediaFeed& feed() const { return feed_; }
    /// Its one track; none while the publisher has no video.
    std::vector<media::Track> tracks() const;
    /// None can be made any more: newcomers need others.
    bool over() const { return over_; }
    Duration linger() const { return renderer_ != nullptr && !over_ ? linger_max : Duration{}; }
    /// When the last form left; for the stream, which keeps them for `linger`.
    Instant unread_since;

private:
    void on_ready() override;
    void on_picture(media::AccessUnit picture) override;
    void on_failed(Error why) override;

    void choose(std::span<const media::Track> tracks);
    void take(const media::AccessUnitRef& unit);
    void offer(const media::AccessUnit& unit);
    void show(media::AccessUnitRef picture);
    bool lags() const;

    PictureWish wish_;
    MakeRenderer make_;
    Executor& home_;
    Listener& listener_;
    PicturePace pace_;
    std::optional<MediaFeed::Cursor> cursor_;
    const MediaFeed* source_ = nullptr;
    MediaFeed feed_;
    std::optional<media::TrackId> track_;
    std::unique_ptr<Renderer> renderer_;
    bool over_ = false;
    bool ready_ = false;
    bool awaits_key_ = true;
    std::optional<std::int64_t> offered_;    // pts of the newest unit that the renderer took
    std::optional<std::int64_t> answered_;   // pts of its newest picture, since it began
    std::optional<std::int64_t> written_;    // pts of the newest that was shown
    std::int64_t caught_up_ = 0;             // pictures before it are of the past
    std::uint64_t skipped_ = 0;              // units since the renderer took one
};

}   // namespace millrace::hub
