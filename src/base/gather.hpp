#pragma once

#include "base/answer.hpp"

#include <iterator>
#include <memory>
#include <vector>

namespace millrace {

/// One answer made of the parts of several executors: each runs `part` there and adds what it returns; the
/// last gives the reply, on the asker's executor. The order of parts is not defined.
template <class T, class Part>
void gather(const std::vector<Executor*>& executors, Reply<std::vector<T>> reply, Part part) {
    struct Gathering {
        std::size_t missing;
        std::vector<T> whole;
        Reply<std::vector<T>> reply;
    };
    if (executors.empty()) {
        reply.give(std::vector<T>{});
        return;
    }
    Executor& asker = reply.asker();
    // Only the asker's executor touches it; the others carry it there.
    auto gathering = std::make_shared<Gathering>(Gathering{executors.size(), {}, std::move(reply)});
    for (Executor* const executor : executors) {
        executor->post([gathering, executor, part, &asker] {
            asker.post([gathering, some = part(*executor)]() mutable {
                std::move(some.begin(), some.end(), std::back_inserter(gathering->whole));
                if (--gathering->missing == 0) {
                    gathering->reply.give(std::move(gathering->whole));
                }
            });
        });
    }
}

}   // namespace millrace
