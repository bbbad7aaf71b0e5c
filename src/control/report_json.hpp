#pragma once

#include "control/overview.hpp"
#include "hub/report.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::control {

/// The viewers of one stream that are there now: how many by protocol, and what they were sent; and where it
/// is pushed to, there or not.
struct Audience {
    std::map<std::string, std::size_t, std::less<>> viewers;
    std::uint64_t bytes_out = 0;
    std::uint64_t writes = 0;   ///< calls that handed the bytes to the kernel: what serving costs
    std::uint64_t skips = 0;
    std::size_t slow = 0;   ///< viewers whose links fell behind of late
    std::vector<hub::ForwardReport> forwards = {};
};
using Audiences = std::map<std::string, Audience, std::less<>>;

/// Who watches what, out of all sessions.
Audiences audiences(const std::vector<WorkerReport>& workers);

/// A window of a list: what `offset` and `limit` of a request ask for.
struct Page {
    static constexpr std::size_t limit_default = 1000;
    static constexpr std::size_t limit_max = 10'000;
    std::size_t offset = 0;
    std::size_t limit = limit_default;
};

/// The streams of which there are recordings: `{"items":[{"name":…,"from":…,"to":…,"bytes":…,"gaps":…,
/// "recording":false}],"total":N}`.
std::string recorded_json(const std::vector<hub::RecordedStream>& streams, Page page);

/// Who reads: somebody who may only play the stream does not learn where its publisher is.
enum class Reader : std::uint8_t { player, administrator };

/// A stream's document, and the list of them, as JSON text.
std::string stream_json(const hub::StreamReport& report, const Audience& audience,
                        Reader reader = Reader::player);
/// The same for an administrator, in one line.
std::string stream_json_line(const hub::StreamReport& report, const Audience& audience);
std::string streams_json(const std::vector<hub::StreamReport>& reports, const Audiences& audiences,
                         Page page = {}, Reader reader = Reader::player);

/// All destinations of all streams, by stream.
std::string forwards_json(const std::vector<WorkerReport>& workers, Page page);

/// What the node's archive holds, and what room it has.
std::string archive_json(const ArchiveFacts& facts);

/// Which sessions a list is of; what is empty holds for all.
struct SessionFilter {
    std::string stream;
    std::string kind;
    std::string protocol;
};
std::string sessions_json(const std::vector<WorkerReport>& workers, const SessionFilter& filter, Page page);
/// One session's document; empty if there is none of this id.
std::string session_json(const std::vector<WorkerReport>& workers, std::string_view id);

}   // namespace millrace::control
