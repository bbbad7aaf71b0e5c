#include "net/watch.hpp"

#include <utility>

namespace millrace::net {

namespace {

/// Takes the descriptor away where the kernel does not watch it.
Poller::Place& seat(Poller& poller, Descriptor& descriptor, Poller::Owner& owner) {
    if (Poller::Place* const place = poller.add(descriptor.number(), owner); place != nullptr) {
        return *place;
    }
    descriptor = {};
    return *poller.add_nothing(owner);
}

}   // namespace

Watch::Watch(Worker& worker, Descriptor descriptor, Owner& owner)
    : worker_{worker}, descriptor_{std::move(descriptor)}, place_{seat(worker.poller(), descriptor_, owner)} {
    ++worker.watched();
}

Watch::~Watch() {
    --worker_.watched();
    worker_.poller().remove(place_);
}

Descriptor Watch::release() {
    worker_.poller().leave(place_);
    return std::exchange(descriptor_, {});
}

}   // namespace millrace::net
