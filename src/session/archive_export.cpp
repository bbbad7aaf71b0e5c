#include "session/archive_export.hpp"

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

constexpr Duration plan_deadline = 20s;
constexpr std::int64_t microseconds = 1'000'000;
constexpr std::int64_t microseconds_a_ms = 1'000;
/// Between two runs there is at least this, so that sound which goes on behind the last picture, or begins in
/// front of the first, overlaps with nothing.
constexpr std::int64_t seam_us_min = 500'000;
/// Changes of coding in one export.
constexpr std::size_t changes_max = 1'024;
/// How an export is made of what is recorded; another number for other bytes.
constexpr int form = 2;

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
    Sending(Desk& desk, archive::Keeper& keeper, ArchiveExport file, Part part)
        : desk_{desk}, keeper_{keeper}, file_{std::move(file)}, part_{part} {}

    Task<> run(std::unique_ptr<Connection> connection, std::vector<std::byte> head) {
        connection_ = std::move(connection);
        Result<> sent = co_await send(head);
        if (sent) {
            sent = co_await send(of_part(file_.init, 0));
        }
        std::uint64_t at = file_.init.size();
        for (const ArchiveExport::Piece& piece : file_.pieces) {
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
        keeper_.read_records(file_.stream, piece.file, piece.number, answer.reply());
        const Result<Bytes> read = co_await answer.within(desk_.executor.now() + read_deadline);
        if (!read || read->size() > piece.size) {
            co_return ends_early(read ? Error{Errc::malformed, "it was changed meanwhile"} : read.error());
        }
        std::size_t room = piece.size - read->size();
        const std::uint64_t end = at + piece.size;
        ByteSpan records = *read;
        while (!records.empty()) {
            std::vector<std::byte> out;
            const Result<> made = export_record(out, records, {file_, piece, std::exchange(room, 0)});
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
        log::warning("archive", "an export of {} ends early: {}", file_.stream, why.what);
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
    ArchiveExport file_;
    Part part_;
    std::unique_ptr<Connection> connection_;
};

Task<> deliver(std::unique_ptr<Sending> sending, std::unique_ptr<Connection> connection,
               std::vector<std::byte> head) {
    co_await sending->run(std::move(connection), std::move(head));
}

}   // namespace

std::uint64_t ArchiveExport::size() const {
    std::uint64_t sum = init.size();
    for (const Piece& piece : pieces) {
        sum += piece.size;
    }
    return sum;
}

std::string ArchiveExport::tag() const {
    const Piece& first = pieces.front();
    const Piece& last = pieces.back();
    return fmt::format("\"{}-{}-{}-{}-{:x}-{}\"", first.file, first.number, last.file, last.number, size(),
                       form);
}

std::vector<std::int64_t> export_shifts(const archive::Listing& listing, std::int64_t earliest_us) {
    std::vector<std::int64_t> shifts;
    shifts.reserve(listing.fragments.size());
    const archive::FoundFragment* before = nullptr;
    for (const archive::FoundFragment& one : listing.fragments) {
        const archive::Fragment& fragment = one.fragment;
        if (before == nullptr) {
            shifts.push_back(-earliest_us);
        } else if (before->run == one.run) {
            shifts.push_back(shifts.back());
        } else {
            const archive::Fragment& first = listing.fragments.front().fragment;
            const std::int64_t by_the_wall =
                fragment.utc.microseconds - first.utc.microseconds + first.media_us - earliest_us;
            const std::int64_t end = before->fragment.media_us + before->fragment.duration_us + shifts.back();
            const std::int64_t begin = by_the_wall >= end + seam_us_min ? by_the_wall : end + seam_us_min;
            shifts.push_back(begin - fragment.media_us);
        }
        before = &one;
    }
    return shifts;
}

Result<std::int64_t> earliest_time(ByteSpan records, std::uint64_t file) {
    std::optional<std::int64_t> earliest;
    while (!records.empty()) {
        const Result<Record> record = take_record(records, file);
        if (!record) {
            return std::unexpected(record.error());
        }
        const std::int64_t time = media::rescale(record->head.dts, record->head.timescale, microseconds);
        earliest = std::min(earliest.value_or(time), time);
    }
    return earliest.value_or(0);
}

Result<> export_record(std::vector<std::byte>& out, ByteSpan& records, const RecordPlace& to) {
    const auto& [file, piece, room] = to;
    const Result<Record> record = take_record(records, piece.file);
    if (!record) {
        return std::unexpected(record.error());
    }
    const std::size_t size = archive::head_size + record->chunk.size() + room;
    const auto place = file.movie.place(piece.coding, mp4::track_number(record->head.track));
    std::vector<std::byte> chunk;
    if (place) {
        const std::size_t sets_max =
            archive::head_size + room - mp4::box_header_size - mp4::moved_chunk_growth;
        const std::int64_t shift = media::rescale_nearest(piece.shift_us, microseconds, place->timescale);
        if (const Result<> moved = mp4::move_chunk(chunk, record->chunk, {*place, shift, sets_max}); !moved) {
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

Task<Result<ArchiveExport>> plan_export(Desk& desk, archive::Keeper& keeper, std::string stream,
                                        const archive::Listing& listing) {
    ArchiveExport plan{.stream = std::move(stream), .movie = {}, .init = {}, .pieces = {}};
    const Instant deadline = desk.executor.now() + plan_deadline;
    const archive::FoundFragment& first = listing.fragments.front();
    Answer<Bytes> asked{desk.executor};
    keeper.read_records(plan.stream, first.file, first.fragment.number, asked.reply());
    const Result<Bytes> records = co_await asked.within(deadline);
    const Result<std::int64_t> earliest =
        records ? earliest_time(*records, first.file) : std::unexpected(records.error());
    if (!earliest) {
        co_return std::unexpected(earliest.error());
    }
    const std::vector<std::int64_t> shifts = export_shifts(listing, *earliest);
    std::size_t coding = 0;
    std::size_t changes = 0;
    for (const archive::FoundFragment& one : listing.fragments) {
        if (plan.pieces.empty() || one.new_coding) {
            Answer<Bytes> answer{desk.executor};
            keeper.init(plan.stream, one.file, answer.reply());
            const Result<Bytes> init = co_await answer.within(deadline);
            const Result<std::size_t> added = init ? plan.movie.add(*init) : std::unexpected(init.error());
            if (!added || ++changes > changes_max) {
                co_return added ? fail(Errc::exhausted, "its coding changes more often than one file holds")
                                : std::unexpected(added.error());
            }
            coding = *added;
        }
        plan.pieces.push_back({.file = one.file,
                               .number = one.fragment.number,
                               .size = one.fragment.size,
                               .coding = coding,
                               .shift_us = shifts[plan.pieces.size()]});
    }
    for (ArchiveExport::Piece& piece : plan.pieces) {
        piece.size += plan.movie.sets_size_max();
    }
    const archive::Fragment& last = listing.fragments.back().fragment;
    plan.init = plan.movie.init((last.media_us + last.duration_us + shifts.back()) / microseconds_a_ms);
    co_return plan;
}

web::Response send_export(Desk& desk, archive::Keeper& keeper, const web::Request& request,
                          ArchiveExport file) {
    const std::uint64_t size = file.size();
    web::Response response{.headers = media_headers(request, desk.settings->origins)};
    response.headers.push_back({"Content-Type", "video/mp4"});
    response.headers.push_back({"Accept-Ranges", "bytes"});
    response.headers.push_back({"Cache-Control", "no-cache"});
    const std::string tag = file.tag();
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
