#pragma once

#include "base/child.hpp"
#include "base/executor.hpp"
#include "hub/renderer.hpp"

#include <memory>
#include <string>

namespace millrace::session {

/// What pictures are to be made of which stream.
struct PictureOrder {
    std::string stream;   ///< for the log
    hub::PictureWish wish;
};

/// A child's start text: "jpeg:?width=640&height=360&fps=10&quality=80", without what is not asked.
std::string start_text(const hub::PictureWish& wish);

/// The real renderer: one child process over media_link, started anew when it dies. The first time it is
/// there again at once, then after pauses that double; one that never gives a picture is given up.
/// `spawner` outlives it.
class PictureRenderer final : public hub::Renderer {
public:
    static constexpr Duration pause_min = 100ms;
    static constexpr Duration pause_max = 10s;
    /// Children in a row that gave no picture; the last one's words are the reason.
    static constexpr int fruitless_max = 5;
    /// Bytes that a child has not taken yet: as much as a feed keeps, so that a group of pictures fits.
    static constexpr std::size_t under_way_max = std::size_t{8} << 20U;

    PictureRenderer(Executor& home, Spawner& spawner, PictureOrder order, Listener& listener);
    PictureRenderer(const PictureRenderer&) = delete;
    PictureRenderer& operator=(const PictureRenderer&) = delete;
    ~PictureRenderer() override;

    bool offer(const media::AccessUnit& unit) override;

private:
    class Talk;
    class Work;
    Work* work_ = nullptr;   // the coroutine's, which ends soon after this; null once it has
};

/// Renderers by children of this spawner, which outlives all streams.
hub::MakeRenderer picture_renderer(Spawner& spawner, PictureOrder order);

}   // namespace millrace::session
