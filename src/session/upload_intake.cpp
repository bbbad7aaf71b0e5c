#include "session/upload_intake.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

constexpr std::string_view protocol = "upload";
constexpr Duration review_every = 1s;
constexpr Duration room_pause = 100ms;
constexpr Duration turn_pause = 10ms;
constexpr Duration overtaken_max = 1s;   // of the last segment's begin, by the list that ends
constexpr std::string_view end_of_list = "#EXT-X-ENDLIST";

/// ISO/IEC 14496-12 §4.3: the file type is an initialisation's first box; segments begin with others.
bool is_init(ByteSpan bytes) {
    return bytes.size() >= 8 && as_text(bytes.subspan(4, 4)) == "ftyp";
}

}   // namespace

UploadIntake::UploadIntake(Desk& desk, const UploadPiece& first)
    : desk_{desk},
      publisher_{desk, leash_, protocol, first.stream},
      pacer_{desk, publisher_},
      heard_at_{desk.executor.now()} {
    publisher_.came_from(first.peer, first.who);
}

/// One file after the other: pieces of two would be one to the reader. A publisher that waits for no answers
/// begins a file before the last piece of the one before it is here.
Task<Result<>> UploadIntake::follow_files(const UploadPiece& piece) {
    if (piece.form == UploadForm::list) {
        co_return Result<>{};
    }
    const Instant begun = desk_.executor.now();
    const auto taken = [this, &piece] {
        return file_ && *file_ != piece.file && desk_.executor.now() - heard_at_ < broken_after;
    };
    while (piece.begins && taken()) {
        if (desk_.executor.now() - begun >= broken_after) {
            co_return fail(Errc::exists, "another file of this stream is under way");
        }
        co_await pause_for(desk_, turn_pause, leash_);
    }
    if (!piece.begins && file_ != piece.file) {
        co_return fail(Errc::cancelled, "another file took this one's place");
    }
    file_ = piece.ends ? std::nullopt : std::optional{piece.file};
    co_return Result<>{};
}

Result<> UploadIntake::read(const UploadPiece& piece) {
    if (piece.form == UploadForm::list) {
        list_ = piece.begins ? std::string{} : std::move(list_);
        if (list_.size() + piece.bytes.size() > list_max) {
            return fail(Errc::exhausted, "the list is too large");
        }
        list_ += as_text(piece.bytes);
        const bool ends = piece.ends && list_.find(end_of_list) != std::string::npos;
        ended_at_ = ends ? std::optional{heard_at_} : std::nullopt;
        return {};
    }
    const bool anew = piece.begins && piece.form == UploadForm::mp4 && is_init(piece.bytes);
    if (reader_ == nullptr || form_ != piece.form || anew) {
        reader_ = piece.form == UploadForm::ts ? read_ts() : read_mp4();
        form_ = piece.form;
    }
    if (piece.begins && ended_at_ && heard_at_ - *ended_at_ >= overtaken_max) {
        ended_at_.reset();   // it goes on after all
    }
    const Result<> read = reader_->read(piece.bytes, media_);
    if (!read) {
        reader_.reset();   // the next file may be better
    } else if (piece.ends) {
        reader_->end(media_);
    }
    return read;
}

Task<Result<>> UploadIntake::take(UploadPiece piece) {
    if (publisher_.is_over()) {
        co_return fail(Errc::cancelled, "this publication was ended");
    }
    ++busy_;
    Result<> taken = co_await follow_files(piece);
    if (taken) {
        heard_at_ = desk_.executor.now();
        taken = read(piece);
    }
    if (taken) {
        taken = co_await let_out(piece.bytes.size());
    }
    --busy_;
    co_return taken;
}

/// Hands what was read to the pacer, and waits while that has enough.
Task<Result<>> UploadIntake::let_out(std::size_t received) {
    const Result<> published = co_await publish_paced(publisher_, pacer_, media_, received);
    if (!published) {
        co_return published;
    }
    while ((pacer_.ahead() > ahead_max || pacer_.full()) && !publisher_.is_over()) {
        co_await pause_for(desk_, room_pause, leash_);
    }
    co_return Result<>{};
}

bool UploadIntake::is_over(Instant now) {
    if (busy_ > 0) {
        return false;
    }
    if (publisher_.is_over()) {
        return true;
    }
    if (ended_at_ && now - *ended_at_ >= overtaken_max && !file_ && pacer_.empty()) {
        publisher_.finish(true);
        return true;
    }
    return now - heard_at_ > silence_max && pacer_.empty();
}

void UploadDesk::take(UploadPiece piece, Reply<bool> reply) {
    desk_.executor.tasks().spawn(run(std::move(piece), std::move(reply)));
}

Task<> UploadDesk::run(UploadPiece piece, Reply<bool> reply) {
    auto found = intakes_.find(piece.stream);
    if (found == intakes_.end() && intakes_.size() >= streams_max) {
        reply.give(fail(Errc::exhausted, "too many streams are uploaded here already"));
        co_return;
    }
    if (found == intakes_.end()) {
        found = intakes_.emplace(piece.stream, std::make_unique<UploadIntake>(desk_, piece)).first;
        desk_.executor.timers().arm(second_, desk_.executor.now() + review_every);
    }
    const Result<> taken = co_await found->second->take(std::move(piece));
    reply.give(taken ? Result<bool>{true} : std::unexpected(taken.error()));
}

void UploadDesk::review() {
    const Instant now = desk_.executor.now();
    std::erase_if(intakes_, [now](auto& one) { return one.second->is_over(now); });
    if (!intakes_.empty()) {
        desk_.executor.timers().arm(second_, now + review_every);
    }
}

void Uploads::home_of(std::string stream, UploadDesk& here, Reply<UploadDesk*> reply) {
    home_.post([this, stream = std::move(stream), here = &here, reply = std::move(reply)]() mutable {
        const auto known = homes_.find(stream);
        if (known == homes_.end() && homes_.size() >= streams_max) {
            reply.give(fail(Errc::exhausted, "too many streams are uploaded here already"));
            return;
        }
        reply.give(homes_.try_emplace(std::move(stream), here).first->second);
    });
}

}   // namespace millrace::session
