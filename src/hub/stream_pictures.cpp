#include "hub/stream.hpp"

#include <algorithm>

// A stream as pictures: one maker a wish, however many wire forms write what it makes.

namespace millrace::hub {

Result<RenderedPictures*> Stream::pictures_for(const Flavour& flavour) {
    const PictureWish& wish = *flavour.key.pictures;
    if (const auto known = pictures_.find(wish); known != pictures_.end()) {
        if (!known->second->over()) {
            return known->second.get();
        }
        pictures_.erase(known);
    }
    RenderedPictures::Listener& listener = *this;
    auto pictures = std::make_unique<RenderedPictures>(wish, flavour.renderer, *handle_.home, listener);
    const Result<> begun = pictures->begin(feed_, tracks_);
    if (!begun) {
        return std::unexpected(begun.error());
    }
    return pictures_.emplace(wish, std::move(pictures)).first->second.get();
}

Result<> Stream::has_room_for(const PictureWish& wanted) const {
    const auto made_anew = [](const auto& entry) { return entry.first != PictureWish{}; };
    const bool one_more = wanted != PictureWish{} && !pictures_.contains(wanted);
    if (one_more && std::ranges::count_if(pictures_, made_anew) >= std::ptrdiff_t{variants_max}) {
        return fail(Errc::exhausted,
                    "pictures of this stream are made in as many sizes and rates as it "
                    "takes; ask for one of those, or later");
    }
    return {};
}

bool Stream::has_form_of(const PictureWish& wish) const {
    return std::ranges::any_of(derived_, [&wish](const auto& entry) { return entry.first.pictures == wish; });
}

void Stream::on_picture(const PictureWish& wish) {
    const Instant now = handle_.home->now();
    const WallTime utc = handle_.home->clock().utc();
    for (const auto& [key, derived] : derived_) {
        if (key.pictures == wish) {
            derived->pump(now, utc);
        }
    }
    if (!publisher_ && said_end_) {
        handle_.home->timers().arm(pictures_end_, now + pictures_lag);
    }
}

void Stream::end_pictures() {
    const Instant now = handle_.home->now();
    for (const auto& [key, derived] : derived_) {
        if (key.pictures && !publisher_ && said_end_) {
            derived->unpublished(now);
        }
    }
}

void Stream::on_pictures_over(const PictureWish& wish) {
    const Instant now = handle_.home->now();
    std::erase_if(derived_, [&wish, now](const auto& entry) {
        const bool ends = entry.first.pictures == wish;
        if (ends) {
            entry.second->end(now);
        }
        return ends;
    });
    handle_.home->timers().arm(lingering_, now);   // they call: later they may go
}

void Stream::leave_pictures(const PictureWish& wish) {
    const auto pictures = pictures_.find(wish);
    if (pictures != pictures_.end() && !has_form_of(wish)) {
        pictures->second->unread_since = handle_.home->now();
        drop_unread_pictures();
    }
}

void Stream::drop_unread_pictures() {
    const Instant now = handle_.home->now();
    Instant next = Instant::never();
    std::erase_if(pictures_, [&](const auto& entry) {
        if (has_form_of(entry.first)) {
            return false;
        }
        const Instant until = entry.second->unread_since + entry.second->linger();
        next = until > now ? std::min(next, until) : next;
        return until <= now;
    });
    handle_.home->timers().arm(lingering_, next);
}

}   // namespace millrace::hub
