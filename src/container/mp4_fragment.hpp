#pragma once

#include "container/mp4_movie.hpp"

#include <cstdint>
#include <vector>

/// The moof of a fragmented file, read.
namespace millrace::mp4 {

/// A sample and where in the file it is. Times in the file's ticks of its track.
struct PlacedSample {
    std::uint64_t offset = 0;
    std::uint32_t size = 0;
    std::size_t track = 0;   ///< index in the movie
    std::int64_t dts = 0;
    std::int64_t pts = 0;
    std::uint32_t duration = 0;
    bool key = true;
};

/// What a moof lists, in order of the file, and how far it was read.
struct MovieFragment {
    std::vector<PlacedSample> samples;
    std::size_t next = 0;

    bool done() const { return next == samples.size(); }
};

/// Where a moof stands in the file.
struct MoofPlace {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

/// Reads the body of a moof; `movie` remembers where its tracks' times go on. Samples that overlap or stand
/// before the moof's end, times beyond belief, a trun before its tfhd: malformed.
Result<MovieFragment> read_fragment(ByteSpan moof, MoofPlace place, Movie& movie, BoxPath& path);

/// Checks the body of a sidx; nothing in it is needed to read on.
Result<> check_sidx(const Box& box);

/// Takes the UTC time that a prft says; one of an unknown track or beyond belief is left out.
void read_time(const Box& box, Movie& movie);

}   // namespace millrace::mp4
