#include "apps/millrace/verbs.hpp"
#include "archive/inspection.hpp"
#include "base/disk_folder.hpp"
#include "base/web.hpp"
#include "net/system_random.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>

namespace millrace::apps {

namespace {

constexpr int unsound = 1;

std::optional<archive::Closeness> closeness_of(std::string_view word) {
    using enum archive::Closeness;
    return word == "index"    ? std::optional{index}
           : word == "heads"  ? std::optional{heads}
           : word == "bodies" ? std::optional{bodies}
                              : std::nullopt;
}

void print_json(const archive::Inspection& found) {
    std::string faults;
    for (const std::string& one : found.faults) {
        faults += (faults.empty() ? "" : ",") + web::json_quoted(one);
    }
    fmt::print(R"({{"sound":{},"files":{},"fragments":{},"bytes":{},"gaps":{},"in_bucket":{},)"
               R"("fault_count":{},"faults":[{}]}})"
               "\n",
               found.sound(), found.files, found.fragments, found.bytes, found.gaps, found.in_bucket,
               found.fault_count, faults);
}

void print_words(const archive::Inspection& found) {
    for (const std::string& one : found.faults) {
        fmt::print("{}\n", one);
    }
    if (found.in_bucket > 0) {
        fmt::print("{} files are in the bucket alone, and were not looked at\n", found.in_bucket);
    }
    fmt::print("{} files, {} fragments, {} bytes, {} gaps: {}\n", found.files, found.fragments, found.bytes,
               found.gaps,
               found.sound() ? std::string{"sound"} : fmt::format("{} faults", found.fault_count));
}

}   // namespace

int check_archive(const CheckOptions& options) {
    const auto closeness = closeness_of(options.depth);
    if (!closeness) {
        fmt::print(stderr, "millrace: --depth is index, heads or bodies\n");
        return wrong_usage;
    }
    // Both the archive's own folder and what it lies in are meant.
    const bool within = std::filesystem::exists(options.folder + "/archive");
    DiskFolder folder{within ? options.folder + "/archive" : options.folder};
    net::SystemRandom random;
    const bool shows = isatty(STDERR_FILENO) != 0;
    const auto found =
        archive::inspect(folder, random, *closeness, [&](std::uint64_t done, std::uint64_t of) {
            if (shows) {
                fmt::print(stderr, "\r{} of {} files{}", done, of, done == of ? "\n" : "");
            }
        });
    if (!found) {
        throw std::runtime_error(fmt::format("{}: {}", options.folder, found.error().what));
    }
    options.json ? print_json(*found) : print_words(*found);
    return found->sound() ? 0 : unsound;
}

}   // namespace millrace::apps
