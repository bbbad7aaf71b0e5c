#include "hub/forward_report.hpp"

#include <array>

namespace millrace::hub {

std::string_view name(ForwardState state) {
    constexpr std::array<std::string_view, 4> names{"waiting", "connecting", "live", "broken"};
    return names.at(static_cast<std::size_t>(state));
}

}   // namespace millrace::hub
