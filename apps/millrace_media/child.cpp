#include "apps/millrace_media/child.hpp"

#include "apps/millrace_media/played_messages.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace millrace::apps {

namespace {

using namespace media_link;

Instant now() {
    return capture::read_clocks().now;
}

constexpr std::uint64_t volume_max = 100;

timespec until(Instant then) {
    constexpr Duration longest = 1s;
    const Duration left = std::clamp(then - now(), Duration{0}, longest);
    return {.tv_sec = left / 1s, .tv_nsec = (left % 1s).count()};
}

}   // namespace

MediaChild::MediaChild(int link, int memory)
    : socket_{link}, memory_{memory}, link_{Link::Side::child, now()}, report_at_{now()} {
}

Instant MediaChild::next_moment() const {
    if (player_ != nullptr) {
        return std::min(player_->due(), report_at_);
    }
    return source_ != nullptr && !ending_ && has_room() ? std::min(source_->due(), report_at_) : report_at_;
}

int MediaChild::run() {
    while (converse()) {
        if (source_ != nullptr && !ending_ && has_room() && (rung_ || now() >= source_->due())) {
            produce();
        }
        if (player_ != nullptr && now() >= player_->due()) {
            play();
        }
        if (now() >= report_at_) {
            report();
        }
        if (is_over()) {
            return 0;
        }
    }
    return 0;
}

/// The end is said, and has left.
bool MediaChild::is_over() const {
    return ending_ && backlog_.size() == sent_ && link_.output_size() == 0;
}

/// One wait for the link, or for the next moment of the source. False at the link's end.
bool MediaChild::converse() {
    if (!write_link()) {
        return false;
    }
    if (is_over()) {
        return true;
    }
    const bool waiting = sent_ < backlog_.size();
    // What we are asked makes what we say more; commands to a source do not.
    const bool listening = maker_ == nullptr || has_room();
    const bool hearing = source_ != nullptr && !ending_ && has_room();
    std::array<pollfd, 2> both{
        pollfd{socket_, static_cast<short>((listening ? POLLIN : 0) | (waiting ? POLLOUT : 0)), 0},
        pollfd{hearing ? source_->doorbell() : -1, POLLIN, 0}};
    const timespec patience = until(next_moment());
    const int ready = ppoll(both.data(), both.size(), &patience, nullptr);
    if (ready < 0 && errno != EINTR) {
        return false;
    }
    const pollfd& link = both[0];
    rung_ = ready > 0 && both[1].revents != 0;
    return ready <= 0 || (link.revents & (POLLIN | POLLHUP | POLLERR)) == 0 || read_link();
}

bool MediaChild::read_link() {
    std::array<std::byte, 64U << 10U> buffer;
    const ssize_t count = ::recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count <= 0) {
        return count < 0 && (errno == EAGAIN || errno == EINTR);
    }
    const Result<> taken = link_.receive(std::span{buffer}.first(static_cast<std::size_t>(count)), now());
    if (!taken) {
        fmt::print(stderr, "the link broke: {}\n", taken.error().what);
        return false;
    }
    while (const std::optional<Message> event = link_.next_event()) {
        obey(*event);
        // A whole group of pictures may have come at once: the first is not to wait for the last.
        if (!write_link()) {
            return false;
        }
    }
    return true;
}

bool MediaChild::write_link() {
    if (sent_ == backlog_.size()) {
        backlog_ = link_.next_output();
        sent_ = 0;
    }
    while (sent_ < backlog_.size()) {
        const ssize_t count =
            ::send(socket_, backlog_.data() + sent_, backlog_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        sent_ += static_cast<std::size_t>(count);
    }
    return true;
}

void MediaChild::obey(const Message& message) {
    if (const auto* asked = std::get_if<Start>(&message)) {
        start(asked->source);
    } else if (const auto* told = std::get_if<Command>(&message)) {
        command(*told);
    } else if (const auto* unit = std::get_if<media::AccessUnit>(&message)) {
        player_ != nullptr ? player_->take(*unit, now()) : make_pictures(*unit);
    } else if (const auto* track = std::get_if<media::Track>(&message)) {
        if (player_ != nullptr && track->config == nullptr) {
            player_->finish();
        }
    } else if (const auto* released = std::get_if<Release>(&message)) {
        if (player_ != nullptr) {
            player_->release(released->slot);
        }
    }
}

void MediaChild::command(const Command& command) {
    const bool has_source = source_ != nullptr;
    switch (command.what) {
        case Command::What::key_frame:
            if (has_source) {
                source_->ask_key_frame();
            }
            break;
        case Command::What::bitrate:
            if (has_source) {
                source_->set_bitrate(command.value);
            }
            break;
        case Command::What::picture_width:
            if (maker_ != nullptr) {
                maker_->set_width(static_cast<std::uint32_t>(command.value));
            }
            break;
        case Command::What::skip:
            if (has_source) {
                source_->skip(static_cast<std::uint32_t>(std::min<std::uint64_t>(command.value, UINT32_MAX)));
            }
            break;
        case Command::What::volume:
            if (player_ != nullptr) {
                player_->set_volume(static_cast<int>(std::min<std::uint64_t>(command.value, volume_max)));
            }
            break;
        case Command::What::stop: end(nullptr); break;
    }
}

void MediaChild::start(const std::string& text) {
    const auto begin = [this](auto opened, auto& mine) {
        if (opened) {
            mine = std::move(*opened);
        } else {
            end(&opened.error());
        }
    };
    if (capture::is_picture_maker(text)) {
        begin(capture::open_picture_maker(text), maker_);
        return;
    }
    if (playback::is_player(text)) {
        begin(playback::open_player(text, memory_), player_);
        return;
    }
    begin(capture::open_source(text, capture::read_clocks()), source_);
    // A device may not be there: its stream begins with the first picture.
    if (source_ != nullptr && source_->doorbell() < 0) {
        announce();
    }
}

void MediaChild::announce() {
    for (const media::Track& track : source_->tracks()) {
        say(track);
    }
    announced_ = true;
}

/// A unit that nothing can be made of is answered in words; the next may do.
void MediaChild::make_pictures(const media::AccessUnit& unit) {
    if (maker_ == nullptr) {
        return;
    }
    const capture::Outcome<std::vector<media::AccessUnit>> pictures = maker_->take(unit);
    if (!pictures) {
        say(Fault{pictures.error().lasting, pictures.error().words});
        return;
    }
    for (const media::AccessUnit& picture : *pictures) {
        bytes_ += picture.payload.size();
        say(picture);
    }
}

void MediaChild::produce() {
    const capture::Outcome<std::vector<media::AccessUnit>> units = source_->produce(capture::read_clocks());
    if (!units) {
        end(&units.error());
        return;
    }
    if (!announced_ && !units->empty()) {
        announce();
    }
    for (const media::AccessUnit& unit : *units) {
        bytes_ += unit.payload.size();
        say(unit);
        if (std::optional<media::TimedMessage> result = source_->result_of(unit)) {
            say(std::move(*result));
        }
    }
    if (source_->is_over()) {
        end(nullptr);
    }
}

void MediaChild::play() {
    const capture::Outcome<std::vector<playback::GivenPicture>> pictures = player_->play(now());
    if (!pictures) {
        say(Fault{pictures.error().lasting, pictures.error().words});
        return;
    }
    for (const playback::GivenPicture& picture : *pictures) {
        say(message_of(picture, now()));
    }
}

void MediaChild::report() {
    report_at_ = now() + (player_ != nullptr ? played_period : statistics_period);
    if (ending_) {
        return;
    }
    if (player_ != nullptr) {
        say(message_of(player_->counters()));
        return;
    }
    const capture::Counters counters = source_ != nullptr  ? source_->counters()
                                       : maker_ != nullptr ? maker_->counters()
                                                           : capture::Counters{};
    say(Statistics{.frames = counters.frames,
                   .late = counters.late,
                   .skipped = counters.skipped,
                   .bytes = bytes_,
                   .captured = counters.captured,
                   .encoded = counters.encoded,
                   .dropped_slow = counters.dropped_slow,
                   .dropped_asked = counters.dropped_asked,
                   .broken = counters.broken,
                   .pictures_waiting = static_cast<std::uint32_t>(counters.pictures_waiting),
                   .units_waiting = static_cast<std::uint32_t>(counters.units_waiting)});
}

void MediaChild::end(const capture::Fault* fault) {
    if (std::exchange(ending_, true)) {
        return;
    }
    if (fault != nullptr) {
        say(Fault{fault->lasting, fault->words});
    }
    say(End{});
    maker_.reset();   // the source may be waiting for a device: it ends with the process
    player_.reset();
}

void MediaChild::say(const Message& message) {
    const Result<> said = link_.send(message);
    if (!said) {
        fmt::print(stderr, "not sent: {}\n", said.error().what);
    }
}

}   // namespace millrace::apps
