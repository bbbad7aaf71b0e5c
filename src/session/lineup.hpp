#pragma once

#include "hub/source_status.hpp"
#include "session/source.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace millrace::session {

/// The sources of one stream in their order, and which of them publishes. Each is tried again and again by a
/// task of its own while it is wanted: the first always, another while all before it are stale. Owned by
/// `run_source`, which outlives those tasks; one thread.
///
/// A source that has something to publish takes the stage (`SourceLeash::take_stage`). One before it in the
/// list that delivers keeps it; any other makes way: its try ends, and its stream goes on with a
/// discontinuity.
class Lineup {
public:
    /// How often it is looked after, alone and with others.
    static constexpr Duration look_every = 1s;
    static constexpr Duration look_often = 250ms;

    /// `leash` is woken when the last task ends.
    Lineup(Desk& desk, SourceMeans means, const SourceRule& rule, SourceLeash& leash);
    Lineup(const Lineup&) = delete;
    Lineup& operator=(const Lineup&) = delete;

    void start();
    /// Ends what is not wanted any more, wakes what is, tells what changed.
    void look();
    /// Ends all tries, which say the stream's end; nothing more is told.
    void stop();
    bool is_over() const { return tasks_ == 0; }
    Duration patience() const { return places_.size() > 1 ? look_often : look_every; }

    // For leashes.
    Task<Result<>> take_stage(std::size_t index);
    void delivered(std::size_t index);
    /// Whether no other source could go on where this one ends.
    bool is_alone(std::size_t index) const;

private:
    struct Place {
        SourceRule rule;
        std::string shown;                   // masked
        const SourceKind* kind = nullptr;    // null: this node has none for it
        Duration pause = source_pause_min;   // the next one
        SourceLeash* leash = nullptr;        // of the try or pause under way
        bool trying = false;
        bool done = false;   // finished, or trying again would not help: `end` says which
        hub::SourceEnd end = hub::SourceEnd::none;
        bool ever = false;   // it has delivered
        Instant wanted_since = Instant::never();
        Instant began{};          // its newest try
        Instant heard_at{};       // it took the stage, or delivered
        Instant delivered_at{};   // counts if `ever`
        std::string why{};        // of its last end
        std::string memo{};       // from one try to the next
    };

    Task<> run(std::size_t index);
    Task<SourceEnding> try_once(std::size_t index, bool& yielded);
    Task<> pause(std::size_t index, Duration span);
    /// What an end of a try means; how long the source is then left alone, or nothing: for good.
    std::optional<Duration> judge(std::size_t index, const SourceEnding& ending);
    void leave_stage(std::size_t index);

    bool wanted(std::size_t index) const;
    bool stale(const Place& place) const;
    bool delivers(const Place& place) const;
    hub::SourceStatus status(std::size_t index) const;
    void tell();

    Desk& desk_;
    SourceMeans means_;
    SourceLeash& leash_;
    std::vector<Place> places_;
    std::optional<std::size_t> on_stage_;
    std::vector<Reply<bool>> waiting_;   // for the stage
    std::vector<hub::SourceStatus> told_;
    std::size_t tasks_ = 0;
    bool stopped_ = false;
};

}   // namespace millrace::session
