#pragma once

#include "hub/derived_segments.hpp"
#include "hub/stream_for_tests.hpp"

#include <optional>
#include <string>
#include <vector>

/// A segmented form that anybody can read, and a player of it.
namespace millrace::hub::toys {

/// One part a track; its bytes are the times of its units, "0 40 80", in milliseconds, and behind them those
/// of what was said of them, "r40".
class LinePackager {
public:
    static constexpr bool takes_messages = true;
    explicit LinePackager(int* packaged = nullptr) : packaged_{packaged} {}
    bool carries(const media::Track& track) const { return track.config->codec != media::Codec::opus; }
    std::vector<media::SegmentPart> package(const media::SegmentUnits& units) {
        std::vector<media::SegmentPart> parts;
        for (const media::SegmentTrack& track : units.tracks) {
            media::SegmentPart part;
            part.tracks = {track.track};
            part.rendition = (track.track.kind == media::Kind::video ? "v" : "a") +
                             std::to_string(static_cast<int>(track.track.id));
            part.name = units.run + "/" + part.rendition + "-" + std::to_string(track.begin());
            std::string text;
            for (const media::AccessUnitRef& unit : track.units) {
                text += (text.empty() ? "" : " ") + std::to_string(unit->dts_ms());
            }
            for (const media::TimedMessage& message : units.messages) {
                text += " r" + std::to_string(message.pts / 90);
            }
            part.bytes = Bytes::copy(text);
            part.init_name =
                units.run + "/" + part.rendition + "-init-" + std::to_string(track.track.config->width);
            part.init = Bytes::copy("init " + part.rendition);
            part.duration = track.duration();
            part.timescale = track.track.config->timescale;
            parts.push_back(std::move(part));
        }
        if (packaged_ != nullptr) {
            ++*packaged_;
        }
        return parts;
    }

private:
    int* packaged_;
};

inline SegmentAsk ask_for_segments(std::string key = "somebody", int* packaged = nullptr) {
    return {.flavour = segment_flavour<LinePackager>({.form = "lines", .only = {}}, packaged),
            .viewer = {.kind = SessionKind::viewer, .protocol = "hls", .stream = {}, .peer = {}, .since = {}},
            .viewer_key = std::move(key)};
}

/// Somebody who asks for lists and segments, on one worker.
class Player {
public:
    Player(World& world, Desk& desk, std::string key = "somebody", int* packaged = nullptr)
        : world_{world}, desk_{desk}, key_{std::move(key)}, packaged_{packaged} {}

    /// The list now, or why not; nothing while the request waits.
    std::optional<Result<SegmentListRef>> list(const std::string& name = "live/cam") {
        auto held = std::make_shared<std::optional<Result<SegmentListRef>>>();
        desk_.executor.run([&] { desk_.executor.tasks().spawn(wait_list(*this, name, held)); });
        world_.time.settle();
        last_ = held;
        return *held;
    }
    /// What became of the last request since.
    std::optional<Result<SegmentListRef>> answered() const { return *last_; }

    Result<media::SegmentPart> fetch(const std::string& part, const std::string& name = "live/cam") {
        std::optional<Result<media::SegmentPart>> got;
        desk_.executor.run([&] { desk_.executor.tasks().spawn(wait_part(*this, name, part, got)); });
        world_.time.settle();
        return got ? *got : Result<media::SegmentPart>{fail(Errc::timed_out, "no answer")};
    }

private:
    using Held = std::shared_ptr<std::optional<Result<SegmentListRef>>>;
    static Task<> wait_list(Player& self, std::string name, Held held) {
        Answer<SegmentListRef> answer{self.desk_.executor};
        self.world_.directory.list(name, ask_for_segments(self.key_, self.packaged_), answer.reply());
        held->emplace(co_await answer.within(Instant::never()));
    }
    static Task<> wait_part(Player& self, std::string name, std::string part,
                            std::optional<Result<media::SegmentPart>>& got) {
        Answer<media::SegmentPart> answer{self.desk_.executor};
        SegmentAsk ask = ask_for_segments(self.key_, self.packaged_);
        ask.seat = std::make_shared<SegmentSeat>();
        const SegmentSeatRef seat = ask.seat;
        self.world_.directory.fetch(name, std::move(ask), part, answer.reply());
        got.emplace(co_await answer.within(Instant::never()));
        if (*got && seat->viewer != nullptr) {
            seat->viewer->count_sent((*got)->bytes.size());
        }
    }

    World& world_;
    Desk& desk_;
    std::string key_;
    int* packaged_;
    Held last_;
};

/// "1: 2.000 | 2: 2.000 | …" with "-" before a discontinuity; numbers count from `first`.
inline std::string summary(const SegmentList& list, std::uint64_t first) {
    std::string text;
    for (const SegmentEntryRef& one : list.segments) {
        text += fmt::format("{}{}{}: {:.3f}", text.empty() ? "" : " | ", one->cut.discontinuity ? "-" : "",
                            one->cut.number - first, one->seconds());
    }
    return text + (list.ended ? " end" : "");
}

}   // namespace millrace::hub::toys
