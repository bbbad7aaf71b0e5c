#include "session/decoded_play.hpp"

#include "base/check.hpp"
#include "base/log.hpp"
#include "base/waiting.hpp"

namespace millrace::session {

namespace {

constexpr std::string_view form = "decode";
constexpr Duration join_max = 30s;

}   // namespace

void DecodedPlay::begin(Desk& desk) {
    check(desk.spawner != nullptr, "who decodes has children");
    home_ = &desk.executor;
    desk.executor.tasks().spawn(watch(desk));
}

hub::Flavour DecodedPlay::flavour(Desk& desk) {
    return {{.form = form, .only = {}}, [this, &desk](Executor& home) {
                check(&home == home_, "a stream is decoded where it is watched");
                DecodedFeed::Listener& listener = *this;
                return std::make_unique<DecodedFeed>(home, *desk.spawner,
                                                     ChildOrder{.who = form,
                                                                .does = "decodes",
                                                                .stream = order_.stream,
                                                                .start = order_.start,
                                                                .memory = memory_.descriptor()},
                                                     listener);
            }};
}

Task<> DecodedPlay::watch(Desk& desk) {
    for (;;) {
        Answer<hub::Joined> answer{desk.executor};
        desk.mirrors.join(flavour(desk),
                          {.protocol = form, .stream = order_.stream, .peer = {"millrace-media", 0}},
                          answer.reply());
        const Result<hub::Joined> joined = co_await answer.within(desk.executor.now() + join_max);
        if (!joined && joined.error().code == Errc::unsupported) {
            report_.failed = joined.error().what;
        }
        while (joined && !joined->log->ended() && !joined->seat->is_ended()) {
            report();
            co_await sleep_until(desk.executor, desk.executor.now() + report_every);
        }
        if (joined) {
            joined->seat->leave({Errc::closed, "the stream ended"});
        }
        report();
        co_await sleep_until(desk.executor, desk.executor.now() + look_every);
    }
}

std::uint64_t DecodedPlay::skipped() const {
    return former_left_out_ + former_.skipped + played_.skipped + (feed_ == nullptr ? 0 : feed_->skipped());
}

std::uint64_t DecodedPlay::waiting() const {
    const std::uint64_t settled = report_.decoded + former_.broken + played_.broken + skipped();
    return received() - std::min(received(), settled);
}

void DecodedPlay::on_feed(DecodedFeed* feed) {
    if (feed == nullptr) {
        former_.skipped += waiting();   // nobody wants them any more
        on_child();
        former_left_out_ += feed_->skipped();
        former_received_ += feed_->received();
    }
    feed_ = feed;
}

void DecodedPlay::follow_mute() {
    constexpr std::uint64_t full = 100;
    const bool wanted = muted_;
    if (wanted != report_.muted && feed_ != nullptr &&
        feed_->say(media_link::Command{media_link::Command::What::volume, wanted ? 0 : full})) {
        report_.muted = wanted;
    }
}

/// What a child that is gone had not given is lost: it counts as broken.
void DecodedPlay::on_child() {
    ++child_;
    former_.broken += played_.broken + waiting();
    former_.skipped += played_.skipped;
    former_.late += played_.late;
    former_.sounds += played_.sounds;
    former_.sounds_broken += played_.sounds_broken;
    former_.sounds_late += played_.sounds_late;
    former_.sound_played_us += played_.sound_played_us;
    former_.sound_filled_us += played_.sound_filled_us;
    former_.sound_dropped_us += played_.sound_dropped_us;
    played_ = {.silent = std::move(played_.silent)};   // until the next one says otherwise
    catches_up_ = true;
    report_.muted = false;   // it hears of it from the next report on
}

void DecodedPlay::on_said(media_link::Message message) {
    if (const auto* picture = std::get_if<media_link::Picture>(&message)) {
        show(*picture);
    } else if (const auto* played = std::get_if<media_link::Played>(&message)) {
        take_report(*played);
    }
}

void DecodedPlay::take_report(media_link::Played played) {
    played.silent = log::escaped(played.silent, media_link::silent_bytes_max);
    if (!played.silent.empty() && played.silent != played_.silent) {
        log::warning(form, "{}: no sound: {}", order_.stream, played.silent);
    }
    played_ = std::move(played);
}

void DecodedPlay::show(const media_link::Picture& picture) {
    ++report_.decoded;
    decoded_.count(home_->now());
    const LentPicture lent{picture, memory_.slot(picture.slot), child_};
    const bool seen_before = catches_up_ && newest_pts_ && picture.pts <= *newest_pts_;
    if (feed_->is_past_end() || seen_before) {
        take_back(lent, {.seen = false});
        return;
    }
    catches_up_ = false;
    newest_pts_ = picture.pts;
    report_.width = picture.layout.width;
    report_.height = picture.layout.height;
    report_.capture_origin = picture.capture.label;
    report_.dark.clear();
    sink_.on_picture(lent);
}

void DecodedPlay::on_dark(std::string_view why) {
    report_.dark = why;
    newest_pts_.reset();
    sink_.on_dark(why);
    report();
}

void DecodedPlay::give_back(const LentPicture& picture, Showing showing) {
    home_->post([this, picture, showing] { take_back(picture, showing); });
}

void DecodedPlay::take_back(const LentPicture& picture, Showing showing) {
    if (showing.seen) {
        ++report_.shown;
        shown_.count(showing.at);
        if (picture.what.capture.label != media::CaptureTime::Label::arrival) {
            latency_.count(picture.what.capture.utc, showing.utc);
        }
    } else {
        ++report_.unseen;
    }
    if (feed_ != nullptr && picture.child == child_) {
        [[maybe_unused]] const bool said = feed_->say(media_link::Release{picture.what.slot});
    }
}

void DecodedPlay::report() {
    const auto seconds = [](auto microseconds) { return static_cast<double>(microseconds) / 1e6; };
    const Instant now = home_->now();
    report_.received = received();
    report_.skipped = skipped();
    report_.broken = former_.broken + played_.broken;
    report_.late = former_.late + played_.late;
    report_.sounds = former_.sounds + played_.sounds;
    report_.sounds_broken = former_.sounds_broken + played_.sounds_broken;
    report_.waiting = waiting();
    report_.sounds_late = former_.sounds_late + played_.sounds_late;
    report_.sound_played_seconds = seconds(former_.sound_played_us + played_.sound_played_us);
    report_.sound_filled_seconds = seconds(former_.sound_filled_us + played_.sound_filled_us);
    report_.sound_dropped_seconds = seconds(former_.sound_dropped_us + played_.sound_dropped_us);
    report_.silent = played_.silent;
    follow_mute();
    report_.decoded_per_second = decoded_.per_second(now);
    report_.shown_per_second = shown_.per_second(now);
    report_.delay_seconds = seconds(played_.delay_us);
    report_.jitter_seconds = seconds(played_.jitter_us);
    report_.behind_sound_seconds = seconds(played_.behind_sound_us);
    report_.latency = latency_.report(home_->clock().utc());
    sink_.on_report(report_);
}

}   // namespace millrace::session
