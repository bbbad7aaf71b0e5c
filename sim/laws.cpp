#include "sim/laws.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <unordered_map>

namespace millrace::sim {

namespace {

constexpr std::size_t words_max = 3;        // of each law
constexpr std::int64_t frame_us = 40'000;   // what a time may be off
constexpr std::int64_t hole_us = 1'000'000;
constexpr std::int64_t moved_ms_max = 40;

using Words = std::vector<std::string>;

std::string text_of(const Ledger::Entry& sent) {
    return fmt::format("{} {} of publication {} (written at {} ms)",
                       sent.kind == media::Kind::video ? "picture" : "sound", sent.ordinal, sent.publication,
                       sent.at.nanoseconds() / 1'000'000);
}

void add(Words& to, Words& words) {
    const std::size_t count = words.size();
    words.resize(std::min(count, words_max));
    std::ranges::move(words, std::back_inserter(to));
    if (count > words_max) {
        to.push_back(fmt::format("  and {} more of that", count - words_max));
    }
}

using Name = std::pair<std::string, std::uint64_t>;   // run, number

std::map<Name, const RecordedFragment*> by_name(const Recorded& recorded) {
    std::map<Name, const RecordedFragment*> named;
    for (const RecordedFragment& one : recorded.fragments) {
        named.emplace(Name{one.run, one.facts.number}, &one);
    }
    return named;
}

/// N1: the server has every fragment of the edge, byte for byte, and nothing else.
Words n1(const Recorded& edge, const Recorded& server) {
    Words words;
    const auto there = by_name(server);
    const auto here = by_name(edge);
    for (const auto& [name, one] : here) {
        const auto found = there.find(name);
        if (found == there.end()) {
            words.push_back(
                fmt::format("N1: fragment {} of run {} is not on the server", name.second, name.first));
        } else if (found->second->hash != one->hash || found->second->facts.utc != one->facts.utc) {
            words.push_back(
                fmt::format("N1: fragment {} of run {} is another on the server", name.second, name.first));
        }
    }
    for (const auto& [name, one] : there) {
        if (!here.contains(name)) {
            words.push_back(fmt::format("N1: the server has fragment {} of run {}, which its edge has not",
                                        name.second, name.first));
        }
    }
    return words;
}

/// N2: the edge has what was written to it, but for what a fault excuses.
Words n2(const Evidence& evidence) {
    std::unordered_map<std::uint64_t, bool> there;
    for (const RecordedFragment& fragment : evidence.edge.fragments) {
        for (const RecordedUnit& unit : fragment.units) {
            there[unit.hash] = true;
        }
    }
    Words words;
    std::vector<const Ledger::Entry*> missing;
    evidence.ledger.each([&](std::uint64_t hash, const Ledger::Entry& sent) {
        const bool excused = std::ranges::any_of(evidence.excuses, [&](const Excuse& excuse) {
            return excuse.from <= sent.at && sent.at <= excuse.to;
        });
        if (!excused && !there.contains(hash)) {
            missing.push_back(&sent);
        }
    });
    std::ranges::sort(missing, {},
                      [](const Ledger::Entry* sent) { return std::pair{sent->at, sent->place}; });
    for (const Ledger::Entry* const sent : missing) {
        words.push_back(fmt::format("N2: the edge has not {}", text_of(*sent)));
    }
    return words;
}

/// A recording's fragments in the order in which they were captured, whatever the time of day was.
std::vector<const RecordedFragment*> captured(const Recorded& recorded) {
    std::map<std::string, std::uint32_t> first;   // publication of each run
    std::vector<const RecordedFragment*> order;
    for (const RecordedFragment& one : recorded.fragments) {
        for (const RecordedUnit& unit : one.units) {
            const auto [at, made] = first.try_emplace(one.run, unit.sent->publication);
            at->second = std::min(at->second, unit.sent->publication);
        }
        order.push_back(&one);
    }
    std::ranges::sort(order, {}, [&](const RecordedFragment* one) {
        return std::tuple{first[one->run], one->run, one->facts.number};
    });
    return order;
}

/// N3: nothing twice, all in the order of capture, times grow inside a run and are those of the camera.
Words n3(const std::string& whose, const Recorded& recorded) {
    struct Track {
        const Ledger::Entry* last = nullptr;
        std::string run;
        std::int64_t dts_ms = 0;
        std::int64_t moved_ms = 0;
    };
    Words words;
    std::array<Track, 2> tracks;
    for (const RecordedFragment* const fragment : captured(recorded)) {
        for (const RecordedUnit& unit : fragment->units) {
            const Ledger::Entry& sent = *unit.sent;
            Track& track = tracks.at(sent.kind == media::Kind::video ? 0 : 1);
            const bool goes_on = track.last != nullptr && track.run == fragment->run;
            const std::int64_t moved_ms = unit.dts_ms - sent.dts_ms;
            if (track.last != nullptr && std::pair{track.last->publication, track.last->ordinal} >=
                                             std::pair{sent.publication, sent.ordinal}) {
                words.push_back(
                    fmt::format("N3: {}: {} stands behind {}", whose, text_of(sent), text_of(*track.last)));
            } else if (goes_on && unit.dts_ms <= track.dts_ms) {
                words.push_back(fmt::format("N3: {}: {} goes back in time", whose, text_of(sent)));
            } else if (goes_on && track.last->publication == sent.publication &&
                       std::abs(moved_ms - track.moved_ms) > moved_ms_max) {
                words.push_back(fmt::format("N3: {}: {} is moved by {} ms", whose, text_of(sent),
                                            moved_ms - track.moved_ms));
            }
            track = {&sent, fragment->run, unit.dts_ms, moved_ms};
        }
    }
    return words;
}

/// N3 and N5 of results: each was said, none is there twice, all are in the order in which they were said.
Words results(const std::string& whose, const Recorded& recorded, std::uint64_t said) {
    constexpr std::string_view head = R"({"n":)";
    Words words;
    std::uint64_t last = 0;
    for (const RecordedFragment* const fragment : captured(recorded)) {
        for (const std::string& text : fragment->results) {
            std::uint64_t number = 0;
            const std::size_t begin = text.starts_with(head) ? head.size() : 0;
            std::from_chars(text.data() + begin, text.data() + text.size(), number);
            if (number == 0 || number > said) {
                words.push_back(fmt::format("N5: {}: nobody said the result {}", whose, text));
            } else if (number <= last) {
                words.push_back(
                    fmt::format("N3: {}: result {} stands behind result {}", whose, number, last));
            }
            last = number;
        }
    }
    return words;
}

/// N4: where nothing is for more than a second, a gap with a cause says so.
Words n4(const std::string& whose, const Recorded& recorded) {
    Words words;
    for (std::size_t i = 1; i < recorded.fragments.size(); ++i) {
        std::int64_t from = recorded.fragments[i - 1].end().microseconds + frame_us;
        const std::int64_t to = recorded.fragments[i].facts.utc.microseconds - frame_us;
        if (to - from <= hole_us) {
            continue;
        }
        const std::int64_t began = from;
        for (const archive::Gap& gap : recorded.gaps) {   // by time
            if (gap.begin.microseconds <= from && gap.end.microseconds > from && !gap.cause.empty()) {
                from = gap.end.microseconds;
            }
        }
        if (from < to) {
            words.push_back(
                fmt::format("N4: {}: nothing is there for {} ms before fragment {} of run {}, and "
                            "{} ms of that are no gap",
                            whose, (to - began) / 1000, recorded.fragments[i].facts.number,
                            recorded.fragments[i].run, (to - from) / 1000));
        }
    }
    return words;
}

}   // namespace

std::vector<std::string> broken_laws(const Evidence& evidence) {
    Words words;
    std::vector<Words> found{n1(evidence.edge, evidence.server),
                             n2(evidence),
                             n3("edge", evidence.edge),
                             n3("server", evidence.server),
                             results("edge", evidence.edge, evidence.said),
                             results("server", evidence.server, evidence.said)};
    if (!evidence.clock_jumped) {
        found.push_back(n4("edge", evidence.edge));
        found.push_back(n4("server", evidence.server));
    }
    for (Words& law : found) {
        add(words, law);
    }
    for (const auto& [whose, recorded] : {std::pair{"edge", &evidence.edge}, {"server", &evidence.server}}) {
        for (const std::string& fault : recorded->faults) {
            words.push_back(fmt::format("{} ({})", fault, whose));
        }
    }
    return words;
}

}   // namespace millrace::sim
