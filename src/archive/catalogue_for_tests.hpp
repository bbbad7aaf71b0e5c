#pragma once

#include "archive/catalogue.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

namespace millrace::archive {

/// A catalogue of a simulation. Any number of nodes have ends of it.
struct VirtualCatalogueServer {
    using Key = std::pair<std::string, std::uint64_t>;   ///< node, its own id

    std::map<Key, CatalogueFile> files{};
    std::map<std::string, std::uint64_t> numbers{};
    bool away = false;
    std::uint64_t calls = 0;
    std::uint64_t written = 0;   ///< rows that were not as they were to be
    std::uint64_t found = 0;     ///< questions that were answered
    Error failure{Errc::timed_out, "its server does not answer"};

    std::uint64_t number_of(const std::string& node) {
        return numbers.try_emplace(node, numbers.size() + 1).first->second;
    }
    /// "1 here 2 both": the files of a node, and where they are.
    std::string text(const std::string& node) const {
        constexpr std::array words{"here", "both", "bucket"};
        std::string all;
        for (const auto& [key, file] : files) {
            if (key.first == node) {
                all += fmt::format("{}{} {}", all.empty() ? "" : ", ", key.second,
                                   words[static_cast<std::size_t>(file.row.home)]);
            }
        }
        return all;
    }
};

/// A node's end of it.
class VirtualCatalogue final : public Catalogue {
public:
    VirtualCatalogue(VirtualCatalogueServer& server, std::string node)
        : server_{server}, node_{std::move(node)} {}

    Result<> replace(Ids ids, std::span<const CatalogueFile> files) override {
        if (Result<> done = step(); !done) {
            return done;
        }
        auto& all = server_.files;
        for (auto at = all.upper_bound({node_, ids.after});
             at != all.end() && at->first.first == node_ && at->first.second <= ids.last;) {
            const bool kept = std::ranges::any_of(
                files, [&](const CatalogueFile& file) { return file.row.id == at->first.second; });
            server_.written += kept ? 0 : 1;
            at = kept ? std::next(at) : all.erase(at);
        }
        for (const CatalogueFile& file : files) {
            check(file.row.id > ids.after && file.row.id <= ids.last, "a file is one of those ids");
            const auto known = all.find({node_, file.row.id});
            if (known == all.end() || catalogue_stamp(known->second) != catalogue_stamp(file)) {
                ++server_.written;
                all.insert_or_assign({node_, file.row.id}, file);
            }
        }
        return {};
    }
    Result<std::vector<CatalogueFile>> find(const std::string& stream, Span span,
                                            std::size_t count_max) override {
        if (Result<> done = step(); !done) {
            return std::unexpected(done.error());
        }
        ++server_.found;
        std::vector<CatalogueFile> found;
        for (const auto& [key, file] : server_.files) {
            const FileRow& row = file.row;
            if (key.first != node_ && row.facts.stream == stream && row.begin < span.to &&
                span.from < row.end) {
                found.push_back(shown(key, file));
            }
        }
        std::ranges::sort(found, {}, [](const CatalogueFile& file) { return file.row.begin; });
        found.resize(std::min(found.size(), count_max));
        return found;
    }
    Result<std::optional<CatalogueFile>> file(std::uint64_t id) override {
        if (Result<> done = step(); !done) {
            return std::unexpected(done.error());
        }
        for (const auto& [key, file] : server_.files) {
            if (CatalogueFile one = shown(key, file); one.row.id == id) {
                return one;
            }
        }
        return std::optional<CatalogueFile>{};
    }
    std::string words() const override { return "nobody is there"; }
    void stop() override {}

private:
    CatalogueFile shown(const VirtualCatalogueServer::Key& key, CatalogueFile file) {
        file.row.id = server_.number_of(key.first) << file_id_bits | key.second;
        file.node = key.first;
        file.address = "https://" + key.first + ".example.org";
        return file;
    }
    Result<> step() {
        ++server_.calls;
        return server_.away ? Result<>{std::unexpected(server_.failure)} : Result<>{};
    }

    VirtualCatalogueServer& server_;
    std::string node_;
};

}   // namespace millrace::archive
