#pragma once

#include "net/descriptor.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <thread>

namespace millrace::apps {

/// The demo's network between its edge and its server: carries datagrams on loopback, or nothing while it is
/// cut. It works on a thread of its own from the first `lead_to` on.
class DemoPath {
public:
    /// So many callers at once; those beyond are not carried.
    static constexpr std::size_t callers_max = 64;

    /// Binds its near end. Throws std::runtime_error.
    DemoPath();

    /// Where callers send to, on 127.0.0.1.
    std::uint16_t port() const { return port_; }
    /// Begins to carry, to that port of 127.0.0.1. Once.
    void lead_to(std::uint16_t server);
    /// Any thread.
    void cut(bool yes) { cut_ = yes; }
    bool is_cut() const { return cut_; }

private:
    using Caller = std::uint32_t;   ///< its port; all are on 127.0.0.1

    void run(const std::stop_token& stop, std::uint16_t server);
    void from_callers(std::uint16_t server);
    void from_server(Caller caller, const net::Descriptor& line);

    net::Descriptor door_;
    std::uint16_t port_ = 0;
    std::map<Caller, net::Descriptor> lines_;   // of its thread
    std::atomic<bool> cut_ = false;
    std::jthread thread_;
};

}   // namespace millrace::apps
