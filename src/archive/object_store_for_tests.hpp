#pragma once

#include "archive/object_store.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace millrace::archive {

/// A bucket of a simulation. Any number of stores are its ends.
struct VirtualBucket {
    std::map<std::string, std::vector<std::byte>> objects{};
    std::uint64_t calls = 0;                   ///< so far
    std::optional<std::uint64_t> fails_at{};   ///< the call of this number does not work,
    bool fails_on = false;                     ///< nor any after it
    Error failure{Errc::timed_out, "the bucket's server does not answer"};
    bool proves = true;                  ///< what is put is known to have arrived whole
    bool changes_a_byte = false;         ///< of what is put next, and says nothing
    std::size_t page = 2;                ///< objects of one list
    std::vector<std::size_t> pieces{};   ///< sizes of what was put
    std::vector<std::string> asked{};    ///< "read live/cam/… 84+120", "remove …"

    bool away() const { return fails_on; }
    void go_away() {
        fails_at = calls;
        fails_on = true;
    }
    void come_back() {
        fails_on = false;
        fails_at.reset();
    }
};

/// One end of it.
class VirtualObjectStore final : public ObjectStore {
public:
    /// `prefix` stands in front of its names.
    explicit VirtualObjectStore(VirtualBucket& bucket, std::string prefix = {})
        : bucket_{bucket}, prefix_{std::move(prefix)} {}

    Result<> begin(const std::string& name, std::uint64_t /*size*/) override {
        name_ = prefix_ + name;
        under_way_.clear();
        return step();
    }
    Result<> put(ByteSpan piece) override {
        Result<> done = step();
        if (done) {
            bucket_.pieces.push_back(piece.size());
            under_way_.insert(under_way_.end(), piece.begin(), piece.end());
        }
        return done;
    }
    Result<Arrival> finish() override {
        if (Result<> done = step(); !done) {
            return std::unexpected(done.error());
        }
        if (std::exchange(bucket_.changes_a_byte, false)) {
            under_way_.at(under_way_.size() / 2) ^= std::byte{1};
        }
        bucket_.objects[name_] = std::exchange(under_way_, {});
        return bucket_.proves ? Arrival::proven : Arrival::there;
    }
    Result<Bytes> read(const std::string& name, std::uint64_t offset, std::size_t size) override {
        bucket_.asked.push_back(fmt::format("read {} {}+{}", name, offset, size));
        if (Result<> done = step(); !done) {
            return std::unexpected(done.error());
        }
        const auto found = bucket_.objects.find(prefix_ + name);
        if (found == bucket_.objects.end()) {
            return fail(Errc::not_found, "there is no such object");
        }
        if (offset + size > found->second.size()) {
            return fail(Errc::malformed, "the object is shorter");
        }
        return Bytes::copy(ByteSpan{found->second}.subspan(offset, size));
    }
    Result<> remove(const std::string& name) override {
        bucket_.asked.push_back("remove " + name);
        Result<> done = step();
        if (done) {
            bucket_.objects.erase(prefix_ + name);
        }
        return done;
    }
    Result<std::vector<Object>> list(const std::string& after) override {
        if (Result<> done = step(); !done) {
            return std::unexpected(done.error());
        }
        std::vector<Object> found;
        for (auto at = bucket_.objects.upper_bound(prefix_ + after);
             at != bucket_.objects.end() && at->first.starts_with(prefix_) && found.size() < bucket_.page;
             ++at) {
            found.push_back({at->first.substr(prefix_.size()), at->second.size()});
        }
        return found;
    }
    void stop() override {}

private:
    Result<> step() {
        const std::uint64_t number = bucket_.calls++;
        const bool fails = bucket_.fails_at &&
                           (number == *bucket_.fails_at || (bucket_.fails_on && number > *bucket_.fails_at));
        return fails ? Result<>{std::unexpected(bucket_.failure)} : Result<>{};
    }

    VirtualBucket& bucket_;
    std::string prefix_;
    std::string name_;
    std::vector<std::byte> under_way_;
};

}   // namespace millrace::archive
