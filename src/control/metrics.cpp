#include "control/metrics.hpp"

#include "control/archive_metrics.hpp"
#include "control/report_json.hpp"

#include <algorithm>
#include <array>

namespace millrace::control {

namespace {

using enum Exposition::Type;
using Streams = std::vector<hub::StreamReport>;

void write_node(Exposition& out, const Overview& overview, const NodeFacts& facts) {
    out.family("build_info", gauge, "The version that runs; always 1.");
    out.sample({{"version", facts.version}}, std::uint64_t{1});
    out.family("ready", gauge, "1 when this node takes publishers and viewers.");
    out.sample({}, std::uint64_t{facts.ready ? 1U : 0U});
    out.family("worker_load_ratio", gauge, "Share of the last second that a worker was busy.");
    for (const WorkerReport& worker : overview.workers) {
        out.sample({{"worker", fmt::format("{}", worker.worker)}}, worker.load);
    }
    if (!facts.process) {
        return;
    }
    out.family("process_resident_memory_bytes", gauge, "Memory that this process holds.");
    out.sample({}, facts.process->resident_bytes);
    out.family("process_open_fds", gauge, "Descriptors that are open.");
    out.sample({}, facts.process->descriptors);
    out.family("process_max_fds", gauge, "Descriptors that may be open.");
    out.sample({}, facts.process->descriptors_max);
    out.family("process_threads", gauge, "Threads of this process.");
    out.sample({}, facts.process->threads);
    out.family("process_cpu_seconds_total", counter, "Processor time that this process has used.");
    out.sample({}, facts.process->cpu_seconds);
    out.family("connections_turned_away_total", counter,
               "Connections closed at once, since too many of their address had shown no right to anything.");
    out.sample({}, facts.process->turned_away);
    out.family("datagrams_strange_total", counter,
               "Datagrams at the UDP ports of RTSP from nobody whom a session listens to.");
    out.sample({}, facts.process->strange_datagrams);
}

void write_doors(Exposition& out, const Overview& overview) {
    std::map<std::pair<std::string_view, Errc>, std::uint64_t> refusals;
    std::array<std::uint64_t, 5> answers{};
    for (const WorkerReport& worker : overview.workers) {
        for (const hub::TallyRow& row : worker.refusals) {
            refusals[{row.protocol, row.reason}] += row.count;
        }
        for (std::size_t i = 0; i < answers.size(); ++i) {
            answers[i] += worker.answers[i];
        }
    }
    out.family("refusals_total", counter, "Conversations that were refused or broke.");
    for (const auto& [key, count] : refusals) {
        out.sample({{"protocol", key.first}, {"reason", name(key.second)}}, count);
    }
    out.family("http_responses_total", counter, "Answers of HTTP by the class of their status.");
    for (std::size_t i = 0; i < answers.size(); ++i) {
        out.sample({{"class", fmt::format("{}xx", i + 1)}}, answers[i]);
    }
}

void write_sessions(Exposition& out, const Overview& overview) {
    std::map<std::pair<std::string_view, std::string_view>, std::uint64_t> counts;
    std::map<std::string_view, hub::Flow> sent;
    for (const WorkerReport& worker : overview.workers) {
        for (const auto& [protocol, flow] : worker.departed) {
            sent[protocol].bytes += flow.bytes;
            sent[protocol].skips += flow.skips;
        }
        for (const hub::SessionReport& session : worker.sessions) {
            ++counts[{hub::name(session.facts.kind), session.facts.protocol}];
            if (session.facts.kind == hub::SessionKind::viewer) {
                sent[session.facts.protocol].bytes += session.bytes_out;
                sent[session.facts.protocol].skips += session.skips;
            }
        }
    }
    out.family("sessions", gauge, "Conversations that go on.");
    for (const auto& [key, count] : counts) {
        out.sample({{"kind", key.first}, {"protocol", key.second}}, count);
    }
    out.family("sent_bytes_total", counter, "Bytes that viewers were sent.");
    for (const auto& [protocol, flow] : sent) {
        out.sample({{"protocol", protocol}}, flow.bytes);
    }
    out.family("viewer_skips_total", counter, "Times that a viewer's link fell behind and it was moved on.");
    for (const auto& [protocol, flow] : sent) {
        out.sample({{"protocol", protocol}}, flow.skips);
    }
}

/// Of all destinations of a stream.
void write_forwards(Exposition& out, const Overview& overview) {
    std::map<std::string_view, std::pair<std::uint64_t, std::uint64_t>> frames;   // sent, skipped
    for (const WorkerReport& worker : overview.workers) {
        for (const hub::ForwardReport& forward : worker.forwards) {
            if (forward.frames_sent) {
                auto& [sent, skipped] = frames[forward.stream];
                sent += *forward.frames_sent;
                skipped += forward.frames_skipped;
            }
        }
    }
    out.family("forward_sent_frames_total", counter, "Pictures that destinations were sent.");
    for (const auto& [stream, count] : frames) {
        out.sample({{"stream", stream}}, count.first);
    }
    out.family("forward_skipped_frames_total", counter,
               "Pictures left out, the destination's link too slow.");
    for (const auto& [stream, count] : frames) {
        out.sample({{"stream", stream}}, count.second);
    }
}

/// The links of one kind that a stream has, as far as they are there.
struct Links {
    LinkReport worst;   // each of its numbers is the worst of them
    std::uint64_t overtaken = 0;
    std::uint64_t timer = 0;
    std::uint64_t copies = 0;
    std::uint64_t queued = 0;

    void add(const LinkReport& one) {
        worst.round_trip = std::max(worst.round_trip, one.round_trip);
        worst.loss = std::max(worst.loss, one.loss);
        worst.parity = std::max(worst.parity, one.parity);
        const bool paced = one.rate > 0 && (worst.rate <= 0 || one.rate < worst.rate);
        worst.rate = paced ? one.rate : worst.rate;
        overtaken += one.resends_by_gap;
        timer += one.resends_by_timer;
        copies += one.further_copies;
        queued += one.queued;
    }
};
using LinksByKind = std::map<std::pair<std::string_view, std::string_view>, Links>;

LinksByKind links_of(const Overview& overview) {
    LinksByKind links;
    for (const WorkerReport& worker : overview.workers) {
        for (const hub::SessionReport& session : worker.sessions) {
            const bool pushed = session.facts.protocol == "kcp-push";   // a destination, see below
            if (session.link && !pushed) {
                links[{session.facts.stream, hub::name(session.facts.kind)}].add(*session.link);
            }
        }
        for (const hub::ForwardReport& forward : worker.forwards) {
            if (forward.link) {
                links[{forward.stream, "forward"}].add(*forward.link);
            }
        }
    }
    return links;
}

/// Of the links that are there now: they take their counts along when they go, so all of these are gauges.
void write_links(Exposition& out, const Overview& overview) {
    const LinksByKind links = links_of(overview);
    const auto each = [&](std::string_view name, std::string_view help, auto value) {
        out.family(name, gauge, help);
        for (const auto& [key, link] : links) {
            out.sample({{"stream", key.first}, {"kind", key.second}}, value(link));
        }
    };
    each("link_round_trip_seconds", "Round trip of secure links; the longest of a stream's.",
         [](const Links& one) { return std::chrono::duration<double>{one.worst.round_trip}.count(); });
    each("link_loss_ratio", "Share of our datagrams that were lost of late; the largest of a stream's.",
         [](const Links& one) { return one.worst.loss; });
    each("link_parity_ratio", "Share of parity that is sent along; the largest of a stream's.",
         [](const Links& one) { return one.worst.parity; });
    each("link_pacing_bits_per_second", "Rate that the path has shown; the least of a stream's, 0: no limit.",
         [](const Links& one) { return one.worst.rate; });
    each("link_queue_bytes", "Bytes that have not left yet.", [](const Links& one) { return one.queued; });
    out.family("link_resends", gauge, "Segments that links which are there have sent again, by cause.");
    for (const auto& [key, link] : links) {
        const auto say = [&](std::string_view cause, std::uint64_t count) {
            out.sample({{"stream", key.first}, {"kind", key.second}, {"cause", cause}}, count);
        };
        say("overtaken", link.overtaken);
        say("timer", link.timer);
        say("copy", link.copies);
    }
}

/// One number of each stream.
template <class Value>
void write_each(Exposition& out, const Streams& streams, Value value) {
    for (const hub::StreamReport& stream : streams) {
        out.sample({{"stream", stream.name}}, value(stream));
    }
}

/// Of streams that this node captures itself.
void write_cameras(Exposition& out, const Streams& streams) {
    const auto each = [&](const auto& write) {
        for (const hub::StreamReport& stream : streams) {
            if (stream.camera) {
                write(stream.name, *stream.camera);
            }
        }
    };
    out.family("camera_captured_frames_total", counter, "Pictures that a source of our own captured.");
    each([&](const std::string& name, const hub::CameraReport& camera) {
        out.sample({{"stream", name}}, camera.captured);
    });
    out.family("camera_encoded_frames_total", counter, "Of them, those that came out coded.");
    each([&](const std::string& name, const hub::CameraReport& camera) {
        out.sample({{"stream", name}}, camera.encoded);
    });
    out.family("camera_dropped_frames_total", counter, "Of them, those that were left out, by cause.");
    each([&](const std::string& name, const hub::CameraReport& camera) {
        out.sample({{"stream", name}, {"cause", "encoder_busy"}}, camera.dropped_slow);
        out.sample({{"stream", name}, {"cause", "link_slow"}}, camera.dropped_asked);
        out.sample({{"stream", name}, {"cause", "broken"}}, camera.broken);
    });
    out.family("camera_queue_length", gauge, "Pictures for the encoder and coded units for the node.");
    each([&](const std::string& name, const hub::CameraReport& camera) {
        out.sample({{"stream", name}, {"queue", "pictures"}}, std::uint64_t{camera.pictures_waiting});
        out.sample({{"stream", name}, {"queue", "units"}}, std::uint64_t{camera.units_waiting});
    });
}

void write_counters(Exposition& out, const Streams& streams) {
    using Report = hub::StreamReport;
    out.family("stream_received_bytes_total", counter, "Bytes of media from the publisher.");
    write_each(out, streams, [](const Report& one) { return one.bytes_in; });
    out.family("stream_dropped_frames_total", counter,
               "Frames that came and were not passed on: before the first key frame, or unusable.");
    write_each(out, streams, [](const Report& one) { return one.units_dropped; });
    out.family("stream_lost_frames_total", counter, "Frames that came broken or unreadable.");
    write_each(out, streams, [](const Report& one) { return one.units_unusable; });
    out.family("stream_lost_packets_total", counter, "Packets of the publisher that never came.");
    write_each(out, streams, [](const Report& one) { return one.packets_lost; });
    out.family("stream_late_packets_total", counter, "Packets of the publisher that came too late.");
    write_each(out, streams, [](const Report& one) { return one.packets_late; });
    out.family("stream_chunks_total", counter,
               "Chunks whose hash the publisher gave, by what came of comparing (kcp://).");
    for (const Report& one : streams) {
        if (one.chunks != hub::ChunkChecks{}) {
            out.sample({{"stream", one.name}, {"result", "proven"}}, one.chunks.proven);
            out.sample({{"stream", one.name}, {"result", "different"}}, one.chunks.different);
            out.sample({{"stream", one.name}, {"result", "incomplete"}}, one.chunks.incomplete);
        }
    }
    out.family("stream_received_bytes_per_second", gauge,
               "Bytes a second from the publisher, over ten seconds.");
    write_each(out, streams, [](const Report& one) { return one.wire_bits_per_second.ten / 8; });
    out.family("stream_timestamp_jumps_total", counter, "Jumps of the publisher's timestamps.");
    write_each(out, streams, [](const Report& one) { return one.jumps; });
    out.family("stream_memory_bytes", gauge, "Media that a stream keeps.");
    write_each(out, streams, [](const Report& one) { return std::uint64_t{one.memory}; });
    out.family("stream_gop_seconds", gauge, "Time between the last two key frames; 0 where not known.");
    write_each(out, streams, [](const Report& one) { return one.gop_seconds; });
}

/// One number of each track.
template <class Value>
void write_tracks(Exposition& out, const Streams& streams, Value value) {
    for (const hub::StreamReport& stream : streams) {
        for (const hub::TrackReport& track : stream.tracks) {
            const std::string_view codec =
                track.track.config != nullptr ? media::name(track.track.config->codec) : "unknown";
            out.sample(
                {{"stream", stream.name}, {"track", fmt::format("{}", track.track.id)}, {"codec", codec}},
                value(track));
        }
    }
}

void write_media(Exposition& out, const Streams& streams) {
    using Report = hub::TrackReport;
    out.family("stream_track_frames_total", counter, "Frames taken in.");
    write_tracks(out, streams, [](const Report& one) { return one.units; });
    out.family("stream_track_bytes_total", counter, "Bytes of frames taken in.");
    write_tracks(out, streams, [](const Report& one) { return one.bytes; });
    out.family("stream_track_frames_per_second", gauge, "Frames a second that came, over ten seconds.");
    write_tracks(out, streams, [](const Report& one) { return one.units_per_second.ten; });
    out.family("stream_track_payload_bytes_per_second", gauge, "Bytes of frames a second, over ten seconds.");
    write_tracks(out, streams, [](const Report& one) { return one.bits_per_second.ten / 8; });
    out.family("stream_track_jitter_seconds", gauge, "Jitter of arrival against timestamps, by RFC 3550.");
    write_tracks(out, streams,
                 [](const Report& one) { return std::chrono::duration<double>(one.jitter).count(); });
}

/// One number of each track that has it.
template <class Value>
void write_known(Exposition& out, const Streams& streams, Value value) {
    for (const hub::StreamReport& stream : streams) {
        for (const hub::TrackReport& track : stream.tracks) {
            if (const auto number = value(track)) {
                out.sample({{"stream", stream.name}, {"track", fmt::format("{}", track.track.id)}}, *number);
            }
        }
    }
}

void write_quality(Exposition& out, const Streams& streams) {
    using Report = hub::TrackReport;
    out.family("stream_track_slice_qp", histogram, "Pictures by the average QP of their slices' headers.");
    static constexpr auto bounds = [] {
        std::array<double, hub::SliceQpCounts::bounds.size()> bounds{};
        std::ranges::copy(hub::SliceQpCounts::bounds, bounds.begin());
        return bounds;
    }();
    for (const hub::StreamReport& stream : streams) {
        for (const Report& track : stream.tracks) {
            if (const hub::SliceQpCounts& qp = track.slice_qp_counts; qp.count > 0) {
                out.histogram({{"stream", stream.name}, {"track", fmt::format("{}", track.track.id)}},
                              {bounds, qp.at_most, qp.count, qp.sum});
            }
        }
    }
    out.family("stream_track_slice_qp_average", gauge, "Average QP of the slices of the last second.");
    write_known(out, streams, [](const Report& one) {
        return one.slice_qp ? std::optional{one.slice_qp->average} : std::nullopt;
    });
    out.family("stream_track_coded_qp_average", gauge,
               "Average QP of the last second by the encoder's word.");
    write_known(out, streams, [](const Report& one) { return one.coded_qp; });
    const auto known = [](const Report& one, std::uint64_t number) {
        return one.captured > 0 ? std::optional{number} : std::nullopt;
    };
    out.family("stream_track_captured_frames_total", counter, "Pictures by the numbers their camera gave.");
    write_known(out, streams, [&](const Report& one) { return known(one, one.captured); });
    out.family("stream_track_missing_frames_total", counter, "Pictures that were captured and never came.");
    write_known(out, streams, [&](const Report& one) { return known(one, one.missing); });
    out.family("stream_compression_ratio", gauge, "Raw pictures to coded ones, over ten seconds.");
    for (const hub::StreamReport& stream : streams) {
        if (stream.compression_ratio > 0) {
            out.sample({{"stream", stream.name}}, stream.compression_ratio);
        }
    }
}

void write_states(Exposition& out, const Overview& overview) {
    out.family("streams", gauge, "Streams by their state.");
    std::map<std::string_view, std::uint64_t> states;
    for (const auto state : {hub::StreamState::live, hub::StreamState::waiting, hub::StreamState::stale,
                             hub::StreamState::offline}) {
        states[hub::name(state)] = 0;
    }
    for (const hub::StreamReport& stream : overview.streams) {
        ++states[hub::name(stream.state)];
    }
    for (const auto& [state, count] : states) {
        out.sample({{"state", state}}, count);
    }
    out.family("stream_state", gauge, "The state of a stream; always 1.");
    for (const hub::StreamReport& stream : overview.streams) {
        out.sample({{"stream", stream.name}, {"state", hub::name(stream.state)}}, std::uint64_t{1});
    }
    out.family("stream_viewers", gauge, "Viewers of a stream.");
    for (const auto& [stream, audience] : audiences(overview.workers)) {
        for (const auto& [protocol, count] : audience.viewers) {
            out.sample({{"stream", stream}, {"protocol", protocol}}, std::uint64_t{count});
        }
    }
    out.family("stream_verdict", gauge, "What is wrong with a stream, in words; 1 while it is.");
    for (const hub::StreamReport& stream : overview.streams) {
        for (const hub::Verdict& verdict : stream.verdicts) {
            out.sample({{"stream", stream.name},
                        {"code", verdict.code},
                        {"weight", hub::name(verdict.weight)},
                        {"text", verdict.text}},
                       std::uint64_t{1});
        }
    }
}

Exposition::Histogram histogram_of(const hub::LatencyReport& report) {
    static constexpr auto bounds = [] {
        std::array<double, hub::LatencyReport::bounds_ms.size()> seconds{};
        std::ranges::transform(hub::LatencyReport::bounds_ms, seconds.begin(),
                               [](int milliseconds) { return milliseconds / 1000.0; });
        return seconds;
    }();
    return {bounds, report.at_most, report.count, report.sum_seconds};
}

void write_latencies(Exposition& out, const Streams& streams) {
    out.family("stream_arrival_latency_seconds", histogram,
               "From capture until a frame came here; only where a sender says when it was captured.");
    for (const hub::StreamReport& stream : streams) {
        if (stream.arrival_latency.count > 0) {
            out.histogram({{"stream", stream.name}, {"origin", media::name(stream.capture_origin)}},
                          histogram_of(stream.arrival_latency));
        }
    }
    out.family("stream_latency_seconds", histogram,
               "From capture until a frame was written for viewers; of HLS, until the segment that it begins "
               "was listed.");
    for (const hub::StreamReport& stream : streams) {
        std::vector<std::string_view> said;
        for (const hub::OutputReport& output : stream.outputs) {
            // A form with all tracks comes before its variants.
            if (output.latency.count > 0 && std::ranges::find(said, output.form) == said.end()) {
                said.push_back(output.form);
                out.histogram({{"stream", stream.name},
                               {"protocol", output.form},
                               {"origin", media::name(stream.capture_origin)}},
                              histogram_of(output.latency));
            }
        }
    }
}

}   // namespace

std::string metrics_text(const Overview& overview, const NodeFacts& facts) {
    Exposition out;
    write_node(out, overview, facts);
    write_doors(out, overview);
    write_sessions(out, overview);
    write_forwards(out, overview);
    write_links(out, overview);
    write_states(out, overview);
    write_counters(out, overview.streams);
    write_cameras(out, overview.streams);
    write_archive(out, overview.streams, facts.archive);
    write_media(out, overview.streams);
    write_quality(out, overview.streams);
    write_latencies(out, overview.streams);
    return out.take();
}

}   // namespace millrace::control
