#include "control/failures.hpp"

#include "base/peer_address.hpp"

#include <algorithm>
#include <cstring>

namespace millrace::control {

Source Source::of(const Endpoint& peer) {
    Source source;
    const auto address = PeerAddress::parse(peer);
    if (address) {
        const std::size_t kept = address->is_ipv4() ? sizeof source.words : sizeof source.words[0];
        std::memcpy(source.words.data(), address->ip().data(), kept);
    }
    return source;
}

std::string Source::text() const {
    PeerAddress::Ip ip{};
    std::memcpy(ip.data(), words.data(), ip.size());
    const PeerAddress address{ip, 0};
    return address.endpoint().address + (address.is_ipv4() ? "" : "/64");
}

std::size_t Failures::Record::recent(Instant now) const {
    const auto end = when.begin() + static_cast<std::ptrdiff_t>(count);
    const auto recent =
        std::count_if(when.begin(), end, [now](Instant failure) { return now - failure < window; });
    return static_cast<std::size_t>(recent);
}

Failures::Record& Failures::record(const Source& source) {
    Record* const found = records_.find(source);
    return found != nullptr ? *found : records_.put(source, {});
}

Failures::Room Failures::room(const Source& source, Instant now) {
    const Record* const found = records_.find(source);
    const std::size_t failed = found != nullptr ? found->recent(now) : 0;
    if (failed >= failures_max) {
        return Room::no;
    }
    return found != nullptr && failed + found->under_way >= failures_max ? Room::wait : Room::yes;
}

void Failures::begin(const Source& source) {
    ++record(source).under_way;
}

void Failures::end(const Source& source) {
    // It may have been pushed out and be a new one.
    Record& known = record(source);
    known.under_way -= std::min<std::size_t>(known.under_way, 1);
}

bool Failures::failed(const Source& source, Instant now) {
    Record& known = record(source);
    known.when.at(known.next) = now;
    known.next = (known.next + 1) % failures_max;
    known.count = std::min(known.count + 1, failures_max);
    return known.recent(now) == failures_max;
}

}   // namespace millrace::control
