#pragma once

#include "base/storage.hpp"

#include <map>

namespace millrace {

/// A folder of a simulated disk: what was replaced is durable at once, unless a write is told to fail or to
/// be the one that the machine dies in.
class VirtualStorage final : public Storage {
public:
    /// What becomes of the next writes.
    enum class Fate : std::uint8_t {
        done,
        refused,        ///< the disk is full: the old file stays, and the caller is told
        refused_late,   ///< the disk fails behind the rename: the new file is there; only the next write
        lost_in_time,   ///< the machine dies before: the old file stays, and nobody is told
        kept_in_time,   ///< the machine dies after: the new file is there, and nobody is told
    };

    Result<std::optional<std::vector<std::byte>>> read(const std::string& name,
                                                       std::size_t size_max) override {
        const auto found = files_.find(name);
        if (found == files_.end()) {
            return std::optional<std::vector<std::byte>>{};
        }
        if (found->second.size() > size_max) {
            return fail(Errc::exhausted, "a file is larger than it may be");
        }
        return std::optional{found->second};
    }
    Result<> replace(const std::string& name, ByteSpan bytes) override {
        if (dead_ || fate_ == Fate::refused) {
            return fail(Errc::io, "a file cannot be written");
        }
        if (fate_ != Fate::lost_in_time) {
            files_[name].assign(bytes.begin(), bytes.end());
            ++writes_;
        }
        if (fate_ == Fate::done) {
            return {};
        }
        if (fate_ == Fate::refused_late) {
            fate_ = Fate::done;
            return fail(Errc::io, "the folder cannot be brought to the disk");
        }
        dead_ = true;
        return fail(Errc::io, "the machine is dead");
    }

    void set_fate(Fate fate) { fate_ = fate; }
    /// The machine is dead: what runs on it must be thrown away before `restart`.
    bool is_dead() const { return dead_; }
    void restart() {
        dead_ = false;
        fate_ = Fate::done;
    }
    void put(const std::string& name, std::string_view text) {
        const ByteSpan bytes = as_bytes(text);
        files_[name].assign(bytes.begin(), bytes.end());
    }
    std::string text(const std::string& name) const {
        const auto found = files_.find(name);
        return found == files_.end() ? std::string{} : std::string{as_text(found->second)};
    }
    std::size_t writes() const { return writes_; }

private:
    std::map<std::string, std::vector<std::byte>> files_;
    Fate fate_ = Fate::done;
    bool dead_ = false;
    std::size_t writes_ = 0;
};

}   // namespace millrace
