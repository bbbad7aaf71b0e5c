#pragma once

#include "base/time.hpp"
#include "sim/camera.hpp"

#include <array>
#include <string>
#include <unordered_map>
#include <vector>

namespace millrace::sim {

/// Ledger L0: every coded unit a publisher has written to its connection, by hash. One a world; written by
/// publishers only, so that no part of the server can make it agree.
class Ledger {
public:
    struct Entry {
        std::uint32_t publication = 0;   ///< number of the publisher
        std::uint64_t place = 0;         ///< among the units of this publication, both tracks
        std::uint64_t ordinal = 0;       ///< in its track
        media::Kind kind = media::Kind::video;
        bool key = false;
        std::uint32_t epoch = 0;
        std::int64_t dts_ms = 0;
        std::int64_t cts_ms = 0;
        Instant at;
    };
    /// What one publisher wrote so far.
    struct Publication {
        std::string key;   ///< of its stream
        std::uint64_t units = 0;
        std::array<std::uint64_t, 2> of_kind{};   ///< video, audio
        std::uint64_t first_key = 0;              ///< the ordinal of its first key picture
    };

    std::uint32_t new_publication(std::string key);
    void write(std::uint32_t publication, const Shot& shot, Instant at);

    const Entry* find(std::uint64_t hash) const;
    const Publication& publication(std::uint32_t number) const { return publications_.at(number - 1); }
    std::size_t size() const { return entries_.size(); }
    /// Gives `see` every unit with its hash, in no order.
    template <class See>
    void each(See&& see) const {
        for (const auto& [hash, entry] : entries_) {
            see(hash, entry);
        }
    }

private:
    std::unordered_map<std::uint64_t, Entry> entries_;
    std::vector<Publication> publications_;
};

/// Ledger L3 and its oracle: what one viewer got, each unit held against L0 as it comes. A fault is something
/// no viewer may ever see; a hole (units of a publication that did not come) is legal only before a key
/// picture, and only for a viewer whose link is slow: its test looks at `missing`.
class Account {
public:
    /// Of a viewer of the stream `key`.
    Account(const Ledger& ledger, std::string key) : ledger_{ledger}, key_{std::move(key)} {}

    void take(const media::AccessUnit& unit, Instant now);
    void fault(std::string text);
    /// What follows is of another run, which has times of its own: as for a newcomer.
    void rejoin();

    const std::vector<std::string>& faults() const { return faults_; }
    std::uint64_t units() const { return units_; }
    std::uint64_t units(media::Kind kind) const { return tracks_.at(index(kind)).units; }
    std::uint64_t missing() const { return missing_; }
    std::uint64_t holes() const { return holes_; }
    /// Publications seen, in order.
    const std::vector<std::uint32_t>& publications() const { return publications_; }
    /// The newest unit.
    const Ledger::Entry* last() const { return last_; }
    Instant last_at() const { return last_at_; }
    std::int64_t last_dts_ms(media::Kind kind) const { return tracks_.at(index(kind)).dts_ms; }
    /// The longest a unit was on its way, and since the last call of `forget_delay`.
    Duration delay_max() const { return delay_max_; }
    void forget_delay() { delay_max_ = {}; }
    /// How far sound and pictures of one epoch were moved apart, at most.
    std::int64_t skew_max_ms() const { return skew_max_ms_; }
    /// Units whose times are not those the publisher wrote: modulo 2^32, audio rounded to its samples.
    std::uint64_t moved() const { return moved_; }
    /// The largest step of a track's dts.
    std::int64_t step_max_ms() const { return step_max_ms_; }

private:
    struct Track {
        const Ledger::Entry* last = nullptr;
        std::int64_t dts_ms = 0;
        std::int64_t offset_ms = 0;   // dts minus what the publisher wrote
        std::uint64_t units = 0;
    };
    static std::size_t index(media::Kind kind) { return kind == media::Kind::video ? 0 : 1; }
    void check_order(const Track& track, const Ledger::Entry& sent);
    void check_times(Track& track, const Ledger::Entry& sent, const media::AccessUnit& unit);

    const Ledger& ledger_;
    std::string key_;
    std::array<Track, 2> tracks_{};
    const Ledger::Entry* last_ = nullptr;
    Instant last_at_;
    std::vector<std::string> faults_;
    std::vector<std::uint32_t> publications_;
    std::uint64_t units_ = 0;
    std::uint64_t missing_ = 0;
    std::uint64_t holes_ = 0;
    std::uint64_t moved_ = 0;
    std::int64_t skew_max_ms_ = 0;
    std::int64_t step_max_ms_ = 0;
    Duration delay_max_{};
};

}   // namespace millrace::sim
