#pragma once

#include "base/check.hpp"
#include "base/folder.hpp"
#include "base/random.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>

namespace millrace {

/// A folder of a simulated disk that loses what was not synced. A crash of the process (`restart`) keeps all
/// that was written, as the system's cache does; a power cut (`cut_power`) keeps of each write since the last
/// sync all, nothing or a beginning, and of each name since the last `sync_names` the old or the new.
class VirtualFolder final : public Folder {
public:
    struct Limits {
        std::uint64_t size_max = UINT64_MAX;   ///< of all files; beyond it the disk is full
    };
    Limits limits{};
    std::uint64_t calls = 0;                      ///< that may fail, so far
    std::optional<std::uint64_t> fails_at{};      ///< the call of this number does not work
    Error failure{Errc::io, "the disk failed"};   ///< and says so
    bool fails_on = false;                        ///< as do all after it, until `restart`
    std::optional<std::uint64_t> dies_at{};       ///< the machine dies at the call of this number
    bool read_only = false;
    bool lets_in = true;          ///< files can be made in it
    bool fails_midway = false;    ///< a write that fails has put its first half
    bool forgets_syncs = false;   ///< a planted fault: `sync` says yes, and nothing is durable

    Result<std::unique_ptr<FolderFile>> open(const std::string& name, Open how) override {
        if (removed_) {
            return fail(Errc::not_found, "the folder is not there");
        }
        const auto found = files_.find(name);
        if (found == files_.end() && how == Open::existing) {
            return fail(Errc::not_found, "the file is not there");
        }
        if (found != files_.end() && how == Open::made_new) {
            return fail(Errc::exists, "the file is there already");
        }
        if (found == files_.end() && !lets_in) {
            return fail(Errc::io, no_right);
        }
        if (found == files_.end()) {
            if (const Result<> done = step(true); !done) {
                return std::unexpected(done.error());
            }
            return std::make_unique<File>(*this, files_[name] = &contents_.emplace_back());
        }
        return std::make_unique<File>(*this, found->second);
    }
    Result<> remove(const std::string& name) override {
        Result<> done = step(true);
        if (done) {
            files_.erase(name);
        }
        return done;
    }
    Result<std::vector<std::string>> names() override {
        std::vector<std::string> names;
        for (const auto& [name, content] : files_) {
            names.push_back(name);
        }
        return names;
    }
    Result<> sync_names() override {
        Result<> done = step(true);
        if (done) {
            durable_names_ = files_;
        }
        return done;
    }
    Result<std::uint64_t> free_bytes() override {
        return limits.size_max - std::min(limits.size_max, used());
    }

    Result<> claim() override { return {}; }
    Result<> still_there() override {
        if (!lets_in) {
            return fail(Errc::refused, no_right);
        }
        return std::exchange(removed_, false) ? Result<>{fail(Errc::not_found, "the folder is not there")}
                                              : Result<>{};
    }
    /// Somebody removes the folder and all in it.
    void remove_folder() {
        files_.clear();
        durable_names_.clear();
        removed_ = true;
    }

    /// Whether the machine is dead: what ran on it is to be thrown away, before `restart` or `cut_power`.
    bool is_dead() const { return dead_; }
    /// The machine dies now: nothing that still runs there reaches the disk.
    void die() { dead_ = gone_ = true; }
    void restart() {
        dead_ = gone_ = false;
        fails_on = false;
        fails_at.reset();
        dies_at.reset();
    }
    void cut_power(Random& chance) {
        std::map<std::string, ContentRef> left = durable_names_;
        for (const auto& [name, content] : files_) {
            if (!durable_names_.contains(name) && chance.below(2) == 0) {
                left.emplace(name, content);
            }
        }
        for (const auto& [name, content] : durable_names_) {
            if (!files_.contains(name) && chance.below(2) == 0) {
                left.erase(name);
            }
        }
        files_ = std::move(left);
        for (const auto& [name, content] : files_) {
            content->lose(chance);
        }
        durable_names_ = files_;
        restart();
    }

    // For tests that look at the disk, or harm it.
    std::vector<std::byte>& bytes(const std::string& name) { return files_.at(name)->now; }
    bool has(const std::string& name) const { return files_.contains(name); }
    void forget(const std::string& name) { files_.erase(name); }
    std::uint64_t used() const {
        std::uint64_t sum = 0;
        for (const auto& [name, content] : files_) {
            sum += content->now.size();
        }
        return sum;
    }

private:
    static constexpr std::string_view no_right = "the folder does not let this node in";

    /// A write since the last sync: of bytes, or of the file's size.
    struct Unsynced {
        std::uint64_t offset = 0;
        std::vector<std::byte> bytes;
        bool truncates = false;
    };
    struct Content {
        std::vector<std::byte> now;
        std::vector<std::byte> durable;
        std::vector<Unsynced> unsynced;

        static void apply(std::vector<std::byte>& to, const Unsynced& write, std::size_t count) {
            if (write.truncates) {
                to.resize(write.offset);
                return;
            }
            if (count > 0) {
                to.resize(std::max<std::size_t>(to.size(), write.offset + count));
                std::copy_n(write.bytes.begin(), count,
                            to.begin() + static_cast<std::ptrdiff_t>(write.offset));
            }
        }
        void lose(Random& chance) {
            now = durable;
            for (const Unsynced& write : unsynced) {
                const std::size_t size = write.bytes.size();
                switch (chance.below(3)) {
                    case 0: apply(now, write, size); break;
                    case 1:
                        if (!write.truncates) {
                            apply(now, write, chance.below(static_cast<std::uint32_t>(size) + 1));
                        }
                        break;
                    default: break;
                }
            }
            unsynced.clear();
            durable = now;
        }
    };
    using ContentRef = Content*;   // in `contents_`, for good: an open file outlives its name

    class File final : public FolderFile {
    public:
        File(VirtualFolder& folder, ContentRef content) : folder_{folder}, content_{content} {}

        Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) override {
            if (const Result<> done = folder_.step(false); !done) {
                return std::unexpected(done.error());
            }
            const std::vector<std::byte>& now = content_->now;
            const std::size_t begin = std::min<std::size_t>(offset, now.size());
            const std::size_t count = std::min(into.size(), now.size() - begin);
            std::copy_n(now.begin() + static_cast<std::ptrdiff_t>(begin), count, into.begin());
            return count;
        }
        Result<> write(std::uint64_t offset, ByteSpan bytes) override {
            if (const Result<> done = folder_.step(true); !done) {
                // What is refused may have begun.
                if ((folder_.dead_ || folder_.fails_midway) && !folder_.gone_ && !folder_.read_only) {
                    put(offset, bytes.first(bytes.size() / 2));
                }
                return done;
            }
            const std::uint64_t room =
                folder_.limits.size_max - std::min(folder_.limits.size_max, folder_.used());
            const std::uint64_t size = content_->now.size();
            const std::uint64_t grows = offset + bytes.size() > size ? offset + bytes.size() - size : 0;
            if (grows > room) {
                if (folder_.fails_midway) {
                    put(offset, bytes.first(bytes.size() - std::min(grows - room, bytes.size())));
                }
                return fail(Errc::exhausted, "the disk is full");
            }
            put(offset, bytes);
            return {};
        }
        Result<> sync() override {
            Result<> done = folder_.step(true);
            if (done && !folder_.forgets_syncs) {
                content_->durable = content_->now;
                content_->unsynced.clear();
            }
            return done;
        }
        Result<> truncate(std::uint64_t size) override {
            Result<> done = folder_.step(true);
            if (done) {
                content_->unsynced.push_back({.offset = size, .bytes = {}, .truncates = true});
                content_->now.resize(size);
            }
            return done;
        }
        Result<std::uint64_t> size() override { return std::uint64_t{content_->now.size()}; }

    private:
        void put(std::uint64_t offset, ByteSpan bytes) {
            content_->unsynced.push_back({.offset = offset, .bytes = {bytes.begin(), bytes.end()}});
            Content::apply(content_->now, content_->unsynced.back(), bytes.size());
        }

        VirtualFolder& folder_;
        ContentRef content_;
    };

    /// Counts a call, and says whether it works.
    Result<> step(bool changes) {
        if (dead_) {
            return fail(Errc::io, "the machine is dead");
        }
        if (changes && read_only) {
            return fail(Errc::io, "the disk is read-only");
        }
        if (!changes && !fails_on) {
            return {};
        }
        const std::uint64_t number = calls++;
        if (dies_at == number) {
            dead_ = true;
            return fail(Errc::io, "the machine is dead");
        }
        if (fails_at && (number == *fails_at || (fails_on && number > *fails_at))) {
            return std::unexpected(failure);
        }
        return {};
    }

    std::deque<Content> contents_;
    std::map<std::string, ContentRef> files_;
    std::map<std::string, ContentRef> durable_names_;
    bool dead_ = false;
    bool gone_ = false;   // it died between two calls: no write is under way
    bool removed_ = false;
};

}   // namespace millrace
