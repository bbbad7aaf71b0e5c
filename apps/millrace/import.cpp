#include "apps/millrace/verbs.hpp"
#include "archive/archive.hpp"
#include "archive/importer.hpp"
#include "base/date_time.hpp"
#include "base/disk_folder.hpp"
#include "hub/name.hpp"
#include "net/system_random.hpp"
#include "net/worker.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace millrace::apps {

namespace {

constexpr std::size_t read_size = std::size_t{256} << 10U;

/// What came of it so far.
struct Tally {
    std::uint64_t kept = 0;
    std::uint64_t left_out = 0;
};

Result<> keep_ready(archive::Archive& archive, archive::Importer& importer, Tally& tally) {
    while (std::optional<archive::ImportedFragment> one = importer.next()) {
        const archive::Span span = one->span;
        const Result<bool> kept = archive.import(importer.stream(), span, importer.batch(std::move(*one)));
        if (!kept) {
            return std::unexpected(kept.error());
        }
        archive.tend();
        ++(*kept ? tally.kept : tally.left_out);
        if (!*kept) {
            importer.left_out();
        }
    }
    return {};
}

Result<> import_all(std::ifstream& file, archive::Archive& archive, archive::Importer& importer,
                    Tally& tally) {
    std::vector<char> buffer(read_size);
    while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0) {
        ByteSpan piece = std::as_bytes(std::span{buffer.data(), static_cast<std::size_t>(file.gcount())});
        while (!piece.empty()) {
            const Result<> read = importer.read(piece);
            const Result<> kept = keep_ready(archive, importer, tally);
            if (!read || !kept) {
                return read ? kept : read;
            }
        }
    }
    const Result<> finished = importer.finish();
    const Result<> kept = keep_ready(archive, importer, tally);
    return finished ? kept : finished;
}

}   // namespace

int import_file(const ImportOptions& options) {
    const Result<hub::StreamName> name = hub::StreamName::parse(options.name);
    const std::optional<WallTime> from = options.from.empty() ? std::nullopt : parse_date_time(options.from);
    if (!name || (!options.from.empty() && !from)) {
        throw std::runtime_error(name ? "--from is a time such as 2026-11-20T14:00:00Z"
                                      : std::string{name.error().what});
    }
    std::ifstream file{options.file, std::ios::binary};
    if (!file) {
        throw std::runtime_error(fmt::format("{}: cannot be read", options.file));
    }
    DiskFolder folder{options.folder + "/archive"};
    net::SystemRandom random;
    const net::SystemClock clock;
    archive::Archive archive{{.folder = folder, .random = random, .clock = clock}};
    if (const Result<> opened = archive.open(); !opened) {
        throw std::runtime_error(
            fmt::format("{}: {}; where a node has it open, PUT the file to /api/v1/recordings/{}",
                        options.folder, opened.error().what, options.name));
    }
    archive::Importer importer{name->text(), from, random.next_u32()};
    Tally tally;
    Result<> done = import_all(file, archive, importer, tally);
    const Result<bool> ended = archive.import(importer.stream(), {}, importer.end());
    archive.close({});
    done = done && !ended ? std::unexpected(ended.error()) : done;
    fmt::print("{} fragments are kept, {} of times that are there already are left out\n", tally.kept,
               tally.left_out);
    if (!done) {
        throw std::runtime_error(fmt::format("{}: {}", options.file, done.error().what));
    }
    return 0;
}

}   // namespace millrace::apps
