#include "apps/loadgen/verbs.hpp"
#include "net/descriptor.hpp"

#include <CLI/CLI.hpp>

#include <exception>

namespace {

using namespace millrace::loadgen;

constexpr int failed = 1;
constexpr int wrong_usage = 2;

void add_rate(CLI::App& verb, Rate& rate) {
    verb.add_option("--kbps", rate.kbps, "Video rate")->capture_default_str();
    verb.add_option("--fps", rate.frames_per_second, "Pictures a second")->capture_default_str();
    verb.add_option("--gop", rate.gop_seconds, "Seconds between key frames")->capture_default_str();
}

void add_publish(CLI::App& app, PublishOptions& options) {
    CLI::App* verb = app.add_subcommand("publish", "Publish a synthetic stream whose pictures are stamped");
    CLI::Option_group* to = verb->add_option_group("server");
    to->add_option("--rtmp", options.rtmp, "HOST:PORT of the server");
    to->add_option("--rtsp", options.rtsp, "HOST:PORT of the server, by TCP");
    to->require_option(1);
    verb->add_option("--name", options.name, "APP/KEY")->required();
    verb->add_option("--publishers", options.publishers, "How many: APP/KEY0, APP/KEY1 and so on")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    add_rate(*verb, options.rate);
    verb->add_flag("--audio", options.audio, "AAC as well: 43 frames of 372 bytes a second");
    verb->add_option("--seconds", options.seconds, "0: until it is told to stop")->capture_default_str();
}

void add_view(CLI::App& app, ViewOptions& options) {
    CLI::App* verb = app.add_subcommand("view", "Take a stream many times over, and say how that went");
    verb->add_option("--url", options.url,
                     "http://HOST:PORT/live/cam.flv, ws://…, rtmp://…, rtsp://…, rtsp-udp://…; tcp://…, "
                     "udp://…: a floor")
        ->required();
    verb->add_option("--viewers", options.viewers, "How many")->capture_default_str();
    verb->add_option("--streams", options.streams,
                     "Of how many streams: 0, 1 and so on for the {} of the URL")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    verb->add_option("--probe", options.probes, "Further ones that read and judge what they get")
        ->capture_default_str();
    verb->add_option("--stall", options.stalled, "How many of the viewers never read");
    verb->add_option("--slow", options.slow, "How many of the viewers read too slowly");
    verb->add_option("--slow-kbps", options.slow_kbps, "How fast those read")->capture_default_str();
    verb->add_option("--ramp", options.ramp, "Connections a second")->capture_default_str();
    verb->add_option("--rest", options.rest, "Seconds before the window")->capture_default_str();
    verb->add_option("--seconds", options.seconds, "Length of the window")->capture_default_str();
    verb->add_option("--lazy", options.lazy_ms, "Milliseconds of sleep between looks")->capture_default_str();
    verb->add_flag("--patient", options.patient, "Stay until standard input ends");
}

void add_hls(CLI::App& app, HlsOptions& options) {
    CLI::App* verb = app.add_subcommand("hls", "Watch a live HLS stream many times over, as players do");
    verb->add_option("--url", options.url, "http://HOST:PORT/live/cam/index.m3u8")->required();
    verb->add_option("--viewers", options.viewers, "How many")->capture_default_str();
    verb->add_option("--ramp", options.ramp, "Connections a second")->capture_default_str();
    verb->add_option("--rest", options.rest, "Seconds before the window")->capture_default_str();
    verb->add_option("--seconds", options.seconds, "Length of the window")->capture_default_str();
    verb->add_option("--lazy", options.lazy_ms, "Milliseconds of sleep between looks")->capture_default_str();
}

void add_ask(CLI::App& app, AskOptions& options) {
    CLI::App* verb = app.add_subcommand("ask", "Ask for the same over and over, on kept connections");
    verb->add_option("--url", options.url, "http://HOST:PORT/PATH")->required();
    verb->add_option("--connections", options.connections, "How many")->capture_default_str();
    verb->add_option("--seconds", options.seconds, "How long")->capture_default_str();
    verb->add_flag("--conditional", options.conditional, "Only if it has changed since the last answer");
}

void add_floor(CLI::App& app, FloorOptions& options) {
    CLI::App* verb = app.add_subcommand("floor", "A bare loop: one send() a viewer and beat, until all left");
    verb->add_option("--viewers", options.viewers, "How many are waited for")->capture_default_str();
    verb->add_option("--beat", options.beat_ms, "Milliseconds between sends")->capture_default_str();
    add_rate(*verb, options.rate);
    verb->add_flag("--udp", options.datagrams, "Send datagrams, as many at a time as the kernel cuts");
    verb->add_option("--extra-kbps", options.extra_kbps, "Bytes beyond the video")->capture_default_str();
}

void add_sink(CLI::App& app, SinkOptions& options) {
    CLI::App* verb = app.add_subcommand("sink", "A bare loop: one recv() a publisher and event, until told");
    verb->add_flag("--rtsp", options.rtsp, "They publish by RTSP over TCP; else by RTMP");
}

}   // namespace

int main(int argc, char** argv) {
    CLI::App app{"Loads a Millrace node, and shows what a bare loop would cost."};
    app.require_subcommand(1);
    PublishOptions publish_options;
    ViewOptions view_options;
    HlsOptions hls_options;
    AskOptions ask_options;
    FloorOptions floor_options;
    SinkOptions sink_options;
    add_publish(app, publish_options);
    add_view(app, view_options);
    add_hls(app, hls_options);
    add_ask(app, ask_options);
    add_floor(app, floor_options);
    add_sink(app, sink_options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : wrong_usage;
    }
    try {
        millrace::net::raise_descriptor_limit();
        if (app.got_subcommand("publish")) {
            return publish_options.rtsp.empty() ? publish_by_rtmp(publish_options)
                                                : publish_by_rtsp(publish_options);
        }
        if (app.got_subcommand("hls")) {
            return watch_hls(hls_options);
        }
        if (app.got_subcommand("ask")) {
            return ask(ask_options);
        }
        if (app.got_subcommand("sink")) {
            return sink(sink_options);
        }
        return app.got_subcommand("view") ? view(view_options) : floor(floor_options);
    } catch (const std::exception& error) {
        fmt::print(stderr, "loadgen: {}\n", error.what());
        return failed;
    }
}
