#pragma once

#include "base/answer.hpp"
#include "session/unit_pacer.hpp"

#include <map>
#include <memory>
#include <string>

namespace millrace::session {

/// What an uploaded file is, by its name's ending.
enum class UploadForm : std::uint8_t { ts, mp4, list };

/// A piece of a file that somebody uploads to a stream.
struct UploadPiece {
    std::string stream;
    Endpoint peer;
    hub::Identity who;
    UploadForm form = UploadForm::ts;
    std::uint64_t file = 0;   ///< by chance, the same for all its pieces
    Bytes bytes;
    bool begins = false;   ///< its first
    bool ends = false;     ///< its last
};

/// A stream that is published by uploads of HLS segments: reads them as they come, and lets their units out
/// at their own pace. Owned by its UploadDesk; its home worker only.
class UploadIntake {
public:
    static constexpr Duration silence_max = 30s;   ///< without a file the publisher is lost
    static constexpr Duration broken_after =
        3s;   ///< without a piece another file takes a file's place; before, it waits so long
    static constexpr Duration ahead_max = 20s;   ///< of the pace; beyond it an upload waits
    static constexpr std::size_t list_max = 64U << 10U;

    UploadIntake(Desk& desk, const UploadPiece& first);

    /// Errc::malformed, exists (another file is under way), and what Directory::publish says.
    Task<Result<>> take(UploadPiece piece);
    /// It said its end and all is out, or nothing came for too long, or it was ended. Then it goes.
    bool is_over(Instant now);

private:
    Task<Result<>> follow_files(const UploadPiece& piece);
    Result<> read(const UploadPiece& piece);
    Task<Result<>> let_out(std::size_t received);

    Desk& desk_;
    SourceLeash leash_;
    SourcePublisher publisher_;
    UnitPacer pacer_;
    std::unique_ptr<MediaReader> reader_;
    UploadForm form_ = UploadForm::list;   // of the reader
    ReadMedia media_;
    std::optional<std::uint64_t> file_;   // under way, but for lists
    std::string list_;
    Instant heard_at_;
    std::size_t busy_ = 0;              // pieces under way
    std::optional<Instant> ended_at_;   // by its list
};

/// The uploaded streams that are at home on one worker. Own thread only.
class UploadDesk {
public:
    static constexpr std::size_t streams_max = 1024;

    explicit UploadDesk(Desk& desk) : desk_{desk} {}
    UploadDesk(const UploadDesk&) = delete;
    UploadDesk& operator=(const UploadDesk&) = delete;

    Desk& desk() const { return desk_; }
    /// Answers once the piece was read, and there is room for the next.
    void take(UploadPiece piece, Reply<bool> reply);

private:
    Task<> run(UploadPiece piece, Reply<bool> reply);
    void review();

    Desk& desk_;
    std::map<std::string, std::unique_ptr<UploadIntake>> intakes_;
    Alarm<UploadDesk, &UploadDesk::review> second_{*this};
};

/// Which worker takes the uploads of a stream: the one that the first of them came to. It lives on `home`;
/// any thread may call it.
class Uploads {
public:
    static constexpr std::size_t streams_max = 10'000;

    explicit Uploads(Executor& home) : home_{home} {}
    Uploads(const Uploads&) = delete;
    Uploads& operator=(const Uploads&) = delete;

    /// `here` where the stream has no home yet. Errc::exhausted.
    void home_of(std::string stream, UploadDesk& here, Reply<UploadDesk*> reply);

private:
    Executor& home_;
    std::map<std::string, UploadDesk*> homes_;
};

}   // namespace millrace::session
