#pragma once

#include "session/http_pull.hpp"

namespace millrace::session {

/// HLS of an HTTP server as a publisher: MPEG-TS or fragmented MP4, of a multivariant list the variant with
/// the most bits and its sound. A live list is followed from its newest segment, a recording played once from
/// its first; units are let out at their own pace. Until nothing new came for `pull_patience` or three
/// segments, the list ended or says that its publisher did, or the leash is pulled.
Task<SourceEnding> hls_pull(HttpPull& pull);

/// Bytes of one segment, and of what stands before the segments (EXT-X-MAP).
constexpr std::size_t hls_segment_bytes_max = 64U << 20U;
constexpr std::size_t hls_init_bytes_max = 4U << 20U;
/// For one list, and for one segment.
constexpr Duration hls_list_deadline = 10s;
constexpr Duration hls_segment_deadline = 30s;

}   // namespace millrace::session
