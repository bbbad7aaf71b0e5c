#include "hub/publication.hpp"

#include "hub/directory.hpp"

#include <utility>

namespace millrace::hub {

Publication::Publication(Directory& directory, Executor& executor, SessionRef session, Grant grant)
    : directory_{directory}, executor_{executor}, session_{session}, grant_{grant} {
}

Publication::~Publication() {
    leave(false);
}

void Publication::flush() {
    const bool empty = batch_.items.empty() && batch_.bytes_received == 0 && batch_.dropped == 0 &&
                       batch_.chunks == ChunkChecks{} && !batch_.camera && batch_.messages.empty();
    if (left_ || empty) {
        return;
    }
    batch_.arrival = executor_.now();
    if (grant_.stream.home != &executor_) {
        under_way_ += batch_.bytes_received;
    }
    directory_.append(grant_.stream, grant_.publication, batch_, session_);
}

void Publication::finish() {
    leave(true);
}

void Publication::leave(bool said) {
    if (!left_) {
        flush();
        left_ = true;
        directory_.unpublish(grant_.stream, grant_.publication, said);
    }
}

}   // namespace millrace::hub
