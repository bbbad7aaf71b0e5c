#include "session/hls_pull.hpp"

#include "container/m3u8_reader.hpp"
#include "media/time.hpp"
#include "session/hls_line.hpp"
#include "session/unit_pacer.hpp"

#include <algorithm>
#include <tuple>

namespace millrace::session {

namespace {

constexpr Duration patience_max = 60s;
constexpr Duration room_pause = 100ms;
constexpr Duration failure_pause = 500ms;
constexpr std::int64_t microseconds_timescale = 1'000'000;

/// The lists that make up one way to play.
struct Choice {
    std::string pictures;   ///< and the sound, where `sound` is empty
    std::string sound;
};

Choice choose(const hls::MultivariantPlaylist& list) {
    const auto best = std::ranges::max_element(list.variants, {}, &hls::Variant::bandwidth);
    Choice choice{best->uri, {}};
    for (const hls::Rendition& rendition : list.renditions) {
        const bool fits = !best->audio.empty() && rendition.type == hls::Rendition::Type::audio &&
                          rendition.group == best->audio;
        if (fits && (choice.sound.empty() || rendition.is_default)) {
            choice.sound = rendition.uri;
        }
    }
    return choice;
}

std::int64_t time_of(const media::AccessUnit& unit) {
    return media::rescale(unit.dts, unit.config->timescale, microseconds_timescale);
}

/// One pull from its first list to its end.
class Pull {
public:
    explicit Pull(HttpPull& pull)
        : pull_{pull},
          desk_{pull.desk},
          sound_fetch_{pull.desk, pull.connector, pull.leash},
          publisher_{pull.desk, pull.leash, "hls", pull.stream},
          pacer_{pull.desk, publisher_},
          newest_{pull.desk.executor.now()} {
        sound_fetch_.work_for(publisher_);
        pull_.fetch.work_for(publisher_);
    }

    Task<SourceEnding> run();

private:
    Task<Result<>> open();
    Task<Result<>> open(const hls::MultivariantPlaylist& list);
    Task<Result<>> converse();
    Task<Result<>> reload_lists();
    Task<Result<>> read_segments();
    Task<Result<>> hand_over(std::vector<ReadSegment> segments);
    void keep_at_the_edge(Duration waits);
    bool may_read(const HlsLine& line) const;
    bool done() const;
    Result<> check_patience();
    Instant next_turn() const;

    HttpPull& pull_;
    Desk& desk_;
    HttpFetch sound_fetch_;   // of a list of its own
    SourcePublisher publisher_;
    UnitPacer pacer_;
    TrackIds ids_;
    std::deque<HlsLine> lines_;
    Error trouble_{Errc::timed_out, "no new segment came for too long"};   // of late
    Instant held_until_;                                                   // after a failure
    Instant newest_;                                                       // segment, or the begin
};

Task<Result<>> Pull::open(const hls::MultivariantPlaylist& list) {
    const Choice choice = choose(list);
    const Url base = pull_.fetch.url();
    lines_.emplace_back(desk_, pull_.fetch, ids_, 0);
    if (!choice.sound.empty() && choice.sound != choice.pictures) {
        lines_.emplace_back(desk_, sound_fetch_, ids_, 1);
    }
    for (HlsLine& line : lines_) {
        const Result<Url> url = resolve_url(base, &line == &lines_.front() ? choice.pictures : choice.sound);
        if (!url || (url->scheme != "http" && url->scheme != "https")) {
            co_return fail(Errc::refused, "the list sends us elsewhere, where we do not go");
        }
        const Result<> loaded = co_await line.load(*url);
        if (!loaded) {
            co_return loaded;
        }
    }
    co_return Result<>{};
}

Task<Result<>> Pull::open() {
    const auto body = co_await pull_.fetch.whole(hls::PlaylistLimits::text_size_max,
                                                 desk_.executor.now() + hls_list_deadline);
    if (!body) {
        co_return std::unexpected(body.error());
    }
    const Result<hls::Playlist> list = hls::read_playlist(as_text(*body));
    if (!list) {
        co_return std::unexpected(list.error());
    }
    if (const auto* multivariant = std::get_if<hls::MultivariantPlaylist>(&*list)) {
        co_return co_await open(*multivariant);
    }
    lines_.emplace_back(desk_, pull_.fetch, ids_, 0);
    co_return lines_.front().take(std::get<hls::MediaPlaylist>(*list), pull_.fetch.url());
}

/// Lists that cannot be had for a moment are asked for again, as long as there is patience.
Task<Result<>> Pull::reload_lists() {
    for (HlsLine& line : lines_) {
        if (line.ended() || line.reload_at() > desk_.executor.now() || publisher_.is_over()) {
            continue;
        }
        const Result<> loaded = co_await line.reload();
        if (!loaded) {
            trouble_ = loaded.error();
            line.postpone_reload();
        }
    }
    co_return Result<>{};
}

bool Pull::may_read(const HlsLine& line) const {
    const Instant now = desk_.executor.now();
    return line.has_due() && !pacer_.full() && now >= held_until_ && line.until <= now + line.target();
}

Task<Result<>> Pull::read_segments() {
    std::vector<ReadSegment> segments;
    for (HlsLine& line : lines_) {
        if (!may_read(line) || publisher_.is_over()) {
            continue;
        }
        Result<ReadSegment> segment = co_await line.read();
        if (!segment) {
            trouble_ = segment.error();
            held_until_ = desk_.executor.now() + failure_pause;
            continue;
        }
        segments.push_back(std::move(*segment));
    }
    co_return co_await hand_over(std::move(segments));
}

/// Announces what is new, and gives the units to the pacer in the order of their times, so that the first of
/// all lists begins.
Task<Result<>> Pull::hand_over(std::vector<ReadSegment> segments) {
    struct Timed {
        std::tuple<std::uint64_t, std::int64_t, std::size_t> place;   // clock, time, and as it came
        std::size_t line;
        media::AccessUnit unit;
    };
    ReadMedia tracks;
    std::vector<Timed> units;
    std::size_t received = 0;
    for (ReadSegment& segment : segments) {
        std::ranges::move(segment.tracks, std::back_inserter(tracks.items));
        tracks.dropped += segment.dropped;
        received += segment.bytes;
        for (media::AccessUnit& unit : segment.units) {
            const std::int64_t at = time_of(unit);
            units.push_back({{segment.clock, at, units.size()}, segment.line, std::move(unit)});
        }
    }
    if (units.empty()) {
        co_return Result<>{};
    }
    const Result<> announced = co_await publish(publisher_, tracks, received);
    if (!announced) {
        co_return announced;
    }
    newest_ = desk_.executor.now();
    std::ranges::sort(units, {}, &Timed::place);
    std::optional<Instant> first;
    for (Timed& one : units) {
        const Instant leaves = pacer_.take(std::move(one.unit), std::get<0>(one.place));
        first = first.value_or(leaves);
        HlsLine& line = lines_[one.line];
        line.until = std::max(line.until, leaves);
    }
    keep_at_the_edge(*first - newest_);
    co_return Result<>{};
}

/// After a stall, or where the sender's clock is faster than ours, segments wait longer than they must; then
/// they are let out a little faster.
void Pull::keep_at_the_edge(Duration waits) {
    const Duration target = lines_.front().target();
    const bool newest = std::ranges::none_of(lines_, &HlsLine::has_due) && !lines_.front().recording();
    if (newest && waits > target / 2) {
        pacer_.hurry(std::min(waits - target / 2, target / 10));
    }
}

/// A publisher's end counts where its pictures were shown: another try waits for the next publisher.
bool Pull::done() const {
    const auto is_over = [this](const HlsLine& line) {
        return (line.ended() || (line.unpublished() && publisher_.began())) && !line.has_due();
    };
    return std::ranges::all_of(lines_, is_over) && pacer_.empty();
}

Result<> Pull::check_patience() {
    const Instant now = desk_.executor.now();
    newest_ = pacer_.empty() ? newest_ : now;
    const Duration patience =
        std::clamp(3 * lines_.front().target(), Duration{pull_patience}, Duration{patience_max});
    return now >= newest_ + patience ? Result<>{std::unexpected(trouble_)} : Result<>{};
}

Instant Pull::next_turn() const {
    const Instant now = desk_.executor.now();
    Instant next = pacer_.empty() ? Instant::never() : now + pacer_.ahead() + 1ms;
    for (const HlsLine& line : lines_) {
        if (line.has_due()) {
            const Instant room = pacer_.full() ? now + room_pause : held_until_;
            next = std::min(next, std::max(room, line.until - line.target()));
        }
        next = line.ended() ? next : std::min(next, line.reload_at());
    }
    return std::clamp(next, now + 1ms, now + pull_patience);
}

Task<Result<>> Pull::converse() {
    const Result<> opened = co_await open();
    if (!opened) {
        co_return opened;
    }
    // A list that has not grown since the last try brings nothing new.
    const bool stands = !lines_.front().recording() && pull_.leash.memo() == lines_.front().newest();
    for (HlsLine& line : lines_) {
        stands ? line.skip_due() : void();
    }
    for (;;) {
        pull_.leash.memo() = lines_.front().newest();
        const Result<> reloaded = co_await reload_lists();
        const Result<> read = co_await read_segments();
        if (!reloaded || !read) {
            co_return reloaded ? read : reloaded;
        }
        if (publisher_.is_over()) {
            co_return fail(Errc::cancelled, "the source was stopped");
        }
        if (done()) {
            co_return fail(Errc::closed, "the list says that the stream is over");
        }
        const Result<> patient = check_patience();
        if (!patient) {
            co_return patient;
        }
        co_await pause_for(desk_, next_turn() - desk_.executor.now(), pull_.leash);
    }
}

Task<SourceEnding> Pull::run() {
    const Result<> ended = co_await converse();
    const bool over = !lines_.empty() && done();
    publisher_.finish(over);
    std::string words;
    for (const HlsLine& line : lines_) {
        words = words.empty() && !over ? line.words() : words;
    }
    co_return SourceEnding{
        .error = ended.error(),
        .words = std::move(words),
        .finished = over && publisher_.began() && lines_.front().recording(),
    };
}

}   // namespace

Task<SourceEnding> hls_pull(HttpPull& pull) {
    Pull one{pull};
    co_return co_await one.run();
}

}   // namespace millrace::session
