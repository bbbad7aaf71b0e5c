#include "archive/second_home.hpp"
#include "base/log.hpp"

// Pinned ranges, which a new disk is to know as well.

namespace millrace::archive {

namespace {

Result<> put_whole(ObjectStore& store, const std::vector<std::byte>& bytes) {
    const std::string name{pins_object};
    Result<> done = store.begin(name, bytes.size());
    done = done ? store.put(bytes) : done;
    if (!done) {
        return done;
    }
    const Result<ObjectStore::Arrival> arrival = store.finish();
    if (!arrival || *arrival == ObjectStore::Arrival::proven) {
        return arrival ? Result<>{} : std::unexpected(arrival.error());
    }
    const Result<Bytes> back = store.read(name, 0, bytes.size());
    if (!back) {
        return std::unexpected(back.error());
    }
    return std::ranges::equal(*back, bytes)
               ? Result<>{}
               : fail(Errc::malformed, "the bucket gives back other bytes than it was given");
}

}   // namespace

// Only once all that lies there was looked at, so that a new disk does not put its own over what is there.
bool SecondHome::put_pins() {
    const std::uint64_t version = archive_.all_pins().version();
    if (version == pins_put_ || !archive_.index().knows_bucket(means_.bucket).value_or(false)) {
        return false;
    }
    return ask<void>(
        means_.out,
        [bytes = pins_bytes(archive_.all_pins().all(), version)](ObjectStore& store) {
            return put_whole(store, bytes);
        },
        [this, version](const Result<>& put) {
            if (!put) {
                return put_off(put.error());
            }
            is_there();
            pins_put_ = version;
            go_on();
        });
}

bool SecondHome::read_pins_there() {
    const std::uint64_t size = std::min<std::uint64_t>(*pins_there_, Pins::size_max);
    return ask<Bytes>(
        means_.out,
        [size](ObjectStore& store) {
            return store.read(std::string{pins_object}, 0, static_cast<std::size_t>(size));
        },
        [this](const Result<Bytes>& bytes) { take_pins(bytes); });
}

void SecondHome::take_pins(const Result<Bytes>& bytes) {
    if (!bytes && bytes.error().code != Errc::malformed && bytes.error().code != Errc::not_found) {
        return put_off(bytes.error());
    }
    is_there();
    if (!archive_.is_open()) {
        return go_on();
    }
    const Result<ReadPins> read = bytes ? read_pins(*bytes) : std::unexpected(bytes.error());
    if (!read) {
        log::error("archive", "what is pinned is not known from the bucket {}: {}: {}; pin it again",
                   means_.bucket, pins_object, read.error().what);
    } else if (const Result<> taken = archive_.take_pins(read->pins); !taken) {
        return put_off(taken.error());
    }
    pins_there_.reset();
    if (adopt_.empty()) {
        listed_to_ = page_end_;
    }
    go_on();
}

}   // namespace millrace::archive
