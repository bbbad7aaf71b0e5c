#pragma once

#include "base/answer.hpp"
#include "base/executor.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

/// Where the two halves of RTSP over HTTP find each other, whatever workers they came to.
namespace millrace::session {

/// The GET's end of a tunnel.
class TunnelEnd {
public:
    /// Bytes that the player said. Answered once they were read: whether somebody was let in by then; dropped
    /// where the GET ends before.
    virtual void hear(std::vector<std::byte> bytes, Reply<bool> reply) = 0;

protected:
    ~TunnelEnd() = default;
};

/// The GETs of one worker, by number. Own thread only.
class TunnelEnds {
public:
    std::uint64_t add(TunnelEnd& end) {
        ends_.emplace(++last_, &end);
        return last_;
    }
    void remove(std::uint64_t id) { ends_.erase(id); }
    TunnelEnd* find(std::uint64_t id) const {
        const auto found = ends_.find(id);
        return found == ends_.end() ? nullptr : found->second;
    }

private:
    std::map<std::uint64_t, TunnelEnd*> ends_;
    std::uint64_t last_ = 0;
};

/// A GET as other threads may name it: one that is gone hears nothing.
struct TunnelRef {
    Executor* executor = nullptr;
    TunnelEnds* ends = nullptr;
    std::uint64_t id = 0;

    void hear(std::vector<std::byte> bytes, Reply<bool> reply) const;
};

/// The tunnels of a node that are open, by cookie. It lives on `home`; any thread may call it.
class RtspTunnels {
public:
    static constexpr std::size_t tunnels_max = 4'096;
    static constexpr std::size_t cookie_size_max = 256;

    explicit RtspTunnels(Executor& home) : home_{home} {}
    RtspTunnels(const RtspTunnels&) = delete;
    RtspTunnels& operator=(const RtspTunnels&) = delete;

    /// A GET of a peer at `address` begins one. Errc::exists where the cookie is taken, exhausted. Answered
    /// with where it is.
    void open(std::string cookie, std::string address, TunnelRef get, Reply<TunnelRef> reply);
    /// The one that a POST from there belongs to: to others it is not_found.
    void find(std::string cookie, std::string address, Reply<TunnelRef> reply);
    void close(std::string cookie);

private:
    struct Open {
        std::string address;
        TunnelRef get;
    };
    Executor& home_;
    std::map<std::string, Open> open_;   // on home
};

}   // namespace millrace::session
