#pragma once

#include "hub/media_feed.hpp"
#include "hub/picture_pace.hpp"
#include "hub/renderer.hpp"

#include <optional>
#include <span>

namespace millrace::hub {

/// The pictures of a stream's video, whatever its codec: JPEGs pass as they are where nothing else is asked;
/// the units of other codecs go to a renderer, and its pictures come back in order, none twice. Owned by a
/// rendered feed, on the stream's home worker.
///
/// A renderer that begins, or begins again after a crash, gets the group of pictures under way. Until it has
/// caught up only a viewer that has seen nothing yet is shown one of those.
class RenderedPictures final : Renderer::Listener {
public:
    /// A renderer so far behind the live edge, in the stream's time, gets key frames only until it is not.
    static constexpr Duration lag_max = 2s;

    /// Who writes them.
    class Writer {
    public:
        virtual void write_picture(const media::AccessUnit& picture) = 0;
        /// Pictures cannot be made any more.
        virtual void give_up(Error why) = 0;

    protected:
        ~Writer() = default;
    };

    RenderedPictures(PictureWish wish, MakeRenderer make, Executor& home, Writer& writer)
        : wish_{wish}, make_{std::move(make)}, home_{home}, writer_{writer}, pace_{wish.fps} {}
    RenderedPictures(const RenderedPictures&) = delete;
    RenderedPictures& operator=(const RenderedPictures&) = delete;
    ~RenderedPictures() = default;

    /// Whether pictures can be had of a track.
    static bool takes(const media::Track& track);
    /// Errc::unsupported: no track that has any; Errc::malformed: larger than the source was asked for.
    Result<> begin(const MediaFeed& feed, std::span<const media::Track> tracks);
    /// Another publisher's tracks.
    void renew(std::span<const media::Track> tracks);
    /// Takes what the feed got since.
    void pump();
    bool has_renderer() const { return renderer_ != nullptr; }

private:
    void on_ready() override;
    void on_picture(media::AccessUnit picture) override;
    void on_failed(Error why) override { writer_.give_up(why); }

    void choose(std::span<const media::Track> tracks);
    void take(const media::AccessUnit& unit);
    void offer(const media::AccessUnit& unit);
    bool lags() const;

    PictureWish wish_;
    MakeRenderer make_;
    Executor& home_;
    Writer& writer_;
    PicturePace pace_;
    const MediaFeed* feed_ = nullptr;
    std::optional<MediaFeed::Cursor> cursor_;
    std::optional<media::TrackId> track_;
    std::unique_ptr<Renderer> renderer_;
    bool ready_ = false;
    bool awaits_key_ = true;
    std::optional<std::int64_t> offered_;    // pts of the newest unit that the renderer took
    std::optional<std::int64_t> answered_;   // pts of its newest picture, since it began
    std::optional<std::int64_t> written_;    // pts of the newest that was shown
    std::int64_t caught_up_ = 0;             // pictures before it are of the past
    std::uint64_t skipped_ = 0;              // units since the renderer took one
};

}   // namespace millrace::hub
