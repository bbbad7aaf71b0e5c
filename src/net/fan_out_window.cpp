#include "net/fan_out_window.hpp"

namespace millrace::net {

void WindowPolicy::review(double load) {
    std::size_t wanted = step_;
    while (wanted + 1 < steps.size() && load > steps[wanted + 1].load_above) {
        ++wanted;
    }
    if (wanted == step_ && step_ > 0) {
        const auto now = static_cast<double>(steps[step_].window.count());
        const auto smaller = static_cast<double>(steps[step_ - 1].window.count());
        if (load * now / smaller < load_to_shrink) {
            --wanted;
        }
    }
    step_ = wanted;
}

}   // namespace millrace::net
