#include "container/multipart_muxer.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace millrace::multipart {

// What a viewer reads:
//
//   --frame CRLF                      once, before the first part
//   X-Publisher: ended CRLF           where the publisher said its end before this part
//   and for each picture:
//   Content-Type: image/jpeg CRLF
//   Content-Length: 28113 CRLF        of the JPEG
//   X-Timestamp: 1763646000.250000 CRLF      when it was taken: Unix seconds, UTC
//   X-Timestamp-Origin: capture CRLF         whose word that is: capture, sender, arrival
//   CRLF
//   the JPEG CRLF
//   --frame CRLF

namespace {

constexpr std::int64_t microseconds_a_second = 1'000'000;
constexpr std::string_view after_picture = "\r\n--frame\r\n";

}   // namespace

bool carries(const media::Track& track) {
    return track.config != nullptr && track.config->codec == media::Codec::mjpeg;
}

bool Muxer::configure(std::span<const media::Track> /*tracks*/, BlockLog& log, Instant /*now*/) {
    log.prefer_newest();
    return true;
}

void Muxer::write(const media::AccessUnit& unit, BlockLog& log, Instant now) {
    const std::int64_t taken = std::max<std::int64_t>(unit.capture.utc.microseconds, 0);
    std::array<char, 192> head;
    const auto written = fmt::format_to_n(head.data(), head.size(),
                                          "Content-Type: image/jpeg\r\n"
                                          "Content-Length: {}\r\n"
                                          "X-Timestamp: {}.{:06}\r\n"
                                          "X-Timestamp-Origin: {}\r\n\r\n",
                                          unit.payload.size(), taken / microseconds_a_second,
                                          taken % microseconds_a_second, media::name(unit.capture.label));
    said_end_ = false;
    log.message({as_bytes({head.data(), written.size}), unit.payload.span(), as_bytes(after_picture)}, now);
}

void Muxer::unpublished(BlockLog& log, Instant now) {
    if (!std::exchange(said_end_, true)) {
        const std::string line = fmt::format("{}: {}\r\n", publisher_field, publisher_ended);
        log.message({as_bytes(line)}, now);
    }
}

bool BareMuxer::configure(std::span<const media::Track> /*tracks*/, BlockLog& log, Instant /*now*/) {
    log.prefer_newest();
    return true;
}

void BareMuxer::write(const media::AccessUnit& unit, BlockLog& log, Instant now) {
    log.message({unit.payload.span()}, now);
}

}   // namespace millrace::multipart
