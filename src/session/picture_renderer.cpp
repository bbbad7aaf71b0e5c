#include "session/picture_renderer.hpp"

#include <fmt/format.h>

namespace millrace::session {

std::string start_text(const hub::PictureWish& wish) {
    std::string text = "jpeg:";
    const auto add = [&text](std::string_view key, unsigned value) {
        if (value != 0) {
            text += fmt::format("{}{}={}", text.ends_with(':') ? '?' : '&', key, value);
        }
    };
    add("width", wish.width);
    add("height", wish.height);
    add("fps", wish.fps);
    add("quality", wish.quality);
    return text;
}

PictureRenderer::PictureRenderer(Executor& home, Spawner& spawner, PictureOrder order,
                                 hub::Renderer::Listener& listener)
    : listener_{listener},
      child_{home,
             spawner,
             {.who = "pictures",
              .does = "makes pictures",
              .stream = std::move(order.stream),
              .start = start_text(order.wish)},
             *this} {
}

void PictureRenderer::on_message(media_link::Message message) {
    auto* const unit = std::get_if<media::AccessUnit>(&message);
    if (unit != nullptr && unit->config->codec == media::Codec::mjpeg) {
        listener_.on_picture(std::move(*unit));
    }
}

void PictureRenderer::on_failed(std::string_view /*why*/) {
    listener_.on_failed({Errc::unsupported, "the pictures of this stream cannot be made"});
}

hub::MakeRenderer picture_renderer(Spawner& spawner, PictureOrder order) {
    return [&spawner, order = std::move(order)](Executor& home, hub::Renderer::Listener& listener) {
        return std::make_unique<PictureRenderer>(home, spawner, order, listener);
    };
}

}   // namespace millrace::session
