#pragma once

#include "apps/desktop/mailbox.hpp"
#include "base/bounded_queue.hpp"
#include "session/decoded_play.hpp"

#include <QImage>
#include <QSize>

#include <atomic>
#include <functional>
#include <string>
#include <thread>

namespace millrace::apps {

/// A picture ready to be drawn, or, without one, black.
struct Frame {
    QImage fitted{};   ///< as large as it is drawn, as far as that was known
    QImage whole{};    ///< as it was decoded
    session::LentPicture lent{};
    std::string why_black{};

    bool is_black() const { return whole.isNull(); }
};

/// Makes what is decoded into what is drawn, on a thread of its own: a window does no more than copy it to
/// the screen. Where pictures come faster than they are made or drawn, only the newest is. Owned by a
/// window's thread, and stopped while what it gives pictures back to still is there.
class PictureLine {
public:
    struct Ends {
        std::function<void()> delivered;   ///< on the line's thread: `take` has something new
        /// Any thread: nobody will see it.
        std::function<void(const session::LentPicture&)> unseen;
    };
    explicit PictureLine(Ends ends);
    PictureLine(const PictureLine&) = delete;
    PictureLine& operator=(const PictureLine&) = delete;
    ~PictureLine() { stop(); }

    /// Any thread; they do not wait. What is put first comes out first.
    void put(const session::LentPicture& picture) { put(Item{.picture = picture}); }
    void put_black(std::string_view why) { put(Item{.why_black = std::string{why}}); }
    /// How large, in pixels of the screen, pictures are drawn. Any thread.
    void fit(QSize area) { area_ = std::uint64_t(area.width()) << 32 | std::uint32_t(area.height()); }
    /// The newest, once.
    std::optional<Frame> take() { return mailbox_.take(); }
    void stop();

    /// The largest size of this shape that fits into an area.
    static QSize fitted(QSize picture, QSize area);

private:
    struct Item {
        std::optional<session::LentPicture> picture{};   // nothing: black
        std::string why_black{};
    };
    /// All slots, and a black behind each.
    static constexpr std::size_t waiting_max = 2 * picture_ring::slots;

    void put(Item item);
    void run();
    Frame made(const session::LentPicture& picture) const;

    Ends ends_;
    std::atomic<std::uint64_t> area_ = 0;
    Mailbox<Frame> mailbox_;
    BoundedQueue<Item> queue_{waiting_max};
    std::thread thread_;
};

}   // namespace millrace::apps
