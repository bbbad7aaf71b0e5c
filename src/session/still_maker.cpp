#include "session/still_maker.hpp"

#include "base/log.hpp"
#include "net/drive.hpp"
#include "protocol/media_link/link.hpp"

#include <fmt/format.h>

namespace millrace::session {

namespace {

using media_link::Link;

constexpr std::string_view who = "stills";
constexpr std::size_t read_size = 64U << 10U;

}   // namespace

/// One child from its start to its end.
class StillMaker::Life {
public:
    Life(Executor& home, std::unique_ptr<Child> child)
        : home_{home}, child_{std::move(child)}, link_{Link::Side::server, home.now()}, buffer_(read_size) {
        say(media_link::Start{fmt::format("stills:?quality={}", quality)});
    }

    /// Hears what the child said while there was nothing to do; false if it is gone.
    bool well();
    Task<Result<Bytes>> make(const Order& order);

private:
    void say(const media_link::Message& message) {
        [[maybe_unused]] const Result<> said = link_.send(message);   // it leaves with the next turn
    }
    /// The answer to the order whose picture has this time, or nothing yet.
    std::optional<Result<Bytes>> look(std::int64_t pts);

    Executor& home_;
    std::unique_ptr<Child> child_;
    Link link_;
    std::vector<std::byte> buffer_;
};

bool StillMaker::Life::well() {
    link_.pardon(home_.now());
    for (;;) {
        const Result<std::size_t> count = child_->link().try_read(buffer_);
        if (!count) {
            return count.error().code == Errc::would_block;
        }
        if (!link_.receive(std::span{buffer_}.first(*count), home_.now())) {
            return false;
        }
        while (const std::optional<media_link::Message> event = link_.next_event()) {
            if (std::holds_alternative<media_link::End>(*event)) {
                return false;
            }
        }
    }
}

std::optional<Result<Bytes>> StillMaker::Life::look(std::int64_t pts) {
    while (std::optional<media_link::Message> event = link_.next_event()) {
        if (const auto* fault = std::get_if<media_link::Fault>(&*event)) {
            log::info(who, "no picture: {}", log::escaped(fault->words, media_link::fault_bytes_max));
            return fail(Errc::unsupported, "no picture can be made of this stream's key frame");
        }
        if (std::holds_alternative<media_link::End>(*event)) {
            return fail(Errc::closed, "the child ended");
        }
        auto* unit = std::get_if<media::AccessUnit>(&*event);
        if (unit != nullptr && unit->pts == pts && unit->config->codec == media::Codec::mjpeg) {
            return std::move(unit->payload);
        }
    }
    return std::nullopt;
}

Task<Result<Bytes>> StillMaker::Life::make(const Order& order) {
    const Instant deadline = home_.now() + patience;
    media::AccessUnit unit = *order.key_frame;
    unit.track = 0;
    say(media_link::Command{media_link::Command::What::picture_width, order.width});
    const Result<> said = link_.send(unit);
    if (!said) {
        co_return fail(Errc::unsupported, "this stream's key frames are too large to make pictures of");
    }
    for (;;) {
        const Result<> driven = co_await net::drive(child_->link(), link_, home_, buffer_);
        if (std::optional<Result<Bytes>> answer = look(unit.pts)) {
            co_return std::move(*answer);
        }
        if (!driven) {
            co_return fail(Errc::closed, "the child died or fell silent");
        }
        if (home_.now() >= deadline) {
            co_return fail(Errc::closed, "the child did not answer in time");
        }
    }
}

void StillMaker::make(Order order, Reply<Bytes> reply) {
    if (orders_.size() >= orders_max) {
        reply.give(fail(Errc::exhausted, "too many pictures are being made; try again soon"));
        return;
    }
    orders_.push_back({std::move(order), std::move(reply)});
    if (wake_) {
        wake_.give(true);
    } else if (!working_) {
        working_ = true;
        home_.tasks().spawn(work());
    }
}

Task<bool> StillMaker::has_work() {
    if (orders_.empty()) {
        Answer<bool> more{home_};
        wake_ = more.reply();
        [[maybe_unused]] const Result<bool> woken = co_await more.within(home_.now() + idle_max);
        wake_ = {};
    }
    co_return !orders_.empty();
}

Task<> StillMaker::work() {
    std::unique_ptr<Life> life;
    while (co_await has_work()) {
        Waiting next = std::move(orders_.front());
        orders_.pop_front();
        if (!next.reply.abandoned()) {
            next.reply.give(co_await carry_out(next.order, life));
        }
    }
    working_ = false;
}

Task<Result<Bytes>> StillMaker::carry_out(const Order& order, std::unique_ptr<Life>& life) {
    if (life == nullptr || !life->well()) {
        life.reset();
        Answer<std::unique_ptr<Child>> answer{home_};
        spawner_.spawn(home_, {}, answer.reply());
        Result<std::unique_ptr<Child>> child = co_await answer.within(home_.now() + spawn_patience);
        if (!child) {
            log::warning(who, "no pictures: {}", child.error().what);
            co_return fail(Errc::exhausted,
                           "this node cannot make pictures now: its media child does not "
                           "start");
        }
        life = std::make_unique<Life>(home_, std::move(*child));
    }
    Result<Bytes> made = co_await life->make(order);
    if (!made && made.error().code == Errc::closed) {
        life.reset();
    }
    co_return made;
}

}   // namespace millrace::session
