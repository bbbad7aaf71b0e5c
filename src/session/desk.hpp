#pragma once

#include "base/child.hpp"
#include "base/executor.hpp"
#include "base/random.hpp"
#include "base/web.hpp"
#include "hub/admission.hpp"
#include "hub/directory.hpp"
#include "hub/enrolment.hpp"
#include "hub/mirror.hpp"
#include "hub/segment_seat.hpp"
#include "hub/sessions.hpp"
#include "hub/tally.hpp"
#include "hub/uplink_hall.hpp"
#include "net/fan_out.hpp"
#include "net/memory.hpp"
#include "session/hls_texts.hpp"
#include "session/rtsp_tunnels.hpp"
#include "session/settings.hpp"
#include "session/transport_memory.hpp"

#include <array>
#include <functional>
#include <memory>

namespace millrace::archive {
class Keeper;
}   // namespace millrace::archive

namespace millrace::session {

class MediaPorts;
class MulticastStreams;

/// What the conversations of one worker share; made once a worker, by `main` or by a simulation. Own thread
/// only. It outlives every conversation of its executor.
struct Desk {
    static constexpr std::size_t read_size = 64U << 10U;

    Desk(Executor& its_executor, hub::Directory& the_directory, hub::Admission& the_admission,
         Random& its_random)
        : executor{its_executor},
          directory{the_directory},
          admission{the_admission},
          random{its_random},
          sessions{its_executor},
          mirrors{the_directory, sessions},
          fan_out{its_executor} {
        directory.introduce(sessions);
    }

    Executor& executor;
    hub::Directory& directory;
    hub::Admission& admission;
    Random& random;
    /// Replaced as a whole when the configuration changes; who needs it across a wait copies the pointer.
    std::shared_ptr<const Settings> settings = std::make_shared<const Settings>();
    hub::Tally tally;
    hub::Sessions sessions;
    hub::Mirrors mirrors;
    TunnelEnds tunnel_ends;   ///< outlives the viewers of the fan-out
    net::FanOut fan_out;
    const net::Memory* memory = nullptr;   ///< none: it never is scarce
    Spawner* spawner = nullptr;            ///< none: no pictures are made here
    RtspTunnels* tunnels = nullptr;        ///< none: no RTSP over HTTP
    /// Answers a GET or POST of such a tunnel that came to a port of HTTP; none: not there.
    std::function<web::Response(const web::Request& request)> rtsp_tunnel;
    MediaPorts* media_ports = nullptr;        ///< none: RTSP goes over TCP alone
    MulticastStreams* multicast = nullptr;    ///< none: nothing goes to groups
    archive::Keeper* keeper = nullptr;        ///< none: nothing was recorded here
    hub::Enrol enrol;                         ///< none: no box is enrolled here
    hub::UplinkHall* uplink_hall = nullptr;   ///< none: archives come whole, and keys are anybody's
    /// Whether there is memory for one more who publishes or plays.
    Result<> has_room() const {
        return memory != nullptr && memory->scarce()
                   ? fail(Errc::exhausted, "this node has no memory for more; try again later")
                   : Result<>{};
    }
    std::string node_id;                  ///< by which relays know this node (Hops); empty: it says none
    std::size_t requests_under_way = 0;   ///< of HTTP, see HttpServeLimits
    std::size_t imports = 0;              ///< that are under way, see archive_import
    std::size_t export_bytes = 0;         ///< of tables that exports keep in memory, see ExportRoom
    std::size_t links_ending = 0;         ///< of our calls: closed here, but what was written still leaves
    ListTexts list_texts;
    hub::SegmentSeats segment_seats;
    TransportMemory rtsp_over_tcp;
    /// Bytes between a socket and a machine: never kept across a wait, so one is enough.
    std::array<std::byte, read_size> read_buffer;
};

}   // namespace millrace::session
