#pragma once

#include "archive/files_for_tests.hpp"

#include <algorithm>

namespace millrace::archive {

inline constexpr WallTime always_from{0};
inline constexpr WallTime always_to{INT64_MAX / 2};

/// A machine whose disk may die, be full or fail, and what was acknowledged on it.
class Machine {
public:
    explicit Machine(std::uint64_t seed) : chance{seed} {}

    VirtualTime time;
    VirtualFolder folder;
    SeededRandom chance;
    std::optional<Archive> archive;
    bool acknowledges_early = false;

    Result<> start() {
        archive.emplace(Archive::Seams{
            .folder = folder, .random = chance, .clock = time, .acknowledges_early = acknowledges_early});
        progress = std::make_shared<Progress>();
        given.clear();
        return archive->open();
    }
    /// Records so many chunks of 200 ms into one file, or until the disk is in trouble.
    void record(std::uint64_t chunks, std::string cause = {}) {
        place += (5 - place % 5) % 5;   // a file begins with a fragment
        std::vector<BatchItem> items{BeginFile{facts("live/cam", std::move(cause)), Bytes::copy("init")}};
        for (; chunks > 0 && progress->trouble == Progress::Trouble::none; --chunks) {
            given.push_back(place);
            items.emplace_back(chunk(place++));
            archive->write({.stream = "live/cam", .items = std::exchange(items, {}), .progress = progress});
            time.run_for(200ms);
            archive->tend();
        }
        note_acknowledged();
    }
    void note_acknowledged() {
        const auto sure = static_cast<std::size_t>(progress->acknowledged.exchange(0));
        check(sure <= given.size(), "what was never given cannot be acknowledged");
        acknowledged.insert(acknowledged.end(), given.begin(),
                            given.begin() + static_cast<std::ptrdiff_t>(sure));
        given.erase(given.begin(), given.begin() + static_cast<std::ptrdiff_t>(sure));
        if (progress->trouble != Progress::Trouble::none) {
            given.clear();   // of a file that was given up
        }
    }
    /// What is recorded, by chunks' places. Every fragment that is listed can be read, as it was written.
    std::vector<std::uint64_t> recorded() {
        std::vector<std::uint64_t> places;
        const auto listing = archive->list("live/cam", {always_from, always_to});
        EXPECT_TRUE(listing);
        for (const FoundFragment& one : listing->fragments) {
            const auto bytes = archive->read("live/cam", one.file, one.fragment.number);
            EXPECT_TRUE(bytes) << one.fragment.number;
            if (!bytes) {
                continue;
            }
            const std::uint64_t first = (one.fragment.number - 1000) * 5;
            for (std::size_t at = 0; at * 40 < bytes->size(); ++at) {
                EXPECT_EQ(bytes->slice(at * 40, 40), Bytes{body(first + at)});
                places.push_back(first + at);
            }
        }
        return places;
    }
    /// Acknowledged chunks that are not there.
    std::vector<std::uint64_t> missing() {
        const std::vector<std::uint64_t> there = recorded();
        EXPECT_TRUE(std::ranges::is_sorted(there)) << "order, and nothing twice";
        EXPECT_EQ(std::ranges::adjacent_find(there), there.end());
        std::vector<std::uint64_t> lost;
        std::ranges::set_difference(acknowledged, there, std::back_inserter(lost));
        return lost;
    }
    std::string gaps() {
        std::string text;
        for (const Gap& gap : archive->list("live/cam", {always_from, always_to})->gaps) {
            text += (text.empty() ? "" : ", ") + gap.cause;
        }
        return text;
    }
    void seal(std::string cause) {
        archive->write({.stream = "live/cam", .items = {EndFile{std::move(cause)}}, .progress = progress});
        note_acknowledged();
    }

    ProgressRef progress;
    std::uint64_t place = 0;
    std::vector<std::uint64_t> given;   // and not yet acknowledged
    std::vector<std::uint64_t> acknowledged;
};

}   // namespace millrace::archive
