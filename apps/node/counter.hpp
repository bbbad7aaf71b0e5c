#pragma once

#include "net/connector.hpp"
#include "session/archive_export_plans.hpp"
#include "session/desk.hpp"
#include "session/file_push.hpp"
#include "session/forward.hpp"
#include "session/hls_push.hpp"
#include "session/http_pull.hpp"
#include "session/kcp_bare.hpp"
#include "session/link_port.hpp"
#include "session/link_pull.hpp"
#include "session/link_push.hpp"
#include "session/link_serve.hpp"
#include "session/link_streams.hpp"
#include "session/media_ports.hpp"
#include "session/media_source.hpp"
#include "session/raw_push.hpp"
#include "session/rtmp_pull.hpp"
#include "session/rtmp_push.hpp"
#include "session/rtsp_pull.hpp"
#include "session/rtsp_push.hpp"
#include "session/ts_push.hpp"
#include "session/udp_pull.hpp"
#include "session/uplink_send.hpp"
#include "session/upload_intake.hpp"
#include "session/ws_pull.hpp"

#include <array>
#include <memory>
#include <vector>

namespace millrace::apps {

/// What opens which sources: the node pulls from servers itself, a child does the rest.
inline constexpr std::array source_kinds{session::SourceKind{"http://", session::http_pull, true},
                                         session::SourceKind{"https://", session::http_pull, true},
                                         session::SourceKind{"kcp://", session::link_pull, true},
                                         session::SourceKind{"rtmp://", session::rtmp_pull, true},
                                         session::SourceKind{"rtmps://", session::rtmp_pull, true},
                                         session::SourceKind{"rtsp://", session::rtsp_pull, true},
                                         session::SourceKind{"rtsps://", session::rtsp_pull, true},
                                         session::SourceKind{"udp://", session::udp_pull, true},
                                         session::SourceKind{"ws://", session::ws_pull, true},
                                         session::SourceKind{"wss://", session::ws_pull, true},
                                         session::SourceKind{"", session::media_source}};

/// What pushes streams to which destinations.
inline constexpr std::array forward_kinds{
    session::ForwardKind{"kcp://", session::link_push},   session::ForwardKind{"rtmp://", session::rtmp_push},
    session::ForwardKind{"rtmps://", session::rtmp_push}, session::ForwardKind{"rtsp://", session::rtsp_push},
    session::ForwardKind{"rtsps://", session::rtsp_push}, session::ForwardKind{"http://", session::hls_push},
    session::ForwardKind{"https://", session::hls_push},  session::ForwardKind{"file:", session::file_push},
    session::ForwardKind{"tcp://", session::raw_push},    session::ForwardKind{"udp://", session::ts_push}};

/// A worker's desk, the addresses it answers, the sources it runs, and where it pushes streams to.
struct Counter {
    struct House {
        hub::Directory& directory;
        hub::Admission& admission;
        Random& random;
        Spawner& spawner;
        session::SourceWitness& witness;
        bool follow_links = false;    ///< see session::ForwardMeans
        Background* disk = nullptr;   ///< likewise
    };
    Counter(Executor& executor, const House& house)
        : desk{executor, house.directory, house.admission, house.random},
          sources{desk, {house.spawner, connector, source_kinds, &house.witness}},
          forwards{desk, {connector, forward_kinds, house.follow_links, house.disk}} {
        desk.spawner = &house.spawner;
    }

    /// Before the worker starts.
    void use(std::unique_ptr<session::MediaPorts> its_ports) {
        media_ports = std::move(its_ports);
        desk.media_ports = media_ports.get();
        desk.executor.post([this] { media_ports->listen(); });
    }
    /// Likewise.
    void use_bare(std::unique_ptr<Datagrams> socket) {
        kcp_bare = std::make_unique<session::KcpBare>(desk, std::move(socket));
        desk.executor.post([this] { kcp_bare->listen(); });
    }
    /// Likewise.
    void use_links(std::unique_ptr<Datagrams> socket, link::DtlsServer& dtls) {
        const auto serve = [this](std::unique_ptr<session::LinkConnection> connection) {
            desk.executor.tasks().spawn(session::link_serve(desk, std::move(connection)));
        };
        link_port = std::make_unique<session::LinkPort>(desk.executor, std::move(socket),
                                                        session::LinkPort::Means{dtls, desk.random}, serve);
        link_streams =
            std::make_unique<session::LinkStreams>(desk.executor, dtls, link::Server::Limits{}, serve);
        desk.executor.post([this] { link_port->listen(); });
    }
    /// Links that are closed here, and of which what was written still leaves. Own thread.
    std::size_t links_ending() const {
        return desk.links_ending + (link_port == nullptr ? 0 : link_port->ending() + link_streams->ending());
    }
    std::uint64_t strange_datagrams() const {
        return (media_ports == nullptr ? 0 : media_ports->counters().strangers.load()) +
               (kcp_bare == nullptr ? 0 : kcp_bare->counters().strangers.load());
    }

    std::unique_ptr<session::MediaPorts> media_ports;     // none: no UDP for RTSP
    std::unique_ptr<session::LinkPort> link_port;         // none: links come to other workers, or to none
    std::unique_ptr<session::LinkStreams> link_streams;   // likewise, of those that come by TCP
    session::Desk desk;
    net::Connector connector;
    session::Sources sources;
    session::Forwards forwards;
    session::Uplinks uplinks{desk, connector, forwards};
    session::UploadDesk uploads{desk};
    session::ExportPlans exports{desk};
    std::unique_ptr<session::KcpBare> kcp_bare;   // none: it is off
    std::vector<web::Route> routes;
};

}   // namespace millrace::apps
