#pragma once

#include "net/connector.hpp"
#include "session/desk.hpp"
#include "session/forward.hpp"
#include "session/media_source.hpp"
#include "session/mjpeg_pull.hpp"
#include "session/raw_push.hpp"
#include "session/rtmp_push.hpp"

#include <array>
#include <vector>

namespace millrace::apps {

/// What opens which sources: the node pulls from servers itself, a child does the rest.
inline constexpr std::array source_kinds{session::SourceKind{"http://", session::mjpeg_pull, true},
                                         session::SourceKind{"https://", session::mjpeg_pull, true},
                                         session::SourceKind{"", session::media_source}};

/// What pushes streams to which destinations.
inline constexpr std::array forward_kinds{session::ForwardKind{"rtmp://", session::rtmp_push},
                                          session::ForwardKind{"rtmps://", session::rtmp_push},
                                          session::ForwardKind{"tcp://", session::raw_push}};

/// A worker's desk, the addresses it answers, the sources it runs, and where it pushes streams to.
struct Counter {
    struct House {
        hub::Directory& directory;
        hub::Admission& admission;
        Random& random;
        Spawner& spawner;
    };
    Counter(Executor& executor, const House& house)
        : desk{executor, house.directory, house.admission, house.random},
          sources{desk, {house.spawner, connector, source_kinds}},
          forwards{desk, {connector, forward_kinds}} {
        desk.spawner = &house.spawner;
    }

    session::Desk desk;
    net::Connector connector;
    session::Sources sources;
    session::Forwards forwards;
    std::vector<web::Route> routes;
};

}   // namespace millrace::apps
