#pragma once

#include "apps/loadgen/dialogue.hpp"
#include "apps/loadgen/stamp.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace millrace::loadgen {

/// What the probes saw, all of them together.
struct Findings {
    std::uint64_t pictures = 0;
    std::uint64_t sounds = 0;
    std::uint64_t missing = 0;   ///< numbers that were left out or came twice
    std::uint64_t broken = 0;    ///< pictures whose bytes are not those that were sent
    std::vector<double> latency_ms;
    std::vector<double> first_picture_ms;   ///< from connecting to the end of the first key frame

    void add(const Findings& other);
};

/// Looks at every frame of one viewer: are the numbers of pictures and sound frames unbroken, is each picture
/// whole, how old is it.
class Judge {
public:
    explicit Judge(Instant connected) : connected_{connected} {}

    /// `measuring`: whether its age counts.
    void look(const CodedFrame& frame, Instant now, bool measuring);
    /// Whether the last one was a key frame.
    bool saw_key() const { return saw_key_; }
    const Findings& findings() const { return findings_; }

private:
    void look_at_picture(ByteSpan coded, Instant now, bool measuring);
    void count(std::uint64_t number, std::optional<std::uint64_t>& expected);

    Instant connected_;
    Findings findings_;
    std::optional<std::uint64_t> next_picture_;
    std::optional<std::uint64_t> next_sound_;
    bool saw_key_ = false;
};

}   // namespace millrace::loadgen
