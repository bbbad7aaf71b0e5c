#include "archive/checksum.hpp"
#include "archive/chunk_file.hpp"
#include "container/mp4_box.hpp"

#include <algorithm>

// Files read again: after a crash, when they are checked, and to be played.

namespace millrace::archive {

namespace {

/// What is read at once to find a record behind a damaged place, or to sum a body.
constexpr std::size_t piece_size = 256U << 10U;
/// Of a file's first record.
constexpr std::size_t facts_size_max = 1U << 20U;

class Scanner {
public:
    Scanner(FolderFile& file, std::uint64_t id, Depth depth) : file_{file}, id_{id}, depth_{depth} {}

    Result<FileScan> run();

private:
    Result<std::vector<std::byte>> read(std::uint64_t offset, std::size_t size);
    /// The head at `offset`, if one is there whole.
    Result<std::optional<RecordHead>> head_at(std::uint64_t offset);
    Result<bool> body_is_whole(const RecordHead& head, std::uint64_t offset);
    /// Where the next record begins behind a damaged place, or the file's end.
    Result<std::uint64_t> next_record(std::uint64_t offset);
    Result<> take(const RecordHead& head, std::uint64_t offset);
    void harm(std::uint64_t offset);

    FolderFile& file_;
    std::uint64_t id_;
    Depth depth_;
    FileScan scan_;
    WallTime before_damage_;   // the last chunk that stands there; where none does, the first behind it
    FragmentTally tally_;
};

Result<std::vector<std::byte>> Scanner::read(std::uint64_t offset, std::size_t size) {
    std::vector<std::byte> bytes(std::min<std::uint64_t>(size, scan_.size - std::min(offset, scan_.size)));
    const Result<std::size_t> count = file_.read(offset, bytes);
    if (!count) {
        return std::unexpected(count.error());
    }
    bytes.resize(*count);
    return bytes;
}

Result<std::optional<RecordHead>> Scanner::head_at(std::uint64_t offset) {
    const auto bytes = read(offset, head_size);
    if (!bytes) {
        return std::unexpected(bytes.error());
    }
    const Result<RecordHead> head = read_head(*bytes, id_);
    const bool whole =
        head && head->number >= scan_.records && head->body_size <= scan_.size - offset - head_size;
    return whole ? std::optional{*head} : std::nullopt;
}

Result<bool> Scanner::body_is_whole(const RecordHead& head, std::uint64_t offset) {
    std::uint32_t sum = 0;
    for (std::uint64_t done = 0; done < head.body_size;) {
        const auto piece =
            read(offset + done,
                 std::min<std::size_t>(piece_size, static_cast<std::size_t>(head.body_size - done)));
        if (!piece) {
            return std::unexpected(piece.error());
        }
        if (piece->empty()) {
            return false;
        }
        sum = checksum(*piece, sum);
        done += piece->size();
    }
    return sum == head.body_sum;
}

Result<std::uint64_t> Scanner::next_record(std::uint64_t offset) {
    const auto id = std::as_bytes(std::span{record_id});
    constexpr std::size_t id_at = 8;
    while (offset < scan_.size) {
        const auto piece = read(offset, piece_size);
        if (!piece) {
            return std::unexpected(piece.error());
        }
        for (auto at = piece->begin();; ++at) {
            at = std::search(at, piece->end(), id.begin(), id.end());
            if (at == piece->end()) {
                break;
            }
            const auto place = static_cast<std::uint64_t>(at - piece->begin()) + offset;
            if (place < offset + id_at) {
                continue;
            }
            const auto head = head_at(place - id_at);
            if (!head || *head) {
                return head ? Result<std::uint64_t>{place - id_at} : std::unexpected(head.error());
            }
        }
        if (piece->size() < piece_size) {
            break;
        }
        offset += piece->size() - id.size() - id_at;
    }
    return scan_.size;
}

void Scanner::harm(std::uint64_t offset) {
    if (scan_.damaged++ == 0) {
        scan_.damaged_at = offset;
    }
    tally_.harm();
}

Result<> Scanner::take(const RecordHead& head, std::uint64_t offset) {
    if (head.kind == RecordKind::chunk) {
        scan_.uplinked = scan_.uplinked || (head.flags & RecordHead::uplinked) != 0;
        if (scan_.damaged == 0 || before_damage_ == WallTime{}) {
            before_damage_ = head.utc;
        }
        scan_.behind_damage_us = head.utc.microseconds - before_damage_.microseconds;
        if (std::optional<Fragment> done = tally_.add(head, offset)) {
            scan_.fragments.push_back(*done);
        }
        return {};
    }
    const auto body = read(offset + head_size, std::min<std::size_t>(head.body_size, facts_size_max));
    if (!body) {
        return std::unexpected(body.error());
    }
    if (head.kind == RecordKind::seal) {
        scan_.sealed = true;
        scan_.cause = read_seal(*body).value_or(std::string{});
        return {};
    }
    if (Result<ReadFacts> facts = read_facts(*body)) {
        scan_.facts = std::move(facts->facts);
        scan_.init_offset = offset + head_size + facts->init_offset;
        scan_.init_size = head.body_size - facts->init_offset;
    }
    return {};
}

Result<FileScan> Scanner::run() {
    const Result<std::uint64_t> size = file_.size();
    if (!size) {
        return std::unexpected(size.error());
    }
    scan_.size = *size;
    std::uint64_t offset = 0;
    while (offset < scan_.size && !scan_.sealed) {
        const auto head = head_at(offset);
        if (!head) {
            return std::unexpected(head.error());
        }
        if (!*head) {
            const Result<std::uint64_t> next = next_record(offset + 1);
            if (!next) {
                return std::unexpected(next.error());
            }
            if (*next < scan_.size) {
                harm(offset);
            }
            offset = *next;
            continue;
        }
        const std::uint64_t body = offset + head_size;
        // A file's own facts are always looked at.
        const bool look = depth_ == Depth::bodies || (*head)->kind != RecordKind::chunk;
        const Result<bool> whole = look ? body_is_whole(**head, body) : Result<bool>{true};
        if (!whole) {
            return std::unexpected(whole.error());
        }
        if (const Result<> taken = *whole ? take(**head, offset) : Result<>{}; !taken) {
            return std::unexpected(taken.error());
        }
        if (!*whole) {
            harm(offset);
        }
        scan_.records = (*head)->number + 1;
        offset = body + (*head)->body_size;
        scan_.end = offset;
    }
    if (std::optional<Fragment> last = tally_.finish()) {
        scan_.fragments.push_back(*last);
    }
    if (scan_.records == 0) {
        return fail(Errc::malformed, "a file without any record");
    }
    return std::move(scan_);
}

}   // namespace

Result<FileScan> scan(FolderFile& file, std::uint64_t id, Depth depth) {
    return Scanner{file, id, depth}.run();
}

namespace {

/// Behind the last fragment that nothing is missing in front of.
std::uint64_t whole_to(const FileScan& found) {
    std::uint64_t at = found.init_offset + found.init_size;
    for (const Fragment& fragment : found.fragments) {
        if (fragment.offset != at) {
            break;
        }
        at += fragment.size;
    }
    return at;
}

/// Whether a power cut may have left the damaged places: what is behind them is not known to be synced.
bool was_unsynced(const FileScan& found, std::optional<std::uint64_t> sure) {
    constexpr std::int64_t unsynced_us_max = 1'000'000;   // of recording
    return sure ? found.damaged_at >= *sure : found.behind_damage_us <= unsynced_us_max;
}

/// Whether no sync ever made sure of anything in a file under way: the first one makes sure of its first
/// record, which a power cut left unwritten while it kept some of what lies behind.
bool was_never_synced(const FileScan& found, std::optional<std::uint64_t> sure) {
    return !found.sealed && found.init_size == 0 && found.damaged > 0 &&
           (was_unsynced(found, sure) || (found.uplinked && !sure));
}

}   // namespace

Result<FileScan> recover(FolderFile& file, std::uint64_t id, const std::string& cause,
                         std::optional<std::uint64_t> sure) {
    Result<FileScan> found = scan(file, id, Depth::bodies);
    if (!found || (found->sealed && found->end == found->size)) {
        return found;
    }
    if (was_never_synced(*found, sure)) {
        return fail(Errc::malformed, "nothing of it was ever made sure of");
    }
    const std::uint64_t whole =
        std::max(found->uplinked ? whole_to(*found) : found->damaged_at, sure.value_or(0));
    const bool has_holes = found->uplinked || (found->damaged > 0 && was_unsynced(*found, sure));
    if (has_holes && !found->sealed && found->init_size > 0 && whole < found->end) {
        if (const Result<> cut = file.truncate(whole); !cut) {
            return std::unexpected(cut.error());
        }
        found = scan(file, id, Depth::bodies);
        if (!found) {
            return found;
        }
    }
    if (const Result<> cut = file.truncate(found->end); !cut) {
        return std::unexpected(cut.error());
    }
    if (!found->sealed) {
        const std::vector<std::byte> body = seal_body(cause);
        std::vector<std::byte> seal = head_bytes({.kind = RecordKind::seal,
                                                  .body_size = static_cast<std::uint32_t>(body.size()),
                                                  .body_sum = checksum(body),
                                                  .number = found->records},
                                                 id);
        seal.insert(seal.end(), body.begin(), body.end());
        if (const Result<> written = file.write(found->end, seal); !written) {
            return std::unexpected(written.error());
        }
        found->sealed = true;
        found->cause = cause;
        found->end += seal.size();
        ++found->records;
    }
    found->size = found->end;
    if (const Result<> synced = file.sync(); !synced) {
        return std::unexpected(synced.error());
    }
    return found;
}

namespace {

std::unexpected<Error> not_as_recorded() {
    return fail(Errc::malformed, "this fragment is not as it was recorded");
}

/// Reads of a fragment's records what a form is made of, one after the other, and no more of the rest than a
/// head.
class PartReader {
public:
    PartReader(FolderFile& file, std::uint64_t id, const Fragment& fragment)
        : file_{file}, id_{id}, at_{fragment.offset}, end_{fragment.offset + fragment.size} {}

    Result<Bytes> fronts() {
        while (at_ < end_) {
            if (const Result<> read = read_front(); !read) {
                return std::unexpected(read.error());
            }
        }
        return Bytes{std::move(out_)};
    }
    Result<Bytes> results() {
        while (at_ < end_) {
            if (const Result<> read = read_results(); !read) {
                return std::unexpected(read.error());
            }
        }
        return Bytes{std::move(out_)};
    }

private:
    /// The next so many bytes, at most up to the fragment's end.
    Result<std::vector<std::byte>> look(std::uint64_t size) {
        std::vector<std::byte> bytes(std::min(end_ - at_, size));
        const Result<std::size_t> count = file_.read(at_, bytes);
        if (!count) {
            return std::unexpected(count.error());
        }
        return *count == bytes.size() ? Result<std::vector<std::byte>>{std::move(bytes)} : not_as_recorded();
    }
    Result<RecordHead> head_of(ByteSpan bytes) const {
        const Result<RecordHead> head = read_head(bytes, id_);
        const bool whole =
            head && head->kind == RecordKind::chunk && head->body_size <= end_ - at_ - head_size;
        return whole ? head : not_as_recorded();
    }
    /// A second, longer look where the first does not reach the samples.
    Result<> read_front() {
        constexpr std::uint64_t first_look = 4096;
        constexpr std::uint64_t last_look = std::uint64_t{1} << 20U;
        for (const std::uint64_t size : {first_look, last_look}) {
            auto bytes = look(size);
            const Result<RecordHead> head = bytes ? head_of(*bytes) : std::unexpected(bytes.error());
            if (!head) {
                return std::unexpected(head.error());
            }
            const ByteSpan body = ByteSpan{*bytes}.subspan(head_size);
            const auto front =
                front_size(*head, body.first(std::min<std::size_t>(body.size(), head->body_size)));
            if (front) {
                bytes->resize(head_size + *front);
                out_.insert(out_.end(), bytes->begin(), bytes->end());
                at_ += head_size + head->body_size;
                return {};
            }
        }
        return not_as_recorded();
    }
    Result<> read_results() {
        const auto bytes = look(head_size);
        const Result<RecordHead> head = bytes ? head_of(*bytes) : std::unexpected(bytes.error());
        if (!head) {
            return std::unexpected(head.error());
        }
        at_ += head_size;
        if (head->track == results_track) {
            const auto body = look(head->body_size);
            if (!body || checksum(*body) != head->body_sum) {
                return body ? not_as_recorded() : std::unexpected(body.error());
            }
            out_.insert(out_.end(), body->begin(), body->end());
        }
        at_ += head->body_size;
        return {};
    }

    FolderFile& file_;
    std::uint64_t id_;
    std::uint64_t at_;
    std::uint64_t end_;
    std::vector<std::byte> out_;
};

/// How many bytes of a body stand in front of samples.
std::optional<std::size_t> size_to_samples(ByteSpan begin) {
    std::size_t at = 0;
    while (begin.size() - at >= mp4::box_header_size) {
        ByteReader reader{begin.subspan(at)};
        const std::size_t size = reader.u32();
        if (reader.u32() == mp4::four_cc("mdat")) {
            return at + mp4::box_header_size;
        }
        if (size < mp4::box_header_size || size > begin.size() - at) {
            return std::nullopt;
        }
        at += size;
    }
    return std::nullopt;
}

/// How many bytes of a whole record's body are of that form; nothing: the body has no samples where it must.
std::optional<std::size_t> body_part(const RecordHead& head, ByteSpan body, Form form) {
    switch (form) {
        case Form::heads: return front_size(head, body);
        case Form::results: return head.track == results_track ? body.size() : 0;
        case Form::chunks:
        case Form::records: break;
    }
    return body.size();
}

}   // namespace

std::optional<std::size_t> front_size(const RecordHead& head, ByteSpan begin) {
    if (head.track != results_track) {
        return size_to_samples(begin);
    }
    return head.body_size <= begin.size() ? std::optional<std::size_t>{head.body_size} : std::nullopt;
}

Result<Bytes> unpack_fragment(std::vector<std::byte> bytes, std::uint64_t id, Form form) {
    std::size_t kept = 0;
    std::size_t at = 0;
    while (at < bytes.size()) {
        const ByteSpan rest{bytes.data() + at, bytes.size() - at};
        const Result<RecordHead> head = read_head(rest, id);
        if (!head || head->kind != RecordKind::chunk || head->body_size > rest.size() - head_size ||
            checksum(rest.subspan(head_size, head->body_size)) != head->body_sum) {
            return not_as_recorded();
        }
        const ByteSpan body = rest.subspan(head_size, head->body_size);
        const std::optional<std::size_t> part = body_part(*head, body, form);
        if (!part) {
            return not_as_recorded();
        }
        const std::size_t skipped = form == Form::chunks || form == Form::results ? head_size : 0;
        const std::size_t size = head_size + *part - skipped;
        std::memmove(bytes.data() + kept, rest.data() + skipped, size);
        kept += size;
        at += head_size + head->body_size;
    }
    bytes.resize(kept);
    return Bytes{std::move(bytes)};
}

Result<Bytes> read_fragment(FolderFile& file, std::uint64_t id, const Fragment& fragment, Form form) {
    if (fragment.size > fragment_size_max) {
        return fail(Errc::exhausted, "a fragment is larger than is served");
    }
    if (form == Form::heads) {
        return PartReader{file, id, fragment}.fronts();
    }
    if (form == Form::results) {
        return PartReader{file, id, fragment}.results();
    }
    std::vector<std::byte> bytes(fragment.size);
    const Result<std::size_t> count = file.read(fragment.offset, bytes);
    if (!count) {
        return std::unexpected(count.error());
    }
    if (*count != fragment.size) {
        return not_as_recorded();
    }
    return unpack_fragment(std::move(bytes), id, form);
}

}   // namespace millrace::archive
