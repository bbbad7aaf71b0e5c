#include "sim/recorded.hpp"

#include "archive/archive.hpp"
#include "archive/inspection.hpp"
#include "container/mp4_event.hpp"
#include "container/mp4_reader.hpp"
#include "sim/trace.hpp"

#include <fmt/format.h>

#include <array>

namespace millrace::sim {

namespace {

constexpr std::string_view stream = "live/cam";
constexpr archive::Span always{{0}, {INT64_MAX / 4}};
constexpr std::size_t faults_max = 8;

class Reading {
public:
    Reading(VirtualFolder& disk, const Clock& clock, const Ledger& ledger)
        : disk_{disk}, clock_{clock}, ledger_{ledger} {}

    Recorded run() {
        inspect();
        ask();
        read_files();
        return std::move(found_);
    }

private:
    void fault(std::string words) {
        if (found_.faults.size() < faults_max) {
            found_.faults.push_back(std::move(words));
        }
    }
    void inspect() {
        const auto seen =
            archive::inspect(disk_, random_, archive::Closeness::bodies, [](std::uint64_t, std::uint64_t) {});
        if (!seen) {
            fault(fmt::format("N6: the archive cannot be checked: {}", seen.error().what));
            return;
        }
        for (const std::string& one : seen->faults) {
            fault("N6: " + one);
        }
    }
    void ask() {
        archive::Archive archive{{.folder = disk_, .random = random_, .clock = clock_}};
        if (const Result<> opened = archive.open(); !opened) {
            return fault(fmt::format("N6: the archive cannot be opened: {}", opened.error().what));
        }
        if (archive.recovered() > 0) {
            fault(fmt::format("N6: {} files were not sealed", archive.recovered()));
        }
        auto listing = archive.list(std::string{stream}, always);
        if (!listing) {
            return fault(fmt::format("N6: the archive cannot be listed: {}", listing.error().what));
        }
        found_.gaps = std::move(listing->gaps);
        for (const archive::FoundFragment& one : listing->fragments) {
            take(archive, one);
        }
        archive.close({});
    }
    void take(archive::Archive& archive, const archive::FoundFragment& one) {
        RecordedFragment fragment{.file = one.file, .run = one.run, .facts = one.fragment};
        const auto init = archive.init(std::string{stream}, one.file);
        const auto bytes = archive.read(std::string{stream}, one.file, one.fragment.number);
        if (!init || !bytes) {
            return fault(fmt::format("N6: fragment {} of file {} is listed, but cannot be read: {}",
                                     one.fragment.number, one.file,
                                     init ? bytes.error().what : init.error().what));
        }
        fragment.hash = hash_of(*bytes);
        mp4::Reader reader;
        const std::string where = fmt::format("fragment {} of file {}", one.fragment.number, one.file);
        fragment.units = units_of(reader, init->span(), where);
        for (RecordedUnit& unit : units_of(reader, bytes->span(), where)) {
            listed_.insert(unit.hash);
            fragment.units.push_back(unit);
        }
        const auto said = mp4::read_events(bytes->span());
        if (!said) {
            fault(fmt::format("N6: {} has results that cannot be read: {}", where, said.error().what));
        }
        for (const media::TimedMessage& result : said.value_or(std::vector<media::TimedMessage>{})) {
            fragment.results.emplace_back(as_text(result.body));
        }
        found_.fragments.push_back(std::move(fragment));
    }
    std::vector<RecordedUnit> units_of(mp4::Reader& reader, ByteSpan bytes, const std::string& where) {
        std::vector<RecordedUnit> units;
        for (;;) {
            const auto item = reader.next(bytes);
            if (!item) {
                fault(fmt::format("N6: {} is no MP4: {}", where, item.error().what));
                return units;
            }
            if (!*item) {
                return units;
            }
            const auto* const unit = std::get_if<media::AccessUnit>(&**item);
            if (unit == nullptr) {
                continue;
            }
            const std::uint64_t hash = hash_of(unit->payload);
            const Ledger::Entry* const sent = ledger_.find(hash);
            if (sent == nullptr || sent->kind != unit->kind()) {
                fault(fmt::format("N5: {} has a unit of {} bytes that nobody published", where,
                                  unit->payload.size()));
                continue;
            }
            units.push_back({.sent = sent, .hash = hash, .dts_ms = unit->dts_ms()});
        }
    }
    /// Without index: what any player finds in the folder.
    void read_files() {
        for (const std::string& name : *disk_.names()) {
            if (!archive::file_id(name)) {
                continue;
            }
            mp4::Reader reader;
            for (const RecordedUnit& unit : units_of(reader, disk_.bytes(name), name)) {
                if (listed_.erase(unit.hash) == 0) {
                    fault(fmt::format("N6: {} has a unit that no list shows, or twice", name));
                }
            }
        }
        if (!listed_.empty()) {
            fault(fmt::format("N6: {} units are listed and in no file", listed_.size()));
        }
    }

    VirtualFolder& disk_;
    const Clock& clock_;
    const Ledger& ledger_;
    SeededRandom random_{1};
    std::set<std::uint64_t> listed_;
    Recorded found_;
};

}   // namespace

Recorded read_recorded(VirtualFolder& disk, const Clock& clock, const Ledger& ledger) {
    return Reading{disk, clock, ledger}.run();
}

}   // namespace millrace::sim
