#include "sim/trace.hpp"

#include <algorithm>

namespace millrace::sim {

namespace {

std::uint64_t mixed(std::uint64_t value, std::uint64_t word) {
    value = (value ^ word) * 0xD6E8FEB86659FD93U;
    return value ^ value >> 32U;
}

}   // namespace

std::uint64_t hash_of(ByteSpan bytes, std::uint64_t start) {
    std::uint64_t value = mixed(start, bytes.size());
    while (!bytes.empty()) {
        std::uint64_t word = 0;
        const std::size_t count = std::min(bytes.size(), sizeof word);
        std::memcpy(&word, bytes.data(), count);
        value = mixed(value, word);
        bytes = bytes.subspan(count);
    }
    return value;
}

void Trace::mix(std::uint64_t word) {
    value_ = mixed(value_, word);
}

void Trace::note(Instant at, std::uint64_t who, ByteSpan delivered) {
    mix(static_cast<std::uint64_t>(at.nanoseconds()));
    mix(who);
    mix(hash_of(delivered));
    bytes_ += delivered.size();
}

}   // namespace millrace::sim
