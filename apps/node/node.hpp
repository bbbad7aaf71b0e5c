#pragma once

#include "apps/node/bucket.hpp"
#include "apps/node/catalogue.hpp"
#include "apps/node/counter.hpp"
#include "apps/node/doors.hpp"
#include "apps/node/link_door.hpp"
#include "apps/node/media_ports.hpp"
#include "apps/node/source_rules.hpp"
#include "archive/keeper.hpp"
#include "base/storage.hpp"
#include "control/gate.hpp"
#include "control/overview.hpp"
#include "control/readiness.hpp"
#include "control/steward.hpp"
#include "control/sweep.hpp"
#include "hub/log_events.hpp"
#include "hub/uplink_hall.hpp"
#include "net/background_threads.hpp"
#include "net/child.hpp"
#include "net/lobby.hpp"
#include "net/memory.hpp"
#include "net/system_random.hpp"
#include "net/worker_pool.hpp"
#include "session/decoded_play.hpp"
#include "session/rtsp_tunnels.hpp"
#include "session/stills.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace millrace::apps {

/// What a node begins with.
struct NodeStart {
    control::StandingRef standing;
    control::ConfigurationSources sources;   ///< to be read again
    Storage& storage;
    unsigned port_tries = 1;     ///< see net::ListenOptions
    bool follow_links = false;   ///< see session::ForwardMeans
    Folder* archive = nullptr;   ///< where recordings are kept; null: nowhere
    /// Routes that only this program has, before those of pages; empty: none.
    std::function<std::vector<web::Route>(session::Desk& desk)> more_routes{};
};

/// One node: everything it owns, in the order it is made; torn down the other way round. The workers carry
/// media; one thread aside decides and configures; the main thread starts children.
class Node final : control::Realm {
public:
    /// How long a stop in good order takes at most.
    static constexpr Duration drain_max = 9s;

    /// Listens, but serves nobody before `start`. Throws std::runtime_error.
    explicit Node(NodeStart start);
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    ~Node() override;

    /// Where it listens. Before `start`.
    Addresses addresses() const;
    /// SHA-256 of the certificate that it shows to links; empty: nobody may call it by one.
    const std::string& link_fingerprint() const { return link_fingerprint_; }
    /// Serves from now on. Throws std::runtime_error where the system gives no threads.
    void start();
    /// Hears signals until SIGINT or SIGTERM, or `stop`, and then until what can be ended in good order has
    /// ended.
    void run();
    /// As SIGTERM does. Any thread, once it runs.
    void stop();

    using Look = std::move_only_function<void(const control::Overview& seen, Instant now)>;
    /// Shows what there is to see of the node again and again, on the thread aside. Once, before `start`.
    void watch(Duration every, Look look);
    /// Says something of a stream's pictures, beside them; what is not taken is counted. Any thread.
    void say(const std::string& stream, media::TimedMessage message);
    using Hear = std::function<void(const std::string& json)>;
    /// Gives out what applications say to who publishes a stream, as its events have it, on the thread aside.
    /// Once, before `start`.
    void hear(const std::string& stream, Hear take);
    /// Has a stream decoded, for a node of one worker. Once, before `start`; `play` outlives the node.
    void play(session::DecodedPlay& play);

private:
    void prepare(const control::Standing& next, bool afresh) override;
    void apply(control::StandingRef next) override;
    void abandon() override { doors_.abandon(); }

    void make_counters(const NodeStart& start);
    void open_media_ports(const control::Configuration& wanted);
    void open_links(const control::Configuration& wanted, Storage& storage);
    void close_link_streams() {
        if (link_streams_ != nullptr) {
            link_streams_->close();
        }
    }
    void add_routes(Counter& counter, const control::ApiSources& sights, const std::string& node_start);
    void add_page();
    /// Where each worker pushes streams to, from now on.
    void use_forwards(std::vector<std::vector<session::ForwardRule>> rules,
                      const control::UplinkRules& uplink);
    /// Any thread.
    void enrol(hub::EnrolmentWish wish, Reply<hub::EnrolmentAnswer> reply);
    Task<> enrol_here(hub::EnrolmentWish wish, Reply<hub::EnrolmentAnswer> reply);
    void welcome(std::string_view door, Executor& worker, std::unique_ptr<Connection> connection);
    Counter& counter_of(const Executor& executor);
    void begin_drain();
    Task<> drain();
    Task<> hear_messages(std::string stream, Hear take);
    Task<> look_again(Duration every);
    void open_archive(Folder& folder);
    Task<> tend_archive();
    std::optional<control::ArchiveFacts> archive_facts() const;
    Task<std::size_t> count_viewers();

    control::StandingRef standing_;   // what was applied last
    net::MainLoop main_;
    net::ChildSpawner spawner_{main_, net::program_beside_us("millrace-media")};
    net::SystemRandom random_;
    hub::UplinkHall uplink_hall_;
    net::WorkerPool pool_;
    net::Lobby lobby_{random_};
    net::Memory memory_{pool_.aside()};
    // Works on its disk thread; streams, which go with the directory, give to it.
    std::unique_ptr<archive::Keeper> keeper_;
    hub::Events events_{pool_.aside()};
    hub::LogEvents log_events_{events_};
    hub::Directory directory_;
    session::Stills stills_{pool_.aside(), directory_, spawner_};
    session::RtspTunnels tunnels_{pool_.aside()};
    std::unique_ptr<session::MulticastStreams> multicast_;   // none: it is off
    session::Uploads uploads_{pool_.aside()};
    control::Readiness readiness_;
    // Joined after the pool has stopped, before what they work for goes.
    std::optional<net::BackgroundThreads> hashing_;
    std::optional<net::BackgroundThreads> disk_;
    struct ArchiveThreads {
        std::optional<net::BackgroundThreads> disk{};
        std::unique_ptr<Bucket> bucket{};             // null: recordings stay on this disk
        std::unique_ptr<CatalogueEnds> catalogue{};   // null: nobody else is told of them

        ArchiveThreads() = default;
        ArchiveThreads(const ArchiveThreads&) = delete;
        ArchiveThreads& operator=(const ArchiveThreads&) = delete;
        ~ArchiveThreads() { stop(); }
        /// They give each other work.
        void stop();
    };
    ArchiveThreads archive_threads_;
    control::Gate gate_;
    control::Steward steward_;
    LinkKeys link_keys_;   // of kcp.psk_file
    std::atomic<std::uint16_t> link_local_port_ = 0;
    // Of the workers, by turns; they outlive the counters' links.
    std::vector<std::unique_ptr<link::DtlsServer>> link_dtls_;
    std::string link_fingerprint_;
    std::unique_ptr<net::Door> link_streams_;   // none: there are no links to here, or by UDP alone
    std::vector<std::unique_ptr<Counter>> counters_;
    std::optional<control::ApiSources> sights_;
    Look look_;
    std::optional<control::Sweeper> sweeper_;
    SourceRules source_rules_{counters_};
    Doors doors_;
    std::atomic<bool> stopping_ = false;
};

}   // namespace millrace::apps
