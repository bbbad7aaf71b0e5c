#include "session/stream_pull.hpp"

#include "session/unit_pacer.hpp"

namespace millrace::session {

namespace {

/// How much of a file is read ahead of what was let out.
constexpr Duration read_ahead = 1s;

/// One pull from its first answer to its end.
class Pull {
public:
    Pull(HttpPull& pull, std::unique_ptr<MediaReader> reader)
        : pull_{pull},
          desk_{pull.desk},
          reader_{std::move(reader)},
          publisher_{pull.desk, pull.leash, "http", pull.stream},
          pacer_{pull.desk, publisher_},
          is_file_{pull.head.header("Content-Length").has_value()},
          newest_{pull.desk.executor.now()} {
        pull.fetch.work_for(publisher_);
    }

    Task<SourceEnding> run();

private:
    Task<Result<>> converse();
    Task<Result<>> take(const BodyPieces& pieces);
    Task<Result<>> pace();
    /// The server's publisher said its end, and the answer goes on.
    bool unpublished() const { return !is_file_ && media_.ended; }

    HttpPull& pull_;
    Desk& desk_;
    std::unique_ptr<MediaReader> reader_;
    SourcePublisher publisher_;
    UnitPacer pacer_;
    ReadMedia media_;
    bool is_file_;
    bool finished_ = false;
    Instant newest_;   // unit, or the begin
};

/// Sends the units that were read through the pacer, and waits until it wants more.
Task<Result<>> Pull::pace() {
    const Result<> published = co_await publish_paced(publisher_, pacer_, media_, 0);
    if (!published) {
        co_return published;
    }
    while ((pacer_.ahead() > read_ahead || pacer_.full()) && !publisher_.is_over()) {
        co_await pause_for(desk_, std::max(pacer_.ahead() - read_ahead, Duration{1ms}), pull_.leash);
    }
    co_return Result<>{};
}

Task<Result<>> Pull::take(const BodyPieces& pieces) {
    std::size_t received = 0;
    for (const Bytes& piece : pieces.bytes) {
        received += piece.size();
        const Result<> read = reader_->read(piece, media_);
        if (!read) {
            co_return read;
        }
    }
    if (pieces.ended) {
        reader_->end(media_);
    }
    const bool brought = !media_.items.empty();
    const Result<> taken = is_file_ ? co_await pace() : co_await publish(publisher_, media_, received);
    newest_ = brought ? desk_.executor.now() : newest_;
    co_return taken;
}

Task<Result<>> Pull::converse() {
    for (;;) {
        const Result<BodyPieces> pieces = co_await pull_.fetch.next();
        if (!pieces) {
            co_return std::unexpected(pieces.error());
        }
        const Result<> taken = co_await take(*pieces);
        if (!taken) {
            co_return taken;
        }
        if (publisher_.is_over()) {
            co_return fail(Errc::cancelled, "the source was stopped");
        }
        while (pieces->ended && !pacer_.empty() && !publisher_.is_over()) {
            co_await pause_for(desk_, pacer_.ahead() + 1ms, pull_.leash);
        }
        finished_ = pieces->ended && is_file_;
        if (pieces->ended || unpublished()) {
            co_return fail(Errc::closed, "the server ended the stream");
        }
        if (desk_.executor.now() >= newest_ + pull_patience) {
            co_return fail(Errc::timed_out, "nothing whole came for too long");
        }
    }
}

Task<SourceEnding> Pull::run() {
    const Result<> ended = co_await converse();
    publisher_.finish(finished_ || unpublished());
    co_return SourceEnding{.error = ended.error(), .words = {}, .finished = finished_};
}

}   // namespace

Task<SourceEnding> stream_pull(HttpPull& pull, std::unique_ptr<MediaReader> reader) {
    Pull one{pull, std::move(reader)};
    co_return co_await one.run();
}

}   // namespace millrace::session
