#include "hub/derived_feed.hpp"

namespace millrace::hub {

void Derived::attach(MirrorRef mirror, StreamHandle stream) {
    mirrors_.push_back(mirror);
    mirror.opened(MirrorStart{stream, log_.snapshot(), lead()});
}

void Derived::tell() {
    if (!log_.has_change()) {
        return;
    }
    const auto change =
        std::make_shared<const MirrorChange>(MirrorChange{log_.take_change(), lead(), offline_});
    for (const MirrorRef& mirror : mirrors_) {
        mirror.update(change);
    }
}

}   // namespace millrace::hub
