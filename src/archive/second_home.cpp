#include "archive/second_home.hpp"

#include "archive/checksum.hpp"
#include "base/log.hpp"

#include <algorithm>

namespace millrace::archive {

SecondHome::SecondHome(Background& disk, Archive& archive, Archive::Seams seams, BucketMeans means)
    : archive_{archive}, seams_{seams}, means_{std::move(means)}, errands_{disk, 2 * fetches_max} {
    archive_.use_bucket(means_.bucket);
}

void SecondHome::tend() {
    errands_.settle();
    const Instant now = seams_.clock.now();
    if (!archive_.is_open() || busy_ || (retry_at_ && now < *retry_at_)) {
        return;
    }
    if (!looked_at_ || now - *looked_at_ >= look_every) {
        looked_at_ = now;
        go_on();
    }
}

void SecondHome::go_on() {
    busy_ = false;
    if (!archive_.is_open()) {
        move_.reset();
        return;
    }
    if (const auto waiting = archive_.index().unmoved(means_.bucket)) {
        counters_.waiting_files = waiting->files;
        counters_.waiting_bytes = waiting->bytes;
    }
    busy_ = begin_move() || put_pins() || forget_next() || adopt_next();
}

bool SecondHome::open_next() {
    while (auto next = archive_.index().next_to_move(means_.bucket, left_out_below_)) {
        if (!*next) {
            return false;
        }
        auto file = seams_.folder.open(file_name((*next)->id), Folder::Open::existing);
        move_ = Move{.row = std::move(**next), .file = file ? std::move(*file) : nullptr};
        const Result<std::uint64_t> size = file ? move_->file->size() : std::unexpected(file.error());
        if (size && *size == move_->row.bytes) {
            return true;
        }
        leave_out(size ? Error{Errc::malformed, "it is not as long as the index says"} : size.error());
    }
    return false;
}

bool SecondHome::begin_move() {
    if (!open_next()) {
        return false;
    }
    return ask<void>(
        means_.out,
        [name = object_name(move_->row), size = move_->row.bytes](ObjectStore& store) {
            return store.begin(name, size);
        },
        [this](const Result<>& begun) { begun ? put_next() : put_off(begun.error()); });
}

void SecondHome::put_next() {
    if (!archive_.is_open()) {
        return go_on();
    }
    if (move_->at == move_->row.bytes) {
        (void)ask<ObjectStore::Arrival>(
            means_.out, [](ObjectStore& store) { return store.finish(); },
            [this](Result<ObjectStore::Arrival> arrival) {
                if (!arrival) {
                    return put_off(arrival.error());
                }
                move_->at = 0;
                *arrival == ObjectStore::Arrival::proven ? move_is_proven() : read_back();
            });
        return;
    }
    const std::uint64_t left = move_->row.bytes - move_->at;
    std::vector<std::byte> piece(
        static_cast<std::size_t>(std::min<std::uint64_t>(ObjectStore::piece_size, left)));
    const Result<std::size_t> count = move_->file->read(move_->at, piece);
    if (!count || *count != piece.size()) {
        leave_out(count ? Error{Errc::io, "it ends early"} : count.error());
        return go_on();
    }
    move_->at += piece.size();
    move_->sum = checksum(piece, move_->sum);
    (void)ask<void>(
        means_.out, [piece = std::move(piece)](ObjectStore& store) { return store.put(piece); },
        [this](const Result<>& put) { put ? put_next() : put_off(put.error()); });
}

void SecondHome::read_back() {
    if (!archive_.is_open()) {
        return go_on();
    }
    if (move_->at == move_->row.bytes) {
        return move_->back == move_->sum
                   ? move_is_proven()
                   : put_off({Errc::malformed, "the bucket gives back other bytes than it was given"});
    }
    const std::uint64_t left = move_->row.bytes - move_->at;
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(ObjectStore::piece_size, left));
    (void)ask<Bytes>(
        means_.out,
        [name = object_name(move_->row), at = move_->at, size](ObjectStore& store) {
            return store.read(name, at, size);
        },
        [this, size](const Result<Bytes>& bytes) {
            if (!bytes || bytes->size() != size) {
                return put_off(bytes ? Error{Errc::malformed, "the bucket gives back less than it was given"}
                                     : bytes.error());
            }
            move_->at += size;
            move_->back = checksum(*bytes, move_->back);
            read_back();
        });
}

void SecondHome::move_is_proven() {
    if (!archive_.is_open()) {
        return go_on();
    }
    is_there();
    if (const Result<> put = archive_.note_moved(move_->row); !put) {
        return put_off(put.error());
    }
    ++counters_.moved_files;
    counters_.moved_bytes += move_->row.bytes;
    move_.reset();
    go_on();
}

void SecondHome::put_off(const Error& why) {
    move_.reset();
    adopt_.clear();
    pins_there_.reset();
    forget_.clear();
    busy_ = false;
    ++counters_.failures;
    if (!counters_.away.exchange(true)) {
        log::error(
            "archive",
            "the bucket {} takes nothing: {}; {} recordings wait on this disk, and are kept here until "
            "it has them",
            means_.bucket, why.what, counters_.waiting_files.load());
    }
    retry_at_ = seams_.clock.now() + retry_after_;
    retry_after_ = std::min<Duration>(2 * retry_after_, retry_last);
    looked_at_.reset();
}

void SecondHome::is_there() {
    retry_at_.reset();
    retry_after_ = retry_first;
    if (counters_.away.exchange(false)) {
        log::info("archive", "the bucket {} is back", means_.bucket);
    }
}

void SecondHome::leave_out(const Error& why) {
    log::error("archive", "{} stays on this disk alone until the next start: {}", file_name(move_->row.id),
               why.what);
    left_out_below_ = move_->row.id;
    move_.reset();
}

}   // namespace millrace::archive
