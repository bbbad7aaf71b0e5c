#pragma once

#include "base/block_log.hpp"
#include "base/executor.hpp"
#include "hub/renderer.hpp"
#include "media/track.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace millrace::hub {

class Derived;
class Mirrors;

/// A stream as other threads may name it. A stale handle finds nothing.
struct StreamHandle {
    Executor* home = nullptr;
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    bool operator==(const StreamHandle&) const = default;
};

/// A wire form and the tracks it takes: viewers with equal keys share every byte.
struct FlavourKey {
    std::string_view form;             ///< a literal: "flv", "rtmp"
    std::optional<media::Kind> only;   ///< takes tracks of this kind only
    std::uint64_t pushed = 0;          ///< where it is pushed to, which is limited; 0: to viewers
    /// Written of the stream's pictures as they are wished here; nothing: of its own units.
    std::optional<PictureWish> pictures{};
    std::uint64_t plan = 0;   ///< on which channels tracks travel (rtsp::ChannelPlan::packed)
    auto operator<=>(const FlavourKey&) const = default;
};

/// A key, and how to make what writes it. The maker runs on the stream's home worker, which it is given.
struct Flavour {
    FlavourKey key;
    std::function<std::unique_ptr<Derived>(Executor& home)> make;
    MakeRenderer renderer{};   ///< where `key.pictures` are asked for; null: this node makes none
};

/// A log as it stands when a mirror opens.
struct MirrorStart {
    StreamHandle stream;
    LogChange log;
    Bytes lead;
};

/// What a mirror is told afterwards.
struct MirrorChange {
    LogChange log;
    Bytes lead;             ///< for newcomers from now on
    bool offline = false;   ///< the publisher said it ends: newcomers are refused until one is back
};

/// A mirror as the stream's home names it. Any thread; a mirror that is gone is not found.
struct MirrorRef {
    Executor* executor = nullptr;
    Mirrors* mirrors = nullptr;
    std::uint64_t id = 0;
    bool operator==(const MirrorRef&) const = default;

    void opened(Result<MirrorStart> start) const;
    void update(std::shared_ptr<const MirrorChange> change) const;
};

}   // namespace millrace::hub
