#pragma once

#include "archive/index.hpp"
#include "base/connection.hpp"
#include "base/virtual_folder.hpp"
#include "base/virtual_network.hpp"
#include "base/virtual_time.hpp"
#include "hub/report.hpp"
#include "sim/machine_clock.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::sim {

/// What a machine of the world is and what runs on it, whatever happens to it.
struct MachinePlan {
    std::size_t workers = 2;
    Duration grace = 10s;
    std::string host = "192.0.2.2";
    bool records = false;       ///< every stream, on its disk
    bool takes_links = false;   ///< `kcp://` on port 8910, of whoever has `key`
    std::string uplink{};       ///< host of the machine that live/cam goes to, live and recorded; empty: none
    archive::UplinkOrder order = archive::UplinkOrder::oldest;
    bool keeps_live = false;           ///< what came live need not come with the archive again
    bool acknowledges_early = false;   ///< a planted fault: see Archive::Seams
};

/// A computer with a node as `millrace serve` builds it, in one process that may end and begin again. Disk
/// and clock stay. Its calls come from outside the simulated time.
class Machine {
public:
    enum class Ending : std::uint8_t {
        killed,      ///< the process ends: what it wrote is written
        power_cut,   ///< what was not synced is gone, or half of it
    };
    /// What the node still holds of the conversations it had.
    struct Held {
        std::size_t conversations = 0;   ///< coroutines
        std::size_t sessions = 0;        ///< in the registries
        std::size_t viewers = 0;         ///< in the fan-outs
        std::size_t mirrors = 0;
        std::size_t streams = 0;
        bool operator==(const Held&) const = default;
    };

    /// Its node runs at once. `seed` is of its own chance.
    Machine(VirtualTime& time, VirtualNetwork& network, MachinePlan plan, std::uint64_t seed);
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;
    ~Machine();

    bool is_up() const { return node_ != nullptr; }
    void start();
    void crash(Ending how);
    /// As SIGTERM does it where nobody is given time: what was recorded is sealed, every conversation ends.
    void stop();

    std::size_t workers() const { return plan_.workers; }
    /// Null: it is down, and who calls it is hung up on.
    VirtualExecutor* worker(std::size_t number);
    void serve_rtmp(std::size_t worker, std::unique_ptr<Connection> connection);
    void serve_http(std::size_t worker, std::unique_ptr<Connection> connection);

    Held held();
    std::vector<hub::StreamReport> reports();
    /// Fragments that the server of its uplink lacks; nothing: it is down or does not say. Takes 50 ms.
    std::optional<std::uint64_t> unsent();

    const MachinePlan& plan() const { return plan_; }
    VirtualFolder& disk() { return disk_; }
    MachineClock& clock() { return clock_; }
    Random& random() { return random_; }
    /// An application there says this of the newest picture of live/cam: one JSON object.
    void say(std::string_view json);
    /// How long each work of the disk's thread takes, now and after every start.
    void slow_disk(Duration latency);
    void stall_disk(Duration span);

private:
    class Node;
    void end_node();
    static Task<> ask_unsent(Machine& self);
    static Task<> seal(Machine& self);

    VirtualTime& time_;
    VirtualNetwork& network_;
    MachinePlan plan_;
    MachineClock clock_;
    SeededRandom random_;
    VirtualFolder disk_;
    Duration disk_latency_{};
    VirtualExecutor& outside_;   // who asks it
    std::optional<std::uint64_t> unsent_;
    bool sealed_ = false;
    std::unique_ptr<Node> node_;
};

}   // namespace millrace::sim
