#include "control/admission.hpp"

namespace millrace::control {

void OpenOrClosed::decide(hub::Petition /*petition*/, Reply<hub::Admitted> reply) {
    if (open_) {
        reply.give(hub::Admitted{.identity = {.name = "anyone"}, .anyone = true});
    } else {
        reply.give(
            fail(Errc::refused, "this node is closed: start it with --open to let anyone publish and play"));
    }
}

}   // namespace millrace::control
