#include "protocol/kcp/settings.hpp"

#include "protocol/kcp/segment.hpp"

#include <algorithm>
#include <array>

namespace millrace::kcp {

namespace {

constexpr Duration interval_min = 1ms;
constexpr Duration interval_max = 5s;

/// The four numbers that the reference is set by.
struct ClassicMode {
    std::string_view name;
    unsigned nodelay;
    Duration interval;
    unsigned resend;
    bool congestion;
};
constexpr std::array classic_modes{
    ClassicMode{"default", 0, 40ms, 0, true},  ClassicMode{"normal", 0, 10ms, 0, false},
    ClassicMode{"fast", 2, 10ms, 2, false},    ClassicMode{"turbo", 1, 10ms, 2, false},
    ClassicMode{"fastest", 1, 20ms, 2, false},
};

Settings classic(const ClassicMode& mode) {
    Settings settings;
    settings.recovery = RecoveryKind::classic;
    settings.congestion = mode.congestion ? CongestionKind::classic : CongestionKind::off;
    settings.send_window = 128;
    settings.receive_window = 128;
    settings.nodelay = mode.nodelay;
    settings.interval = mode.interval;
    settings.resend = mode.resend;
    settings.rto_min = mode.nodelay == 0 ? 100ms : 30ms;
    settings.compact_acks = false;
    settings.ack_delay = 0ms;
    settings.ack_repeat = 0ms;
    settings.copies_max = 1;
    return settings;
}

}   // namespace

std::size_t Settings::segment_max() const {
    return mtu - header_size;
}

Settings Settings::for_plain_peer() const {
    Settings settings = *this;
    settings.plain_peer = true;
    settings.copies_max = 1;
    settings.rides = 0;
    settings.fec_wait = 0ms;
    return settings;
}

std::optional<Settings> named_mode(std::string_view name) {
    const auto mode = std::ranges::find(classic_modes, name, &ClassicMode::name);
    if (mode != classic_modes.end()) {
        Settings settings = classic(*mode);
        if (name == "fast") {
            // The reference's own test sets these two by hand.
            settings.rto_min = 10ms;
            settings.resend = 1;
        }
        return settings;
    }
    if (name == "video") {
        return Settings{};
    }
    if (name == "video_fec") {
        Settings settings;
        settings.congestion = CongestionKind::off;
        settings.ack_delay = 4ms;
        settings.ack_repeat = 0ms;
        settings.fec_wait = 50ms;
        return settings;
    }
    if (name == "messages") {
        Settings settings;
        settings.congestion = CongestionKind::off;
        settings.ack_delay = 20ms;
        settings.ack_repeat = 0ms;
        settings.rides = 3;
        settings.copies_max = 2;
        return settings;
    }
    return std::nullopt;
}

Result<> validate(const Settings& settings) {
    if (settings.mtu < Settings::mtu_min || settings.mtu > Settings::mtu_max) {
        return fail(Errc::unsupported, "the mtu of KCP lies between 50 and 1500");
    }
    if (settings.send_window == 0 || settings.send_window > Settings::window_max ||
        settings.receive_window == 0 || settings.receive_window > Settings::window_max) {
        return fail(Errc::unsupported, "the windows of KCP lie between 1 and 32768");
    }
    const bool ticks = settings.interval != 0ms;
    if (ticks && (settings.interval < interval_min || settings.interval > interval_max)) {
        return fail(Errc::unsupported, "the interval of KCP lies between 1 ms and 5 s");
    }
    if (!ticks && settings.recovery == RecoveryKind::classic) {
        return fail(Errc::unsupported, "classic recovery needs an interval");
    }
    return {};
}

}   // namespace millrace::kcp
