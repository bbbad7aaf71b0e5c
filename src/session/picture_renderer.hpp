#pragma once

#include "hub/renderer.hpp"
#include "session/child_at_work.hpp"

#include <string>

namespace millrace::session {

/// What pictures are to be made of which stream.
struct PictureOrder {
    std::string stream;   ///< for the log
    hub::PictureWish wish;
};

/// A child's start text: "jpeg:?width=640&height=360&fps=10&quality=80", without what is not asked.
std::string start_text(const hub::PictureWish& wish);

/// The real renderer: a child at work. `spawner` outlives it.
class PictureRenderer final : public hub::Renderer, ChildAtWork::Listener {
public:
    PictureRenderer(Executor& home, Spawner& spawner, PictureOrder order, hub::Renderer::Listener& listener);

    bool offer(const media::AccessUnit& unit) override { return child_.offer(unit); }

private:
    void on_ready() override { listener_.on_ready(); }
    void on_message(media_link::Message message) override;
    void on_failed(std::string_view why) override;

    hub::Renderer::Listener& listener_;
    ChildAtWork child_;
};

/// Renderers by children of this spawner, which outlives all streams.
hub::MakeRenderer picture_renderer(Spawner& spawner, PictureOrder order);

}   // namespace millrace::session
