#include "control/archive_metrics.hpp"

namespace millrace::control {

namespace {

using enum Exposition::Type;

/// What went to the archive's bucket, and came from there.
void write_bucket(Exposition& out, const ArchiveFacts::Bucket& bucket) {
    out.family("archive_bucket_moved_files_total", counter, "Files that are in the bucket for sure.");
    out.sample({}, bucket.moved_files);
    out.family("archive_bucket_moved_bytes_total", counter, "Bytes of these files.");
    out.sample({}, bucket.moved_bytes);
    out.family("archive_bucket_waiting_files", gauge, "Files that are on this disk alone.");
    out.sample({}, bucket.waiting_files);
    out.family("archive_bucket_waiting_bytes", gauge, "Bytes of these files.");
    out.sample({}, bucket.waiting_bytes);
    out.family("archive_bucket_failures_total", counter,
               "Attempts of the bucket that have to be made again.");
    out.sample({}, bucket.failures);
    out.family("archive_bucket_reads_total", counter, "Fragments that were read from the bucket.");
    out.sample({}, bucket.reads);
    out.family("archive_bucket_read_failures_total", counter, "Fragments that could not be read from it.");
    out.sample({}, bucket.read_failures);
    out.family("archive_bucket_away", gauge, "1 while the bucket takes nothing.");
    out.sample({}, std::uint64_t{bucket.away ? 1U : 0U});
}

/// What the catalogue that several nodes share was told, and what it told.
void write_catalogue(Exposition& out, const ArchiveFacts::Catalogue& catalogue) {
    out.family("archive_catalogue_files_total", counter,
               "Files that the catalogue was told of, again while they grow.");
    out.sample({}, catalogue.files);
    out.family("archive_catalogue_failures_total", counter,
               "Attempts to tell it that have to be made again.");
    out.sample({}, catalogue.failures);
    out.family("archive_catalogue_asked_total", counter, "Questions for what other nodes have.");
    out.sample({}, catalogue.asked);
    out.family("archive_catalogue_unanswered_total", counter, "Those that it did not answer.");
    out.sample({}, catalogue.unanswered);
    out.family("archive_catalogue_away", gauge, "1 while the catalogue is told nothing.");
    out.sample({}, std::uint64_t{catalogue.away ? 1U : 0U});
}

}   // namespace

void write_archive(Exposition& out, const std::vector<hub::StreamReport>& streams,
                   const std::optional<ArchiveFacts>& archive) {
    if (archive) {
        out.family("archive_recorded_bytes_total", counter, "Bytes of media that are on the disk for sure.");
        out.sample({}, archive->bytes);
        out.family("archive_recorded_fragments_total", counter, "Fragments that were put into the index.");
        out.sample({}, archive->fragments);
        out.family("archive_failures_total", counter, "Files given up since the disk was full or failed.");
        out.sample({}, archive->failures);
        out.family("archive_gaps_total", counter, "Gaps that were written into the index, by their cause.");
        for (const auto& [cause, count] : archive->gaps) {
            out.sample({{"cause", cause}}, count);
        }
        out.family("archive_uplinked_fragments_total", counter, "Fragments that came by uplinks.");
        out.sample({}, archive->uplinked);
        out.family("archive_unsent_lost_files_total", counter, "Files gone before their server had them.");
        out.sample({}, archive->unsent_lost);
        out.family("archive_disk_free_bytes", gauge, "Room on the disk of the archive.");
        out.sample({}, archive->free_bytes);
        out.family("archive_sync_wait_seconds_max", gauge,
                   "The longest that anything written waited for its sync, since the start.");
        out.sample({}, static_cast<double>(archive->sync_us_max) / 1e6);
        out.family("archive_disk_full", gauge, "1 while less is free than the floor: nothing is recorded.");
        out.sample({}, std::uint64_t{archive->full ? 1U : 0U});
        out.family("archive_retention_held", gauge,
                   "1 while nothing is removed for its age, since the clock jumped.");
        out.sample({}, std::uint64_t{archive->clock_held ? 1U : 0U});
        if (archive->bucket) {
            write_bucket(out, *archive->bucket);
        }
        if (archive->catalogue) {
            write_catalogue(out, *archive->catalogue);
        }
    }
    const auto each = [&](const auto& value) {
        for (const hub::StreamReport& stream : streams) {
            if (stream.recording.on) {
                out.sample({{"stream", stream.name}}, value(stream.recording));
            }
        }
    };
    using Recording = hub::RecordingReport;
    out.family("stream_recording", gauge, "1 while a stream that is to be recorded is, 0 while it is not.");
    each([](const Recording& one) { return std::uint64_t{one.under_way ? 1U : 0U}; });
    out.family("stream_recorded_bytes_total", counter, "Bytes of media that are on the disk for sure.");
    each([](const Recording& one) { return one.bytes; });
    out.family("stream_recording_waiting_frames", gauge, "Frames that wait until the disk takes more.");
    each([](const Recording& one) { return one.waiting; });
    out.family("stream_unrecorded_frames_total", counter, "Frames that the disk was too slow for.");
    each([](const Recording& one) { return one.lost; });
}

}   // namespace millrace::control
