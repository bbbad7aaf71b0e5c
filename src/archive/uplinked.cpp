#include "archive/uplinked.hpp"

#include "archive/batch.hpp"
#include "archive/checksum.hpp"
#include "container/mp4_event.hpp"
#include "container/mp4_reader.hpp"

#include <algorithm>
#include <cstdlib>

namespace millrace::archive {

namespace {

constexpr std::int64_t ticks_max = std::int64_t{1} << 52U;
constexpr std::int64_t fragment_us_max = 120'000'000;   // by far: a group of pictures

Result<> read_media(mp4::Reader& reader, ByteSpan bytes) {
    for (;;) {
        const auto item = reader.next(bytes);
        if (!item) {
            return std::unexpected(item.error());
        }
        if (!*item) {
            return {};
        }
    }
}

/// What stands in lists and in names of objects has no sign that means something there.
bool is_plain(std::string_view text, std::string_view signs, std::size_t size_max) {
    return text.size() <= size_max && std::ranges::all_of(text, [signs](char one) {
               return (one >= '0' && one <= '9') || (one >= 'a' && one <= 'z') ||
                      (one >= 'A' && one <= 'Z') || signs.contains(one);
           });
}

Result<> check_words(const FileFacts& facts) {
    constexpr std::size_t run_size_max = 64;
    constexpr std::size_t codecs_size_max = 512;
    const bool known = facts.cause.empty() || std::ranges::find(cause::all, facts.cause) != cause::all.end();
    return !facts.run.empty() && is_plain(facts.run, "-", run_size_max) &&
                   is_plain(facts.codecs, ".,-_", codecs_size_max) && known
               ? Result<>{}
               : fail(Errc::malformed, "a file's run, codecs or cause that no archive has");
}

/// What is shown to people and programs is what it says to be: whole JSON objects.
Result<> check_results(ByteSpan chunk) {
    const auto results = mp4::read_events(chunk);
    if (!results) {
        return std::unexpected(results.error());
    }
    const bool sound = std::ranges::all_of(*results, [](const media::TimedMessage& one) {
        if (one.kind == media::TimedMessage::Kind::klv) {
            return true;
        }
        const Result<Bytes> line = media::one_line(as_text(one.body));
        return line && *line == one.body;
    });
    return sound ? Result<>{} : fail(Errc::malformed, "a result that is no JSON object");
}

bool is_sane(const RecordHead& head, const Fragment& fragment) {
    const bool times = std::abs(head.dts) < ticks_max && head.duration < ticks_max;
    return times && head.kind == RecordKind::chunk && head.fragment == fragment.number;
}

}   // namespace

Result<std::vector<RecordView>> read_records(ByteSpan records, std::uint64_t file) {
    std::vector<RecordView> views;
    while (!records.empty()) {
        const Result<RecordHead> head = read_head(records, file);
        if (!head) {
            return std::unexpected(head.error());
        }
        const ByteSpan rest = records.subspan(head_size);
        if (head->body_size > rest.size() || checksum(rest.first(head->body_size)) != head->body_sum) {
            return fail(Errc::malformed, "a record is not as it was written");
        }
        views.push_back({*head, rest.first(head->body_size)});
        records = rest.subspan(head->body_size);
    }
    return views;
}

Result<std::vector<RecordView>> check_uplinked(const UplinkedFragment& one) {
    const Fragment& fragment = one.fragment;
    if (one.records.size() > UplinkedFragment::size_max || fragment.duration_us > fragment_us_max) {
        return fail(Errc::exhausted, "a fragment is larger than an uplink carries");
    }
    if (const Result<> words = check_words(one.facts); !words) {
        return std::unexpected(words.error());
    }
    auto records = read_records(one.records.span(), one.file);
    if (!records) {
        return records;
    }
    mp4::Reader reader;
    Result<> media = read_media(reader, one.init.span());
    FragmentTally tally;
    std::uint64_t at = fragment.offset;
    for (const RecordView& record : *records) {
        const bool first = at == fragment.offset;
        if (!is_sane(record.head, fragment) || record.head.begins() != first) {
            return fail(Errc::malformed, "a record is not of the fragment that it came with");
        }
        (void)tally.add(record.head, at);
        at += head_size + record.body.size();
        media = media ? read_media(reader, record.body) : media;
        if (media && record.head.track == results_track) {
            media = check_results(record.body);
        }
    }
    media = media ? reader.finish() : media;
    if (!media) {
        return std::unexpected(media.error());
    }
    if (tally.finish() != fragment) {
        return fail(Errc::malformed, "a fragment is not what its index says");
    }
    return records;
}

}   // namespace millrace::archive
