#pragma once

#include "base/answer.hpp"
#include "hub/camera_report.hpp"
#include "hub/chunk_checks.hpp"
#include "hub/flavour.hpp"
#include "hub/run_id.hpp"
#include "hub/sessions.hpp"
#include "media/access_unit.hpp"
#include "media/timed_message.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace millrace::hub {

class Directory;

/// A track is announced (no configuration yet) or configured; a run of another node is followed from here on,
/// whose units bring their times and, before those that begin segments, its cuts.
using PublishedItem = std::variant<media::Track, media::AccessUnit, RunId, GivenCut>;

/// Packets of a publisher that never came, and that came too late to be used.
struct PacketLoss {
    std::uint64_t lost = 0;
    std::uint64_t late = 0;
    bool operator==(const PacketLoss&) const = default;
};

/// What a publisher hands over at once: one post to the stream's home.
struct Batch {
    std::vector<PublishedItem> items;
    std::size_t bytes_received = 0;   ///< from the network, for the counters
    std::uint64_t dropped = 0;        ///< units the publisher's session could not use
    PacketLoss packets;
    ChunkChecks chunks;
    std::optional<CameraReport> camera{};          ///< the newest, if it said anything
    std::vector<media::TimedMessage> messages{};   ///< behind the items
    Instant arrival;

    /// As made, but for the places of a few items, which the next batch fills again.
    void clear() {
        Batch fresh;
        items.clear();
        if (items.capacity() <= items_kept) {
            fresh.items = std::move(items);
        }
        *this = std::move(fresh);
    }
    static constexpr std::size_t items_kept = 4;
};

/// The right to publish one stream, as its home gave it.
struct Grant {
    StreamHandle stream;
    std::uint64_t publication = 0;
};

/// A publisher's end of a stream: owned by its session, on the session's worker. Its destruction without
/// `finish` means the publisher was lost; the stream then waits `grace` for it.
class Publication {
public:
    /// Bytes on their way to a home on another worker; beyond it `congested()` is true and the session must
    /// stop reading until it is not.
    static constexpr std::size_t under_way_max = 4U << 20U;

    Publication(Directory& directory, Executor& executor, SessionRef session, Grant grant);
    Publication(const Publication&) = delete;
    Publication& operator=(const Publication&) = delete;
    ~Publication();

    void announce(media::Track track) { batch_.items.emplace_back(std::move(track)); }
    /// The unit's dts and pts are the publisher's; the stream's timeline moves them.
    void write(media::AccessUnit unit) { batch_.items.emplace_back(std::move(unit)); }
    /// Any of them.
    void take(PublishedItem item) { batch_.items.push_back(std::move(item)); }
    void count_received(std::size_t bytes) { batch_.bytes_received += bytes; }
    void count_dropped() { ++batch_.dropped; }
    /// Beyond `messages_max` in one batch they are left out.
    static constexpr std::size_t messages_max = 64;
    void say(media::TimedMessage message) {
        if (batch_.messages.size() < messages_max) {
            batch_.messages.push_back(std::move(message));
        }
    }
    void tell(const CameraReport& camera) { batch_.camera = camera; }
    void count_packets(PacketLoss loss) {
        batch_.packets.lost += loss.lost;
        batch_.packets.late += loss.late;
    }
    void count_chunks(ChunkChecks checks) {
        batch_.chunks.proven += checks.proven;
        batch_.chunks.different += checks.different;
        batch_.chunks.incomplete += checks.incomplete;
    }
    /// Sends what was written to the stream's home. Call once for all that one read brought.
    void flush();
    bool congested() const { return under_way_ > under_way_max; }
    void taken(std::size_t bytes) { under_way_ -= std::min(bytes, under_way_); }
    /// The publisher said that it ends.
    void finish();

private:
    void leave(bool said);

    Directory& directory_;
    Executor& executor_;
    SessionRef session_;
    Grant grant_;
    Batch batch_;
    std::size_t under_way_ = 0;
    bool left_ = false;
};

}   // namespace millrace::hub
