#pragma once

#include "hub/chunk_checks.hpp"
#include "hub/publication.hpp"
#include "protocol/link/talk.hpp"

#include <utility>

namespace millrace::session {

/// What was found of chunks since `counted`, which is then up to date.
inline hub::ChunkChecks new_checks(const link::Talk& talk, hub::ChunkChecks& counted) {
    const link::ChunkChecker::Counters& now = talk.chunks();
    const hub::ChunkChecks all{
        .proven = now.proven, .different = now.different, .incomplete = now.incomplete};
    const hub::ChunkChecks before = std::exchange(counted, all);
    return {.proven = all.proven - before.proven,
            .different = all.different - before.different,
            .incomplete = all.incomplete - before.incomplete};
}

}   // namespace millrace::session
