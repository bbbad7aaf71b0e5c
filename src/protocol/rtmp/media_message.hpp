#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "container/flv_tag.hpp"
#include "protocol/rtmp/message.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace millrace::rtmp {

enum class MediaType : std::uint8_t { audio, video, data };

/// The body of an FLV tag. Data is AMF0 from its name on ("onMetaData" …): what RTMP puts around it is off.
struct Media {
    MediaType type = MediaType::video;
    std::uint32_t timestamp_ms = 0;
    Bytes body;
};

/// The tag whose body it is.
flv::Tag tag_of(Media media);

/// Tags one aggregate message may hold.
constexpr std::size_t aggregate_parts_max = 1'024;

/// The media of a message; nothing if it holds none, or an empty tag.
std::optional<Media> media_in(Message message);

/// The audio and video tags of an aggregate message (§7.1.6), on the message's clock; each has its own copy.
Result<std::vector<Media>> media_in_aggregate(const Message& message);

}   // namespace millrace::rtmp
