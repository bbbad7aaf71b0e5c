#pragma once

#include "archive/archive.hpp"
#include "container/m3u8_playlist.hpp"

#include <string>
#include <string_view>

namespace millrace::session {

/// What a list of recordings is made of.
struct ArchiveListAsk {
    std::string_view query;    ///< put behind the addresses of the media; what proves who asks
    WallTime from{};           ///< the moment that was asked for: where players begin
    bool open_ended = false;   ///< no end was asked for: the list grows while the stream is recorded
};

/// The media list of recorded fragments, one after the other; what is between them is a discontinuity.
/// Errors: Errc::not_found where there are none.
Result<hls::MediaPlaylist> archive_list(const archive::Listing& listing, const ArchiveListAsk& ask);

/// `{"items":[{"from":…,"to":…,"bytes":…,"run":…,"codecs":…}],"gaps":[{"from":…,"to":…,"cause":…}],
/// "total":N,"recording":false,"complete":true}`; what other nodes have: items with their `node`, and in
/// `"elsewhere"` what they alone have; with each fragment too, if they are wanted.
std::string recordings_json(const archive::Listing& listing, bool with_fragments = false);

/// Digits alone.
std::optional<std::uint64_t> whole_number(std::string_view text);

/// "12-1763646000.m4s", the fragment of that number in file 12; "12.mp4", what is read before them.
struct ArchiveName {
    std::uint64_t file = 0;
    std::optional<std::uint64_t> number;   ///< nothing: what is read before
};
std::optional<ArchiveName> read_archive_name(std::string_view name);

}   // namespace millrace::session
