#include "session/archive_export.hpp"

#include "base/log.hpp"
#include "protocol/http/answer.hpp"
#include "session/media_answer.hpp"
#include "session/patient_write.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace millrace::session {

namespace {

constexpr Duration read_deadline = 30s;

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
        std::uint64_t at = file_.init.size();
        if (sent) {
            sent = co_await send(of_part(file_.init, 0));
        }
        for (const ArchiveExport::Piece& piece : file_.pieces) {
            const std::uint64_t begin = std::exchange(at, at + piece.size);
            if (!sent || begin >= part_.to) {
                break;
            }
            if (at <= part_.from) {
                continue;
            }
            Answer<Bytes> answer{desk_.executor};
            keeper_.read_records(file_.stream, piece.file, piece.number, answer.reply());
            const Result<Bytes> bytes = co_await answer.within(desk_.executor.now() + read_deadline);
            if (!bytes || bytes->size() != piece.size) {
                log::warning("archive", "an export of {} ends early: {}", file_.stream,
                             bytes ? "it was changed meanwhile" : bytes.error().what);
                break;
            }
            const Bytes wanted = of_part(*bytes, begin);
            sent = co_await send(wanted);
        }
        connection_->close();
    }

private:
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
    return fmt::format("\"{}-{}-{}-{}-{:x}\"", first.file, first.number, last.file, last.number, size());
}

ExportPlan plan_export(std::string stream, const archive::Listing& listing) {
    ExportPlan plan{.file = {.stream = std::move(stream), .init = {}, .pieces = {}}};
    for (const archive::FoundFragment& one : listing.fragments) {
        const archive::FoundFragment& first = listing.fragments.front();
        if (one.run != first.run || one.new_coding) {
            plan.whole = false;
            break;
        }
        plan.file.pieces.push_back({one.file, one.fragment.number, one.fragment.size});
    }
    return plan;
}

web::Response send_export(Desk& desk, archive::Keeper& keeper, const web::Request& request,
                          ArchiveExport file) {
    const std::uint64_t size = file.size();
    web::Response response{.headers = media_headers(request, desk.settings->origins)};
    response.headers.push_back({"Content-Type", "video/mp4"});
    response.headers.push_back({"Accept-Ranges", "bytes"});
    response.headers.push_back({"Cache-Control", "no-cache"});
    response.headers.push_back({"ETag", file.tag()});
    const std::string_view condition = request.header("if-range").value_or(file.tag());
    const std::optional<Part> range =
        condition == file.tag() ? read_range(request.header("range").value_or(""), size) : std::nullopt;
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
