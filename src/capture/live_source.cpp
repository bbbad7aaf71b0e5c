#include "capture/live_source.hpp"

#include "capture/live_encoder.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

namespace millrace::capture {

namespace {

bool is_picture(const Grab& grab) {
    const auto* frame = std::get_if<ffmpeg::Frame>(&grab.what);
    const auto* unit = std::get_if<media::AccessUnit>(&grab.what);
    return frame != nullptr ? (*frame)->nb_samples == 0 : unit->kind() == media::Kind::video;
}

}   // namespace

LiveSource::LiveSource(Plan plan, Moment start)
    : tracks_{std::move(plan.tracks)},
      results_{std::move(plan.results)},
      options_{plan.encode},
      size_{plan.size},
      grabbers_{plan.grabbers.size()},
      lossless_{plan.lossless},
      may_be_silent_{plan.may_be_silent},
      work_{plan.lossless ? lossless_waiting_max : grabs_waiting_max},
      bell_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
      heard_at_{start.now} {
    for (OpenGrabber& open : plan.grabbers) {
        threads_.emplace_back(
            [this, open = std::move(open)](const std::stop_token& stopped) mutable { grab(stopped, open); });
    }
    threads_.emplace_back([this] { encode(); });
}

LiveSource::~LiveSource() {
    for (std::jthread& thread : threads_) {
        thread.request_stop();
    }
    work_.close();
    products_.close();
    threads_.clear();
    ::close(bell_);
}

/// On a grabber's thread.
void LiveSource::grab(const std::stop_token& stopped, OpenGrabber& open) {
    const Outcome<std::unique_ptr<Grabber>> grabber = open();
    Ending ending;
    if (!grabber) {
        ending.fault = grabber.error();
    }
    while (grabber && !stopped.stop_requested()) {
        Outcome<std::vector<Grab>> got = (*grabber)->next();
        if (!got) {
            ending.fault = got.error();
        }
        if (!got || got->empty()) {
            break;
        }
        for (Grab& one : *got) {
            if (!hand_on(std::move(one))) {
                return;
            }
        }
    }
    [[maybe_unused]] const bool said = work_.push_waiting(std::move(ending));
}

/// A steady device passes moments over, and its numbers show it.
void LiveSource::number(Grab& picture) {
    if (picture.steady) {
        skipped_ += picture.number - next_number_;
    } else {
        picture.number = next_number_;
    }
    next_number_ = picture.number + 1;
    late_ += picture.late ? 1 : 0;
    ++captured_;
}

/// False once nobody takes it any more. On a grabber's thread.
bool LiveSource::hand_on(Grab grab) {
    if (std::holds_alternative<Broken>(grab.what)) {
        number(grab);
        ++broken_;
        return true;
    }
    if (is_picture(grab)) {
        number(grab);
        const bool droppable = !lossless_ && std::holds_alternative<ffmpeg::Frame>(grab.what);
        if (droppable && pictures_waiting_ >= pictures_waiting_max) {
            ++dropped_slow_;
            return true;
        }
        ++pictures_waiting_;
    }
    return work_.push_waiting(std::move(grab));
}

/// The encoder's thread, from the first thing to the last.
void LiveSource::encode() {
    LiveEncoder encoder{options_, size_};
    while (std::optional<Work> work = work_.pop()) {
        if (const auto* ending = std::get_if<Ending>(&*work)) {
            --grabbers_;
            if (ending->fault || grabbers_ == 0) {
                for (media::AccessUnit& unit : encoder.drain()) {
                    ++encoded_;
                    give(std::move(unit));
                }
                finish(ending->fault);
                return;
            }
            continue;
        }
        take_orders(encoder);
        const Outcome<void> done = encode_one(encoder, std::get<Grab>(*work));
        if (!done) {
            finish(done.error());
            return;
        }
    }
}

Outcome<void> LiveSource::encode_one(LiveEncoder& encoder, Grab& grab) {
    const bool picture = is_picture(grab);
    Outcome<std::vector<media::AccessUnit>> units = encoder.take(grab);
    const auto is_video = [](const media::AccessUnit& unit) { return unit.kind() == media::Kind::video; };
    encoded_ += units ? static_cast<std::uint64_t>(std::ranges::count_if(*units, is_video)) : 0;
    if (picture) {
        dropped_asked_ += encoder.is_skipping() ? 1 : 0;
        --pictures_waiting_;
    }
    if (!units) {
        return std::unexpected(units.error());
    }
    for (media::AccessUnit& unit : *units) {
        if (!give(std::move(unit))) {
            break;
        }
    }
    return {};
}

void LiveSource::take_orders(LiveEncoder& encoder) {
    if (key_asked_.exchange(false)) {
        encoder.ask_key_frame();
    }
    if (const std::uint64_t bitrate = bitrate_.exchange(0); bitrate != 0) {
        encoder.set_bitrate(bitrate);
    }
    if (const std::uint32_t key_frames = skip_.exchange(0); key_frames != 0) {
        encoder.skip(key_frames);
    }
}

void LiveSource::finish(std::optional<Fault> fault) {
    give(Ending{std::move(fault)});
    work_.close();
}

bool LiveSource::give(Product product) {
    const bool given = products_.push_waiting(std::move(product));
    constexpr std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t rung = ::write(bell_, &one, sizeof one);
    return given;
}

std::optional<media::TimedMessage> LiveSource::result_of(const media::AccessUnit& unit) const {
    if (!results_ || unit.kind() != media::Kind::video || !unit.camera_number) {
        return std::nullopt;
    }
    const std::string members = results_(*unit.camera_number);
    return media::TimedMessage{
        .body = Bytes::copy(fmt::format(R"({{"capture":{},{}}})", unit.capture.utc.microseconds, members)),
        .capture = unit.capture.utc};
}

Instant LiveSource::due() const {
    if (over_) {
        return Instant::never();
    }
    if (more_) {
        return heard_at_;
    }
    return may_be_silent_ ? Instant::never() : heard_at_ + silence_max;
}

Outcome<std::vector<media::AccessUnit>> LiveSource::produce(Moment moment) {
    std::vector<media::AccessUnit> units;
    std::uint64_t rung = 0;
    [[maybe_unused]] const ssize_t emptied = ::read(bell_, &rung, sizeof rung);
    more_ = true;
    while (!ending_ && units.size() < units_at_once && more_) {
        std::optional<Product> product = products_.try_pop();
        more_ = product.has_value();
        if (!product) {
            break;
        }
        heard_at_ = moment.now;
        if (auto* ending = std::get_if<Ending>(&*product)) {
            ending_ = std::move(*ending);
        } else {
            media::AccessUnit& unit = std::get<media::AccessUnit>(*product);
            counters_.frames += unit.kind() == media::Kind::video ? 1 : 0;
            units.push_back(std::move(unit));
        }
    }
    if (!ending_ && !may_be_silent_ && moment.now - heard_at_ >= silence_max) {
        ending_ = Ending{Fault{"the device gave nothing for 5 s", false}};
    }
    // What came before a fault goes first.
    if (ending_ && (units.empty() || !ending_->fault)) {
        over_ = true;
        if (ending_->fault) {
            return std::unexpected(*ending_->fault);
        }
    }
    return units;
}

Counters LiveSource::counters() const {
    Counters counters = counters_;
    counters.late = late_;
    counters.skipped = skipped_;
    counters.captured = captured_;
    counters.encoded = encoded_;
    counters.dropped_slow = dropped_slow_;
    counters.dropped_asked = dropped_asked_;
    counters.broken = broken_;
    counters.pictures_waiting = pictures_waiting_;
    counters.units_waiting = products_.size();
    return counters;
}

}   // namespace millrace::capture
