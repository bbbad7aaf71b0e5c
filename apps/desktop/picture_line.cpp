#include "apps/desktop/picture_line.hpp"

#include "media/rgb.hpp"

#include <signal.h>

namespace millrace::apps {

PictureLine::PictureLine(Ends ends) : ends_{std::move(ends)}, thread_{[this] { run(); }} {
}

void PictureLine::stop() {
    if (thread_.joinable()) {
        queue_.close();
        thread_.join();
    }
}

void PictureLine::put(Item item) {
    const std::optional<session::LentPicture> picture = item.picture;
    if (!queue_.push(std::move(item)) && picture) {
        ends_.unseen(*picture);
    }
}

QSize PictureLine::fitted(QSize picture, QSize area) {
    return picture.isEmpty() || area.isEmpty() ? QSize{} : picture.scaled(area, Qt::KeepAspectRatio);
}

Frame PictureLine::made(const session::LentPicture& picture) const {
    const picture_ring::Layout layout = picture.what.layout;
    const std::size_t size = media::rgb_size(layout);
    auto pixels = std::make_unique_for_overwrite<std::byte[]>(size);
    media::to_rgb(picture.planes(), {layout, picture.what.colours, media::RgbOrder::rgb},
                  {pixels.get(), size});
    const auto* const bytes = reinterpret_cast<const uchar*>(pixels.get());
    const int width = static_cast<int>(layout.width);
    const int height = static_cast<int>(layout.height);
    QImage whole{bytes,
                 width,
                 height,
                 width * 3,
                 QImage::Format_RGB888,
                 [](void* held) { delete[] static_cast<std::byte*>(held); },
                 pixels.release()};
    const std::uint64_t area = area_;
    const QSize wanted = fitted(whole.size(), {int(area >> 32), int(area & 0xFFFFFFFF)});
    QImage drawn = whole.convertToFormat(QImage::Format_RGB32);
    if (!wanted.isEmpty() && wanted != drawn.size()) {
        drawn = drawn.scaled(wanted, Qt::IgnoreAspectRatio, Qt::SmoothTransformation);
    }
    return {.fitted = std::move(drawn), .whole = std::move(whole), .lent = picture};
}

void PictureLine::run() {
    // Signals are for the thread of the node.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    while (std::optional<Item> item = queue_.pop()) {
        while (std::optional<Item> newer = queue_.try_pop()) {
            if (item->picture) {
                ends_.unseen(*item->picture);
            }
            item = std::move(newer);
        }
        auto left = mailbox_.put(item->picture ? made(*item->picture)
                                               : Frame{.why_black = std::move(item->why_black)});
        if (left.displaced && !left.displaced->is_black()) {
            ends_.unseen(left.displaced->lent);
        }
        if (left.tell) {
            ends_.delivered();
        }
    }
}

}   // namespace millrace::apps
