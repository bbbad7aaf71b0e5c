#pragma once

#include "session/desk.hpp"
#include "session/media_source.hpp"

#include <vector>

namespace millrace::apps {

/// A worker's desk, the addresses it answers, and the sources it runs.
struct Counter {
    struct House {
        hub::Directory& directory;
        hub::Admission& admission;
        Random& random;
        Spawner& spawner;
    };
    Counter(Executor& executor, const House& house)
        : desk{executor, house.directory, house.admission, house.random}, sources{desk, house.spawner} {
        desk.spawner = &house.spawner;
    }

    session::Desk desk;
    session::Sources sources;
    std::vector<web::Route> routes;
};

}   // namespace millrace::apps
