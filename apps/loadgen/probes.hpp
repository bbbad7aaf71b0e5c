#pragma once

#include "apps/loadgen/dialogue.hpp"
#include "apps/loadgen/judge.hpp"
#include "apps/loadgen/line.hpp"
#include "apps/loadgen/socket.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace millrace::loadgen {

/// A few viewers on a thread of their own, which read at once, parse what they get and judge it.
class Probes {
public:
    Probes(const Url& url, std::size_t count);
    Probes(const Probes&) = delete;
    Probes& operator=(const Probes&) = delete;
    ~Probes();

    /// Ages count from now on, or no more.
    void measure(bool on) { measuring_ = on; }
    /// When one of them last saw a key frame; the beginning of time if none has.
    Instant last_key() const { return Instant::from_nanoseconds(last_key_); }
    /// Ends them. Once.
    Findings finish();
    /// Those that lost their connection; after `finish`.
    std::size_t lost() const { return lost_; }

private:
    struct Probe;
    /// A socket that is polled: the connection, or one of the dialogue's ears.
    struct Source {
        Probe* of;
        std::optional<std::size_t> ear;
    };
    struct Probe {
        Line line;
        std::unique_ptr<Dialogue> dialogue;
        Judge judge;
        std::vector<std::unique_ptr<Source>> sources{};
    };

    void run();
    bool read(const Source& source);
    bool read(Probe& probe, Instant at);
    void listen(Probe& probe);

    Poll poll_;
    std::vector<std::unique_ptr<Probe>> probes_;
    std::vector<std::byte> buffer_;
    std::size_t lost_ = 0;
    std::atomic<bool> measuring_ = false;
    std::atomic<bool> stopping_ = false;
    std::atomic<std::int64_t> last_key_ = 0;
    std::thread thread_;
};

}   // namespace millrace::loadgen
