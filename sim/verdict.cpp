#include "sim/verdict.hpp"

#include <fmt/format.h>

namespace millrace::sim {

std::string verdict_of(const Account& account, const Demands& demands) {
    std::string text;
    for (const std::string& fault : account.faults()) {
        text += fault + "; ";
    }
    if (account.units() < demands.units_min) {
        text += fmt::format("{} units, not {}; ", account.units(), demands.units_min);
    }
    if (demands.nothing_missing && account.missing() > 0) {
        text += fmt::format("{} units missing in {} holes; ", account.missing(), account.holes());
    }
    if (demands.times_unchanged && account.moved() > 0) {
        text += fmt::format("{} units moved in time; ", account.moved());
    }
    if (account.skew_max_ms() > demands.skew_max_ms) {
        text += fmt::format("sound and pictures {} ms apart; ", account.skew_max_ms());
    }
    if (account.delay_max() > demands.delay_max) {
        text += fmt::format("{} ms on the way; ", account.delay_max() / 1ms);
    }
    return text;
}

}   // namespace millrace::sim
