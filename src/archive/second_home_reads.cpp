#include "archive/second_home.hpp"
#include "base/log.hpp"

#include <algorithm>

// What comes from the bucket: fragments that somebody plays, files that are not known here; and what goes
// from it for good.

namespace millrace::archive {

namespace {

constexpr Error away{Errc::timed_out,
                     "the bucket that has this recording cannot be reached now; try again later"};

}   // namespace

bool SecondHome::forget_next() {
    const Instant now = seams_.clock.now();
    if (forget_.empty() && (!forgot_at_ || now - *forgot_at_ >= forget_every)) {
        forgot_at_ = now;
        forget_ = archive_.to_forget(keep_).value_or(std::vector<FileRow>{});
        std::ranges::reverse(forget_);
    }
    if (forget_.empty()) {
        return false;
    }
    // The words first: a crash leaves a gap with a file in it, never a hole without a cause.
    const FileRow row = std::move(forget_.back());
    forget_.pop_back();
    if (!archive_.note_retention(row)) {
        return false;
    }
    return ask<void>(
        means_.out, [name = object_name(row)](ObjectStore& store) { return store.remove(name); },
        [this, id = row.id](const Result<>& gone) {
            if (!gone) {
                return put_off(gone.error());
            }
            is_there();
            if (archive_.is_open()) {
                (void)archive_.index().remove_file(id);
            }
            go_on();
        });
}

bool SecondHome::adopt_next() {
    if (pins_there_) {
        return read_pins_there();
    }
    if (adopt_.empty()) {
        if (archive_.index().knows_bucket(means_.bucket).value_or(true)) {
            return false;
        }
        list_next();
        return true;
    }
    const ObjectStore::Object object = std::move(adopt_.back());
    adopt_.pop_back();
    return ask<FoundFile>(
        means_.out, [object](ObjectStore& store) { return read_object(store, object); },
        [this](Result<FoundFile> found) { adopt(std::move(found)); });
}

void SecondHome::list_next() {
    (void)ask<std::vector<ObjectStore::Object>>(
        means_.out, [after = listed_to_](ObjectStore& store) { return store.list(after); },
        [this](Result<std::vector<ObjectStore::Object>> found) {
            if (!found) {
                return put_off(found.error());
            }
            is_there();
            if (!archive_.is_open()) {
                return go_on();
            }
            if (found->empty()) {
                listed_to_.clear();
                (void)archive_.index().note_known(means_.bucket);
                return go_on();
            }
            take_page(std::move(*found));
            go_on();
        });
}

void SecondHome::take_page(std::vector<ObjectStore::Object> page) {
    page_end_ = page.back().name;
    for (ObjectStore::Object& object : page) {
        if (object.name == pins_object) {
            pins_there_ = object.size;
            continue;
        }
        const auto name = read_object_name(object.name);
        const auto row = name ? archive_.index().file(name->id) : Result<std::optional<FileRow>>{FileRow{}};
        if (row && !*row) {
            adopt_.push_back(std::move(object));
        }
    }
    if (adopt_.empty()) {
        listed_to_ = pins_there_ ? listed_to_ : page_end_;
        return;
    }
    log::info("archive", "{} recordings in the bucket {} are not known here; they are read again",
              adopt_.size(), means_.bucket);
    std::ranges::reverse(adopt_);
}

void SecondHome::adopt(Result<FoundFile> found) {
    if (!found && found.error().code != Errc::malformed && found.error().code != Errc::not_found) {
        return put_off(found.error());
    }
    is_there();
    if (!archive_.is_open()) {
        return go_on();
    }
    if (found) {
        found->row.bucket = means_.bucket;
    }
    if (adopt_.empty()) {
        listed_to_ = page_end_;
    }
    const Result<> adopted =
        found ? archive_.adopt(found->row, found->fragments) : std::unexpected(found.error());
    if (!adopted) {
        log::warning("archive", "a file in the bucket {} is left alone: {}", means_.bucket,
                     adopted.error().what);
    }
    go_on();
}

void SecondHome::read(const Archive::Place& place, Form form, Reply<Bytes> reply) {
    const Key key{place.row.id, place.fragment.offset};
    if (const Bytes* const kept = find_in_memory(key)) {
        return reply.give(unpack_fragment({kept->begin(), kept->end()}, place.row.id, form));
    }
    const std::string& root = means_.root_of_names();
    if (!place.row.bucket.starts_with(root)) {
        return reply.give(
            fail(Errc::timed_out,
                 "this recording lies in another bucket than storage.objects of this node names"));
    }
    if (place.fragment.size > fragment_size_max) {
        return reply.give(fail(Errc::exhausted, "a fragment is larger than is served"));
    }
    const bool rests = read_again_at_ && seams_.clock.now() < *read_again_at_;
    const auto waiting = askers_.find(key);
    if (rests && waiting == askers_.end()) {
        return reply.give(std::unexpected(away));
    }
    if (asker_count_ >= askers_max || (waiting == askers_.end() && askers_.size() >= fetches_max)) {
        return reply.give(
            fail(Errc::exhausted, "too much is read from the bucket at once; try again in a moment"));
    }
    ++asker_count_;
    const bool first = waiting == askers_.end();
    askers_[key].push_back({form, std::move(reply)});
    if (!first) {
        return;
    }
    const bool taken = ask<Bytes>(
        means_.in,
        [name = place.row.bucket.substr(root.size()) + object_name(place.row), at = place.fragment.offset,
         size = static_cast<std::size_t>(place.fragment.size)](ObjectStore& store) {
            return store.read(name, at, size);
        },
        [this, place](Result<Bytes> records) { arrived(place, std::move(records)); });
    if (!taken) {
        arrived(place, std::unexpected(away));
    }
}

void SecondHome::arrived(const Archive::Place& place, Result<Bytes> records) {
    const Key key{place.row.id, place.fragment.offset};
    std::vector<Asker> askers = std::move(askers_[key]);
    askers_.erase(key);
    asker_count_ -= askers.size();
    ++(records ? counters_.reads : counters_.read_failures);
    if (records) {
        read_again_at_.reset();
        const Result<Bytes> whole =
            unpack_fragment({records->begin(), records->end()}, place.row.id, Form::records);
        if (whole && records->size() == place.fragment.size) {
            keep_in_memory(key, *records);
        } else if (archive_.is_open()) {
            archive_.note_damaged(place);
        }
    } else if (records.error().code == Errc::not_found) {
        log::error("archive", "{} is not in the bucket {} any more", object_name(place.row), means_.bucket);
    } else {
        log::warning("archive", "{} cannot be read from the bucket {}: {}", object_name(place.row),
                     means_.bucket, records.error().what);
        read_again_at_ = seams_.clock.now() + read_rest;
    }
    for (Asker& asker : askers) {
        if (records) {
            asker.reply.give(unpack_fragment({records->begin(), records->end()}, place.row.id, asker.form));
        } else {
            const bool gone = records.error().code == Errc::not_found;
            asker.reply.give(gone ? fail(Errc::not_found, "this recording is not in the bucket any more")
                                  : std::unexpected(away));
        }
    }
}

void SecondHome::keep_in_memory(Key key, Bytes records) {
    kept_size_ += records.size();
    kept_.push_front({key, std::move(records)});
    while (kept_size_ > cache_size_max) {
        kept_size_ -= kept_.back().records.size();
        kept_.pop_back();
    }
}

const Bytes* SecondHome::find_in_memory(Key key) {
    const auto found = std::ranges::find(kept_, key, &Kept::key);
    if (found == kept_.end()) {
        return nullptr;
    }
    kept_.splice(kept_.begin(), kept_, found);
    return &found->records;
}

}   // namespace millrace::archive
