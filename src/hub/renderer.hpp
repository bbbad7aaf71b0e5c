#pragma once

#include "base/executor.hpp"
#include "base/result.hpp"
#include "media/access_unit.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>

namespace millrace::hub {

/// How a viewer wants pictures. Equal wishes share one encode, whatever the wire form; nothing asked is the
/// source's own.
struct PictureWish {
    std::uint16_t width = 0;   ///< 0, with height: as the source
    std::uint16_t height = 0;
    std::uint8_t fps = 0;       ///< at most so many a second; 0: all
    std::uint8_t quality = 0;   ///< 1 to 100; 0: not asked

    auto operator<=>(const PictureWish&) const = default;
    /// Whether a JPEG passes as it is, but for the rate.
    bool as_source() const { return width == 0 && quality == 0; }
};

/// Makes pictures (MJPEG) of the units of one video track, elsewhere. Owned by a stream's rendered pictures,
/// on its home worker; destroying it ends it, and its listener hears nothing more.
class Renderer {
public:
    /// Who hears what comes of it; on the home worker, never from inside `offer` or the maker.
    class Listener {
    public:
        /// It takes units from now on. What it had before is lost to it: begin with a key frame.
        virtual void on_ready() = 0;
        /// Its times are those of the unit that it shows.
        virtual void on_picture(media::AccessUnit picture) = 0;
        /// No pictures will come of it.
        virtual void on_failed(Error why) = 0;

    protected:
        ~Listener() = default;
    };

    virtual ~Renderer() = default;
    /// Takes a unit, or not, where it has no room: go on with a key frame, later.
    virtual bool offer(const media::AccessUnit& unit) = 0;
};

using MakeRenderer = std::function<std::unique_ptr<Renderer>(Executor& home, Renderer::Listener& listener)>;

}   // namespace millrace::hub
