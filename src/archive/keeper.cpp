#include "archive/keeper.hpp"

#include "archive/second_home.hpp"
#include "archive/shared_catalogue.hpp"
#include "base/log.hpp"

namespace millrace::archive {

Keeper::Keeper(Background& disk, Archive::Seams seams) : disk_{disk}, seams_{seams}, archive_{seams} {
}

Keeper::~Keeper() = default;

const BucketCounters* Keeper::bucket_counters() const {
    return second_home_ ? &second_home_->counters() : nullptr;
}

const CatalogueCounters* Keeper::catalogue_counters() const {
    return catalogue_ ? &catalogue_->counters() : nullptr;
}

std::unique_ptr<hub::Recording> Keeper::begin(const hub::RecordingSource& source) {
    begun_ = true;
    return std::make_unique<Recorder>(source, [this](Batch batch) {
        return disk_.run([this, batch = std::move(batch)]() mutable { archive_.write(std::move(batch)); });
    });
}

void Keeper::move_to(BucketMeans means) {
    second_home_ = std::make_unique<SecondHome>(disk_, archive_, seams_, std::move(means));
}

void Keeper::share(CatalogueMeans means) {
    catalogue_ = std::make_unique<SharedCatalogue>(disk_, archive_, seams_.clock, std::move(means));
}

void Keeper::open() {
    const bool taken = disk_.run([this] {
        if (second_home_ == nullptr && catalogue_ == nullptr && !archive_.is_there()) {
            return;   // the first recording makes it
        }
        begun_ = true;
        if (const Result<> opened = archive_.open(); !opened) {
            log::error("archive", "nothing is recorded: {}", opened.error().what);
            return;
        }
        if (archive_.recovered() > 0) {
            log::warning("archive", "{} files that were not closed in good order are recovered",
                         archive_.recovered());
        }
        tell_last_numbers();
    });
    check(taken, "a new disk thread has room");
}

void Keeper::tell_last_numbers() {
    if (numbers_ == nullptr || !archive_.is_open()) {
        return;
    }
    const auto last = archive_.index().last_numbers();
    if (!last) {
        return;
    }
    for (const auto& [stream, number] : *last) {
        numbers_->note(stream, number);
    }
    numbers_ = nullptr;
}

void Keeper::use(Keep keep, Keep in_bucket) {
    (void)disk_.run([this, keep, in_bucket] {
        archive_.use(keep);
        if (second_home_) {
            second_home_->use(in_bucket);
        }
    });
}

void Keeper::tend() {
    if (!begun_ || tending_.exchange(true)) {
        return;
    }
    const bool taken = disk_.run([this] {
        archive_.tend();
        tell_last_numbers();
        if (second_home_) {
            second_home_->tend();
        }
        if (catalogue_) {
            catalogue_->tend();
        }
        tending_ = false;
    });
    if (!taken) {
        tending_ = false;
    }
}

void Keeper::close(Reply<bool> reply) {
    (void)disk_.run([this, reply = std::move(reply)]() mutable {
        archive_.close(std::string{cause::stopped});
        reply.give(true);
    });
}

void Keeper::import(std::string stream, Span span, Batch batch, Reply<bool> reply) {
    begun_ = true;
    (void)disk_.run([this, stream = std::move(stream), span, batch = std::move(batch),
                     reply = std::move(reply)]() mutable {
        reply.give(archive_.import(stream, span, std::move(batch)));
    });
}

void Keeper::insert(UplinkedFragment one, Reply<Inserted> reply) {
    begun_ = true;
    (void)disk_.run([this, one = std::move(one), reply = std::move(reply)]() mutable {
        archive_.insert(std::move(one), std::move(reply));
    });
}

void Keeper::has(std::string stream, std::string run, Fragment fragment, Reply<bool> reply) {
    (void)disk_.run(
        [this, stream = std::move(stream), run = std::move(run), fragment,
         reply = std::move(reply)]() mutable { reply.give(archive_.has(stream, run, fragment)); });
}

void Keeper::use_uplinks(std::set<std::string, std::less<>> streams) {
    (void)disk_.run(
        [this, streams = std::move(streams)]() mutable { archive_.use_uplinks(std::move(streams)); });
}

void Keeper::unacknowledged(UplinkAsk ask, Reply<std::vector<FoundFragment>> reply) {
    (void)disk_.run([this, ask = std::move(ask), reply = std::move(reply)]() mutable {
        reply.give(archive_.unacknowledged(ask));
    });
}

void Keeper::unacknowledged(std::string stream, Reply<Unacknowledged> reply) {
    (void)disk_.run([this, stream = std::move(stream), reply = std::move(reply)]() mutable {
        reply.give(archive_.unacknowledged(stream));
    });
}

void Keeper::acknowledge(std::string stream, std::uint64_t file, std::uint64_t place) {
    (void)disk_.run([this, stream = std::move(stream), file, place] {
        if (const Result<> done = archive_.acknowledge(file, place); !done) {
            // It is offered again, and the server says that it has it.
            log::warning("archive", "{}: what the server has cannot be noted: {}", stream, done.error().what);
        }
    });
}

void Keeper::newest_gaps(std::string stream, std::size_t count_max, Reply<std::vector<Gap>> reply) {
    (void)disk_.run([this, stream = std::move(stream), count_max, reply = std::move(reply)]() mutable {
        reply.give(archive_.newest_gaps(stream, count_max));
    });
}

void Keeper::name_gaps(std::string stream, std::vector<Gap> named) {
    (void)disk_.run([this, stream = std::move(stream), named = std::move(named)] {
        if (const Result<> done = archive_.name_gaps(stream, named); !done) {
            log::warning("archive", "{}: why something is missing cannot be noted: {}", stream,
                         done.error().what);
        }
    });
}

void Keeper::note_sent(std::uint64_t file, std::uint64_t place, WallTime at) {
    (void)disk_.run([this, file, place, at] { archive_.note_step(file, place, &FragmentSteps::sent, at); });
}

void Keeper::list(std::string stream, Span span, Reply<Listing> reply, Archive::ListBounds bounds) {
    (void)disk_.run([this, stream = std::move(stream), span, reply = std::move(reply), bounds]() mutable {
        if (catalogue_ && bounds.revision) {
            return reply.give(catalogue_->list_again({std::move(stream), span, bounds}));
        }
        Result<Listing> ours = archive_.list(stream, span, bounds);
        if (ours && catalogue_) {
            return catalogue_->complete({std::move(stream), span, bounds}, std::move(*ours),
                                        std::move(reply));
        }
        reply.give(std::move(ours));
    });
}

void Keeper::streams(Reply<std::vector<hub::RecordedStream>> reply) {
    (void)disk_.run([this, reply = std::move(reply)]() mutable { reply.give(archive_.streams()); });
}

void Keeper::read(std::string stream, std::uint64_t file, std::uint64_t number, Reply<Bytes> reply) {
    read_as(Form::chunks, std::move(stream), {file, number}, std::move(reply));
}

void Keeper::read_records(std::string stream, std::uint64_t file, std::uint64_t number, Reply<Bytes> reply) {
    read_as(Form::records, std::move(stream), {file, number}, std::move(reply));
}

void Keeper::read_heads(std::string stream, std::uint64_t file, std::uint64_t number, Reply<Bytes> reply) {
    read_as(Form::heads, std::move(stream), {file, number}, std::move(reply));
}

void Keeper::read_results(std::string stream, std::uint64_t file, std::uint64_t number, Reply<Bytes> reply) {
    read_as(Form::results, std::move(stream), {file, number}, std::move(reply));
}

void Keeper::read_as(Form form, std::string stream, Numbers numbers, Reply<Bytes> reply) {
    (void)disk_.run([this, form, stream = std::move(stream), numbers, reply = std::move(reply)]() mutable {
        if (is_other(numbers.file)) {
            return read_other(form, stream, numbers, std::move(reply));
        }
        const Result<Archive::Place> place = archive_.place_of(stream, numbers.file, numbers.fragment);
        if (place && form == Form::chunks) {
            archive_.note_step(numbers.file, place->fragment.offset, &FragmentSteps::served,
                               seams_.clock.utc());
        }
        give(place, form, std::move(reply));
    });
}

void Keeper::read_other(Form form, const std::string& stream, Numbers numbers, Reply<Bytes> reply) {
    catalogue_->find(
        stream, numbers.file,
        [this, form, numbers, reply = std::move(reply)](const SharedCatalogue::Found& found) mutable {
            const Result<Archive::Place> place =
                found ? place_in(**found, numbers.fragment) : std::unexpected(found.error());
            if (!place) {
                return reply.give(std::unexpected(place.error()));
            }
            if (second_home_ == nullptr) {
                return reply.give(fail(Errc::not_found,
                                       "another node has this recording, in a bucket that "
                                       "storage.objects of this node does not name"));
            }
            second_home_->read(*place, form, std::move(reply));
        });
}

void Keeper::init_of_other(const std::string& stream, std::uint64_t file, Reply<Bytes> reply) {
    catalogue_->find(stream, file, [reply = std::move(reply)](const SharedCatalogue::Found& found) mutable {
        reply.give(found ? Result<Bytes>{(*found)->row.init} : std::unexpected(found.error()));
    });
}

void Keeper::give(const Result<Archive::Place>& place, Form form, Reply<Bytes> reply) {
    if (!place) {
        return reply.give(std::unexpected(place.error()));
    }
    const bool elsewhere = second_home_ != nullptr && place->row.home != Home::here;
    if (elsewhere && place->row.home == Home::bucket) {
        return second_home_->read(*place, form, std::move(reply));
    }
    Result<Bytes> bytes = archive_.read(*place, form);
    if (!bytes && elsewhere) {
        // What this disk lost or changed, the bucket still has.
        log::warning("archive", "{}: {}; it is read from the bucket", file_name(place->row.id),
                     bytes.error().what);
        return second_home_->read(*place, form, std::move(reply));
    }
    if (!bytes && bytes.error().code == Errc::malformed) {
        archive_.note_damaged(*place);
    }
    reply.give(std::move(bytes));
}

void Keeper::init(std::string stream, std::uint64_t file, Reply<Bytes> reply) {
    (void)disk_.run([this, stream = std::move(stream), file, reply = std::move(reply)]() mutable {
        if (is_other(file)) {
            return init_of_other(stream, file, std::move(reply));
        }
        reply.give(archive_.init(stream, file));
    });
}

void Keeper::pins(std::string stream, Reply<std::vector<Span>> reply) {
    (void)disk_.run([this, stream = std::move(stream), reply = std::move(reply)]() mutable {
        reply.give(archive_.pins(stream));
    });
}

void Keeper::pin(Pin pin, Reply<bool> reply) {
    begun_ = true;
    (void)disk_.run([this, pin = std::move(pin), reply = std::move(reply)]() mutable {
        const Result<> done = archive_.pin(std::move(pin));
        reply.give(done ? Result<bool>{true} : std::unexpected(done.error()));
    });
}

void Keeper::unpin(Pin pin, Reply<bool> reply) {
    (void)disk_.run([this, pin = std::move(pin), reply = std::move(reply)]() mutable {
        const Result<> done = archive_.unpin(pin);
        reply.give(done ? Result<bool>{true} : std::unexpected(done.error()));
    });
}

}   // namespace millrace::archive
