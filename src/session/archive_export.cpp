#include "session/archive_export.hpp"

#include "archive/checksum.hpp"
#include "archive/record.hpp"
#include "base/log.hpp"
#include "container/mp4_box.hpp"
#include "media/time.hpp"
#include "protocol/http/answer.hpp"
#include "session/media_answer.hpp"
#include "session/patient_write.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace millrace::session {

namespace {

constexpr Duration read_deadline = 30s;

constexpr std::int64_t microseconds = 1'000'000;
/// How an export is made of what is recorded; another number for other bytes.
constexpr int form = 3;

/// A record of a fragment.
struct Record {
    archive::RecordHead head;
    ByteSpan chunk;
};

Result<Record> take_record(ByteSpan& records, std::uint64_t file) {
    const Result<archive::RecordHead> head = archive::read_head(records, file);
    if (!head || head->body_size > records.size() - archive::head_size || head->timescale == 0) {
        return fail(Errc::malformed, "this fragment is not as it was recorded");
    }
    const ByteSpan chunk = records.subspan(archive::head_size, head->body_size);
    records = records.subspan(archive::head_size + chunk.size());
    return Record{*head, chunk};
}

/// A part of the file, [from, to).
struct Part {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
};

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = !text.empty() && error == std::errc{} && end == text.data() + text.size();
    return whole ? std::optional{value} : std::nullopt;
}

/// RFC 9110 §14.1.2: one range of bytes; nothing for what is not, which is then ignored (§14.2).
std::optional<Part> read_range(std::string_view text, std::uint64_t size) {
    constexpr std::string_view unit = "bytes=";
    const std::size_t dash = text.find('-');
    if (!text.starts_with(unit) || dash == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view first = text.substr(unit.size(), dash - unit.size());
    const std::string_view last = text.substr(dash + 1);
    const auto from = number(first);
    const auto to = number(last);
    if (first.empty() && to) {
        return Part{size - std::min(size, *to), size};
    }
    if (!from || (!to && !last.empty()) || (to && *to < *from)) {
        return std::nullopt;
    }
    return Part{*from, to ? std::min(size, *to + 1) : size};
}

/// One client, from the head of the answer to the last byte.
class Sending {
public:
    Sending(Desk& desk, archive::Keeper& keeper, std::shared_ptr<const ArchiveExport> file, Part part)
        : desk_{desk}, keeper_{keeper}, file_{std::move(file)}, part_{part} {}

    Task<> run(std::unique_ptr<Connection> connection, std::vector<std::byte> head) {
        connection_ = std::move(connection);
        Result<> sent = co_await send(head);
        std::uint64_t at = 0;
        for (const Bytes& piece : file_->head) {
            const Bytes wanted = of_part(piece, std::exchange(at, at + piece.size()));
            sent = sent && !wanted.empty() ? co_await send(wanted) : sent;
        }
        for (const ArchiveExport::Piece& piece : file_->pieces) {
            const std::uint64_t begin = std::exchange(at, at + piece.size);
            if (!sent || begin >= part_.to) {
                break;
            }
            if (at > part_.from) {
                sent = co_await send_piece(piece, begin);
            }
        }
        connection_->close();
    }

private:
    /// A fragment, which begins at `at` in the file, record by record.
    Task<Result<>> send_piece(const ArchiveExport::Piece& piece, std::uint64_t at) {
        Answer<Bytes> answer{desk_.executor};
        keeper_.read_records(file_->stream, piece.file, piece.number, answer.reply());
        const Result<Bytes> read = co_await answer.within(desk_.executor.now() + read_deadline);
        if (!read) {
            co_return ends_early(read.error());
        }
        std::size_t room = piece.room;
        const std::uint64_t end = at + piece.size;
        ByteSpan records = *read;
        while (!records.empty()) {
            std::vector<std::byte> out;
            const Result<> made = export_record(out, records, {*file_, piece, std::exchange(room, 0)});
            if (!made || out.size() > end - at) {
                co_return ends_early(made ? Error{Errc::malformed, "it was changed meanwhile"}
                                          : made.error());
            }
            const Bytes bytes{std::move(out)};
            const Bytes wanted = of_part(bytes, std::exchange(at, at + bytes.size()));
            const Result<> sent = co_await send(wanted);
            if (!sent) {
                co_return sent;
            }
        }
        co_return at == end ? Result<>{} : ends_early({Errc::malformed, "it was changed meanwhile"});
    }

    Result<> ends_early(const Error& why) const {
        log::warning("archive", "an export of {} ends early: {}", file_->stream, why.what);
        return std::unexpected(why);
    }

    /// What of `bytes`, which begin at `at` in the file, lies in the part.
    Bytes of_part(const Bytes& bytes, std::uint64_t at) const {
        const std::uint64_t from = std::clamp(part_.from, at, at + bytes.size());
        const std::uint64_t to = std::clamp(part_.to, from, at + bytes.size());
        return bytes.slice(from - at, to - from);
    }

    Task<Result<>> send(ByteSpan bytes) { return patient_write(*connection_, desk_.executor, bytes); }

    Desk& desk_;
    archive::Keeper& keeper_;
    std::shared_ptr<const ArchiveExport> file_;
    Part part_;
    std::unique_ptr<Connection> connection_;
};

Task<> deliver(std::unique_ptr<Sending> sending, std::unique_ptr<Connection> connection,
               std::vector<std::byte> head) {
    co_await sending->run(std::move(connection), std::move(head));
}

}   // namespace

std::uint64_t ArchiveExport::size() const {
    std::uint64_t sum = 0;
    for (const Bytes& piece : head) {
        sum += piece.size();
    }
    for (const Piece& piece : pieces) {
        sum += piece.size;
    }
    return sum;
}

std::string ArchiveExport::tag() const {
    std::uint32_t sum = 0;
    for (const Bytes& piece : head) {
        sum = archive::checksum(piece, sum);
    }
    return fmt::format("\"{}-{}-{:x}-{:x}-{}\"", pieces.front().file, pieces.front().number, size(), sum,
                       form);
}

std::int64_t exported_at(const archive::RecordHead& head, const ArchiveExport::Piece& piece) {
    return media::rescale(head.dts, head.timescale, microseconds) + piece.shift_us;
}

mp4::ChunkMove export_move(const mp4::ChunkPlace& place, const ArchiveExport::Piece& piece,
                           std::size_t room) {
    return {.place = place,
            .shift = media::rescale_nearest(piece.shift_us, microseconds, place.timescale),
            .sets_max = archive::head_size + room - mp4::box_header_size - mp4::moved_chunk_growth};
}

Result<> export_record(std::vector<std::byte>& out, ByteSpan& records, const RecordPlace& to) {
    const auto& [file, piece, room] = to;
    const Result<Record> record = take_record(records, piece.file);
    if (!record) {
        return std::unexpected(record.error());
    }
    if (exported_at(record->head, piece) >= file.end_us) {
        return {};
    }
    const std::size_t size = archive::head_size + record->chunk.size() + room;
    const auto place = file.movie.place(piece.coding, mp4::track_number(record->head.track));
    std::vector<std::byte> chunk;
    if (place) {
        const mp4::ChunkMove move = export_move(*place, piece, room);
        if (const Result<> moved = mp4::move_chunk(chunk, record->chunk, move); !moved) {
            return moved;
        }
    }
    if (chunk.size() + mp4::box_header_size > size) {
        return fail(Errc::malformed, "this fragment is not as it was recorded");
    }
    const std::size_t begin = out.size();
    {
        const mp4::OpenBox free{out, mp4::four_cc("free")};
        out.resize(begin + size - chunk.size());
    }
    out.insert(out.end(), chunk.begin(), chunk.end());
    return {};
}

web::Response send_export(Desk& desk, archive::Keeper& keeper, const web::Request& request,
                          std::shared_ptr<const ArchiveExport> file) {
    const std::uint64_t size = file->size();
    web::Response response{.headers = media_headers(request, desk.settings->origins)};
    response.headers.push_back({"Content-Type", "video/mp4"});
    response.headers.push_back({"Accept-Ranges", "bytes"});
    response.headers.push_back({"Cache-Control", "no-cache"});
    const std::string tag = file->tag();
    response.headers.push_back({"ETag", tag});
    const bool same = request.header("if-range").value_or(tag) == tag;
    const std::optional<Part> range =
        same ? read_range(request.header("range").value_or(""), size) : std::nullopt;
    const Part part = range.value_or(Part{0, size});
    if (part.from >= part.to) {
        response.status = 416;
        response.headers.push_back({"Content-Range", fmt::format("bytes */{}", size)});
        return response;
    }
    if (range) {
        response.status = 206;
        response.headers.push_back(
            {"Content-Range", fmt::format("bytes {}-{}/{}", part.from, part.to - 1, size)});
    }
    const std::string length = fmt::format("Content-Length: {}\r\n\r\n", part.to - part.from);
    std::vector<std::byte> head = http::streaming_head(response.status, response.headers);
    head.resize(head.size() - 2);   // the empty line, which stands behind the length
    head.insert(head.end(), as_bytes(length).begin(), as_bytes(length).end());
    response.takeover = [sending = std::make_unique<Sending>(desk, keeper, std::move(file), part),
                         head = std::move(head)](std::unique_ptr<Connection> connection,
                                                 std::vector<std::byte> /*read_ahead*/) mutable {
        return deliver(std::move(sending), std::move(connection), std::move(head));
    };
    return response;
}

}   // namespace millrace::session
