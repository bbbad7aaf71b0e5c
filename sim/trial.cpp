#include "sim/trial.hpp"

#include "base/log.hpp"
#include "sim/faults.hpp"
#include "sim/flv_viewer.hpp"
#include "sim/hls_viewer.hpp"
#include "sim/laws.hpp"
#include "sim/publisher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

namespace millrace::sim {

namespace {

constexpr std::size_t server_number = 0;
constexpr std::size_t edge_number = 1;
const Endpoint server_at{"192.0.2.2", 0};
const Endpoint edge_at{"192.0.2.3", 0};
constexpr Duration look_every = 100ms;
constexpr Duration calm = 20s;   // the camera goes on so long after the last fault
constexpr Duration live_again = 10s;
constexpr Duration caught_up = 5min;   // after that everything is where it belongs
// What an edge may lose (README of src/archive), with what a camera writes before it sees that nobody reads.
constexpr Duration lost_by_kill = 500ms;
constexpr Duration lost_by_power_cut = 1s;
constexpr Duration lost_until_noticed = 300ms;
/// A recorder tries its disk again after 2 s, looks each 250 ms, and begins with a segment of 2 s.
constexpr Duration lost_after_disk = 6s;

bool is_of_disk(const Fault& fault) {
    return fault.kind >= Fault::Kind::disk_call && fault.kind <= Fault::Kind::disk_stall;
}

/// One trial under way.
class Trial final : log::Tap {
public:
    explicit Trial(const TrialPlan& plan)
        : plan_{plan},
          dice_{plan.seed ^ 0xFA17'0000'0000U},
          world_{plan.seed,
                 {.workers = 1 + plan.seed % 2,
                  .host = server_at.address,
                  .records = true,
                  .takes_links = true,
                  .keeps_live = plan.seed % 2 == 1,
                  .acknowledges_early = plan.plant == Plant::early}},
          server_{world_.machine(server_number)},
          edge_{world_.add_machine(
              {.workers = 1,
               .host = edge_at.address,
               .records = true,
               .uplink = server_at.address,
               .order = plan.seed % 3 == 0 ? archive::UplinkOrder::newest : archive::UplinkOrder::oldest})} {
        edge_.disk().forgets_syncs = plan.plant == Plant::lost_syncs;
        edge_.clock().jump(std::chrono::milliseconds{dice_.below(10'000)} - 5s);
        set_path();
    }

    ~Trial() { log::set_tap(nullptr); }
    Trial(const Trial&) = delete;
    Trial& operator=(const Trial&) = delete;

    Outcome run();

private:
    void on_line(log::Level, std::string_view who, std::string_view text) override {
        fmt::print("    {:.3f} {}: {}\n", std::chrono::duration<double>{world_.now() - Instant{}}.count(),
                   who, text);
    }

    Machine& machine(const Fault& fault) { return fault.machine == 0 ? server_ : edge_; }
    void plan_fault(const Fault& fault);
    void plan_path(const Fault& fault);
    void plan_cuts(const Fault& fault);
    void plan_crash(const Fault& fault);
    void start(Machine& whose);
    bool may_lose(const Fault& fault) const;
    bool loses_power_behind(const Fault& kill) const;
    void plan_disk(const Fault& fault);
    void plan_clock(const Fault& fault);
    void do_at(Duration at, std::function<void()> act) { steps_.emplace(at, std::move(act)); }
    void excuse(Duration from, Duration to) {
        evidence_excuses_.push_back({Instant{} + from, Instant{} + to});
    }
    void set_path();

    void run_until(Duration at);
    void tend_camera();
    /// An application at the edge says something of its pictures.
    void tend_results();
    void tend_viewers();
    /// Units that viewers of FLV got so far.
    std::uint64_t seen_live() const {
        return seen_before_ +
               (viewers_.empty() || viewers_[0] == nullptr ? 0 : viewers_[0]->account().units());
    }
    void note();
    void end_faults();
    void catch_up();
    void judge();
    void judge_viewer(const Viewer& viewer);

    TrialPlan plan_;
    SeededRandom dice_;
    World world_;
    Machine& server_;
    Machine& edge_;
    std::vector<Fault> faults_;
    std::multimap<Duration, std::function<void()>> steps_;
    std::vector<Excuse> evidence_excuses_;
    bool edge_clock_jumped_ = false;
    bool begun_by_another_clock_ = false;   // the edge, after a jump: what is in front of it lies elsewhere
    bool begun_without_archive_ = false;    // likewise, and its disk failed then
    VirtualPath path_{.delay = 5ms};
    int cuts_ = 0;   // under way

    bool camera_on_ = true;
    std::uint64_t said_ = 0;   // results
    Publisher* publisher_ = nullptr;
    Instant publisher_ended_;
    std::vector<Viewer*> viewers_;
    std::uint64_t seen_before_ = 0;   // by those of FLV who left
    Outcome outcome_;
};

void Trial::set_path() {
    VirtualPath path = path_;
    path.loss = cuts_ > 0 ? 1 : path.loss;
    world_.network().set_path(edge_at, server_at, path);
    world_.network().set_path(server_at, edge_at, path);
}

void Trial::plan_fault(const Fault& fault) {
    using Kind = Fault::Kind;
    switch (fault.kind) {
        case Kind::path:
        case Kind::rate: return plan_path(fault);
        case Kind::partition:
        case Kind::bursts:
        case Kind::flapping: return plan_cuts(fault);
        case Kind::kill:
        case Kind::power_cut:
        case Kind::stop: return plan_crash(fault);
        case Kind::clock_jump:
        case Kind::clock_drift: return plan_clock(fault);
        default: return plan_disk(fault);
    }
}

void Trial::plan_path(const Fault& fault) {
    SeededRandom own{fault.dice};
    VirtualPath path = path_;
    if (fault.kind == Fault::Kind::rate) {
        path.bytes_per_second = 4'000 + own.below(40'000);
        path.queue = 4'000 + own.below(60'000);
        path.queue_at_sender = own.below(2) == 0;
    } else {
        const auto share = [&own](double most) {
            return own.below(3) == 0 ? 0 : most * own.below(100) / 100;
        };
        path.delay = std::chrono::milliseconds{own.below(300)};
        path.jitter = std::chrono::milliseconds{own.below(50)};
        path.loss = share(0.3);
        path.duplication = share(0.1);
        path.reordering = share(0.1);
        path.held_back = std::chrono::milliseconds{own.below(50)};
        path.corruption = share(0.02);
    }
    do_at(fault.at, [this, path] {
        path_ = path;
        set_path();
    });
    do_at(fault.end(), [this] {
        path_ = {.delay = 5ms};
        set_path();
    });
}

void Trial::plan_cuts(const Fault& fault) {
    SeededRandom own{fault.dice};
    const auto cut = [&](Duration from, Duration to) {
        do_at(from, [this] {
            ++cuts_;
            set_path();
        });
        do_at(std::min(to, fault.end()), [this] {
            --cuts_;
            set_path();
        });
    };
    if (fault.kind == Fault::Kind::partition) {
        return cut(fault.at, fault.end());
    }
    for (Duration at = fault.at; at < fault.end();) {
        const bool flaps = fault.kind == Fault::Kind::flapping;
        const Duration down = flaps ? Duration{3s} : between(own, 50ms, 800ms);
        cut(at, at + down);
        at += down + (flaps ? Duration{2s} : between(own, 200ms, 3s));
    }
}

void Trial::plan_crash(const Fault& fault) {
    do_at(fault.at, [this, fault] {
        Machine& whose = machine(fault);
        if (fault.kind == Fault::Kind::stop) {
            whose.stop();
        } else {
            whose.crash(fault.kind == Fault::Kind::kill ? Machine::Ending::killed
                                                        : Machine::Ending::power_cut);
        }
    });
    do_at(fault.end(), [this, fault] { start(machine(fault)); });
    if (fault.machine == edge_number) {
        const bool power = fault.kind == Fault::Kind::power_cut || loses_power_behind(fault);
        excuse(fault.at - (power ? lost_by_power_cut : lost_by_kill), fault.at + lost_until_noticed);
    }
}

void Trial::start(Machine& whose) {
    if (!whose.is_up()) {
        whose.start();
        const bool by_another = &whose == &edge_ && edge_clock_jumped_;
        begun_by_another_clock_ = begun_by_another_clock_ || by_another;
        begun_without_archive_ =
            begun_without_archive_ || (by_another && std::ranges::any_of(faults_, [this](const Fault& one) {
                                           return is_of_disk(one) && one.machine == edge_number &&
                                                  Instant{} + one.at - lost_by_power_cut <= world_.now() &&
                                                  world_.now() <= Instant{} + one.end();
                                       }));
    }
}

/// Whether the power goes before a killed edge could bring to its disk what the system still had of it: the
/// disk takes nothing meanwhile.
bool Trial::loses_power_behind(const Fault& kill) const {
    return std::ranges::any_of(faults_, [&](const Fault& cut) {
        const auto keeps_away = [&](const Fault& disk) {
            return is_of_disk(disk) && disk.machine == kill.machine && disk.at <= cut.at &&
                   disk.end() + lost_after_disk >= kill.at;
        };
        return cut.kind == Fault::Kind::power_cut && cut.machine == kill.machine && cut.at >= kill.at &&
               (cut.at <= kill.end() || std::ranges::any_of(faults_, keeps_away));
    });
}

/// A slow disk costs nothing, for what it owes waits in memory; unless the node ends or the disk fails then.
bool Trial::may_lose(const Fault& fault) const {
    const auto is_slow = [](const Fault& one) {
        return one.kind == Fault::Kind::disk_slow || one.kind == Fault::Kind::disk_stall;
    };
    const auto costs = [&](const Fault& other) {
        const bool harms = other.kind >= Fault::Kind::kill && other.kind < Fault::Kind::clock_jump;
        return harms && !is_slow(other) && other.machine == fault.machine && other.end() >= fault.at &&
               other.at <= fault.end() + lost_after_disk;
    };
    return !is_slow(fault) || std::ranges::any_of(faults_, costs);
}

void Trial::plan_disk(const Fault& fault) {
    using Kind = Fault::Kind;
    if (fault.machine == edge_number && may_lose(fault)) {
        excuse(fault.at - lost_by_power_cut, fault.end() + lost_after_disk);
    }
    do_at(fault.at, [this, fault] {
        SeededRandom own{fault.dice};
        Machine& whose = machine(fault);
        VirtualFolder& disk = whose.disk();
        disk.fails_midway = own.below(2) == 0;
        switch (fault.kind) {
            case Kind::disk_call: disk.fails_at = disk.calls + own.below(100); break;
            case Kind::disk_broken:
                disk.fails_at = disk.calls;
                disk.fails_on = true;
                break;
            case Kind::disk_full: disk.limits.size_max = disk.used() + own.below(20'000); break;
            case Kind::disk_read_only: disk.read_only = true; break;
            case Kind::disk_slow: whose.slow_disk(std::chrono::milliseconds{1 + own.below(60)}); break;
            default: whose.stall_disk(fault.length); break;
        }
    });
    do_at(fault.end(), [this, fault] {
        Machine& whose = machine(fault);
        VirtualFolder& disk = whose.disk();
        switch (fault.kind) {
            case Kind::disk_call: disk.fails_at.reset(); break;
            case Kind::disk_broken: disk.restart(); break;
            case Kind::disk_full: disk.limits.size_max = UINT64_MAX; break;
            case Kind::disk_read_only: disk.read_only = false; break;
            default: whose.slow_disk({}); break;
        }
    });
}

void Trial::plan_clock(const Fault& fault) {
    do_at(fault.at, [this, fault] {
        SeededRandom own{fault.dice};
        MachineClock& clock = machine(fault).clock();
        if (fault.kind == Fault::Kind::clock_jump) {
            clock.jump(between(own, 0s, 3600s) * (own.below(2) == 0 ? 1 : -1));
            edge_clock_jumped_ = edge_clock_jumped_ || fault.machine == edge_number;
        } else {
            clock.set_drift(static_cast<std::int64_t>(own.below(1'000)) - 500);
        }
    });
}

void Trial::run_until(Duration at) {
    while (world_.now() < Instant{} + at) {
        world_.run_for(std::min(look_every, Instant{} + at - world_.now()));
        tend_camera();
        tend_results();
        tend_viewers();
        note();
    }
}

void Trial::tend_camera() {
    // One that said its end waits until the stream is over, and does not keep the next one away.
    const bool ended = publisher_ == nullptr || publisher_->state() == Publisher::State::ended ||
                       publisher_->state() == Publisher::State::refused ||
                       publisher_->state() == Publisher::State::done;
    if (!ended) {
        publisher_ended_ = Instant::never();
        return;
    }
    if (publisher_ended_ == Instant::never() && publisher_ != nullptr) {
        publisher_ended_ = world_.now();
    }
    if (camera_on_ && edge_.is_up() && (publisher_ == nullptr || world_.now() >= publisher_ended_ + 200ms)) {
        publisher_ = &world_.add<Publisher>(
            Publisher::Plan{.length = between(dice_, 3s, 40s),
                            .end = dice_.below(2) == 0 ? Publisher::End::said : Publisher::End::closed,
                            .link = {.up = {.delay = 1ms}, .down = {.delay = 1ms}, .machine = edge_number}});
    }
}

void Trial::tend_results() {
    const bool has_application = plan_.seed % 2 == 1;
    if (has_application && edge_.is_up() && publisher_ != nullptr &&
        publisher_->state() == Publisher::State::live) {
        edge_.say(fmt::format(R"({{"n":{}}})", ++said_));
    }
}

void Trial::tend_viewers() {
    const auto gone = [](const Viewer* viewer) {
        return viewer->state() != Viewer::State::joining && viewer->state() != Viewer::State::playing;
    };
    for (std::size_t i = 0; i < 2; ++i) {
        if (viewers_.size() <= i) {
            viewers_.push_back(nullptr);
        }
        Viewer*& viewer = viewers_[i];
        if (viewer != nullptr && gone(viewer)) {
            judge_viewer(*viewer);
            seen_before_ += i == 0 ? viewer->account().units() : 0;
            viewer = nullptr;
        }
        if (viewer == nullptr && server_.is_up() && camera_on_) {
            const ViewerPlan plan{.after = 500ms, .link = {.up = {.delay = 5ms}, .down = {.delay = 5ms}}};
            if (i == 0) {
                viewer = &watch_flv(world_, plan);
            } else {
                viewer = &watch_hls(world_, plan, HlsViewer::Form::cmaf);
            }
        }
    }
}

void Trial::note() {
    const VirtualNetwork::Counters& seen = world_.network().counters();
    const std::array numbers{seen.carried,    seen.carried_bytes,  seen.lost,
                             seen.duplicated, edge_.disk().calls,  server_.disk().calls,
                             seen.corrupted,  edge_.disk().used(), server_.disk().used()};
    world_.trace().note(world_.now(), 0, std::as_bytes(std::span{numbers}));
}

void Trial::end_faults() {
    cuts_ = 0;
    path_ = {.delay = 5ms};
    set_path();
    for (Machine* const whose : {&server_, &edge_}) {
        whose->disk().restart();
        whose->disk().limits = {};
        whose->disk().read_only = false;
        whose->slow_disk({});
        start(*whose);
    }
}

void Trial::catch_up() {
    const Duration began = world_.now() - Instant{};
    log::debug("trial", "all faults have ended");
    run_until(began + live_again);
    const std::uint64_t seen = seen_live();
    run_until(began + calm);
    if (seen_live() == seen) {
        outcome_.broken.push_back(fmt::format("live: from {} s after the last fault on nothing came for {} s",
                                              live_again / 1s, (calm - live_again) / 1s));
    }
    camera_on_ = false;
    while (publisher_ != nullptr && publisher_->state() != Publisher::State::ended) {
        run_until(world_.now() - Instant{} + 1s);
    }
    run_until(world_.now() - Instant{} + 15s);   // its stream ends
    const Instant latest = world_.now() + caught_up;
    while (edge_.unsent() != 0U) {
        if (world_.now() > latest) {
            outcome_.broken.push_back(
                fmt::format("N1: {} min after the last fault the edge still has what its "
                            "server lacks",
                            caught_up / 1min));
            return;
        }
        run_until(world_.now() - Instant{} + 1s);
    }
    run_until(world_.now() - Instant{} + 6s);   // the server's files are closed
}

void Trial::judge() {
    for (std::size_t i = 0; i < viewers_.size(); ++i) {
        if (viewers_[i] != nullptr) {
            judge_viewer(*viewers_[i]);
        }
    }
    edge_.stop();
    server_.stop();
    const Evidence evidence{.ledger = world_.ledger(),
                            .edge = read_recorded(edge_.disk(), edge_.clock(), world_.ledger()),
                            .server = read_recorded(server_.disk(), server_.clock(), world_.ledger()),
                            .excuses = evidence_excuses_,
                            .said = said_,
                            .clock_jumped = begun_by_another_clock_};
    std::ranges::move(broken_laws(evidence), std::back_inserter(outcome_.broken));
    for (const RecordedFragment& one : evidence.server.fragments) {
        outcome_.recorded += one.units.size();
        outcome_.results += one.results.size();
        world_.trace().note(world_.now(), one.facts.number, std::as_bytes(std::span{&one.hash, 1}));
    }
    outcome_.written = world_.ledger().size();
    if (outcome_.recorded * 4 < outcome_.written || outcome_.written < 500) {
        outcome_.broken.push_back(fmt::format("nothing is proven: of {} units {} were recorded",
                                              outcome_.written, outcome_.recorded));
    }
}

void Trial::judge_viewer(const Viewer& viewer) {
    for (const std::string& fault : viewer.account().faults()) {
        // A node whose disk does not say what it numbered numbers by its clock.
        if (!begun_without_archive_ || fault != "a list went back") {
            outcome_.broken.push_back(fmt::format("N5: viewer: {}", fault));
        }
    }
}

Outcome Trial::run() {
    log::set_level(plan_.log ? log::Level::debug : log::Level::error);
    log::set_tap(plan_.log ? this : nullptr);
    const Duration span = between(dice_, 20s, 60s);
    if (plan_.faults) {
        faults_ = draw_faults(dice_, span);
        for (const Fault& fault : faults_) {
            outcome_.faults.push_back(fault.text());
            plan_fault(fault);
        }
    }
    for (const auto& [at, act] : steps_) {
        run_until(at);
        act();
    }
    run_until(std::max(span, world_.now() - Instant{}));
    end_faults();
    catch_up();
    judge();
    outcome_.trace = world_.trace().value();
    outcome_.simulated = world_.now() - Instant{};
    return std::move(outcome_);
}

}   // namespace

std::optional<Plant> plant_named(std::string_view name) {
    constexpr std::array<std::pair<std::string_view, Plant>, 3> names{
        {{"none", Plant::none}, {"early", Plant::early}, {"lost_syncs", Plant::lost_syncs}}};
    const auto found = std::ranges::find(names, name, &std::pair<std::string_view, Plant>::first);
    return found == names.end() ? std::nullopt : std::optional{found->second};
}

Outcome run_trial(const TrialPlan& plan) {
    return Trial{plan}.run();
}

}   // namespace millrace::sim
