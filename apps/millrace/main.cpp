#include "apps/millrace/verbs.hpp"
#include "apps/node/process.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <functional>

#include <unistd.h>

namespace {

std::vector<std::string> environment() {
    std::vector<std::string> variables;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        variables.emplace_back(*variable);
    }
    return variables;
}

CLI::App* add_send(CLI::App& app, millrace::apps::SendOptions& send) {
    CLI::App* const sends = app.add_subcommand("send", "Capture, encode and push one stream");
    sends
        ->add_option("SOURCE", send.source,
                     "test:, v4l2:DEVICE, screen:, raw:-, file:PATH or an address to pull from; see "
                     "docs/guide/sources.md")
        ->required();
    sends->add_option(
        "DESTINATION", send.destination,
        "rtsp://, rtmp://, tcp://, udp://, http(s):// (PUT of HLS) or file:PATH; see docs/guide/forward.md");
    sends->add_option("--listen", send.listen, "Be a server in the place of a DESTINATION: rtsp://:8554/cam");
    sends->add_option("--codec", send.encode.codec, "h264, h265, av1, mjpeg, or copy: as it comes");
    sends->add_option("--size", send.encode.size, "WIDTHxHEIGHT");
    sends->add_option("--fps", send.encode.fps, "Pictures a second");
    sends->add_option("--bitrate", send.encode.bitrate, "Bits a second, such as 2M");
    sends->add_option("--gop", send.encode.gop, "From key frame to key frame, such as 1s");
    sends->add_option("--audio", send.encode.audio, "aac, opus or none");
    sends->add_option("--results", send.results,
                      "Results for its pictures, one JSON object a line, from a FIFO or -; see "
                      "docs/guide/results.md");
    sends->add_option(
        "--messages", send.messages,
        "Where it is written what applications say to it, one JSON object a line: a FIFO, a file "
        "or -; see docs/guide/results.md");
    sends->add_flag("--json", send.json, "One JSON object a second on stdout");
    sends->add_flag("--once", send.once, "End with code 1 where the destination fails, without another try");
    return sends;
}

CLI::App* add_receive(CLI::App& app, millrace::apps::ReceiveOptions& receive) {
    CLI::App* const receives = app.add_subcommand("receive", "Play one stream without a window");
    receives->add_option("URL", receive.source, "What to play: any address of a source, or a file")
        ->required();
    receives->add_option("--save", receive.save, "Keep it in a file, by its ending: .ts, .flv or .mp4");
    receives->add_option("--raw", receive.raw, "Pictures to stdout: bgr24, rgb24 or yuv420p");
    receives->add_option("--frames", receive.frames, "End after so many pictures");
    receives->add_option("--seconds", receive.seconds, "End so long after the first media");
    receives->add_flag("--json", receive.json, "One JSON object a second");
    receives->add_option("--transport", receive.transport,
                         "How packets of RTSP travel: auto, udp, tcp or http");
    receives
        ->add_option("--sound", receive.sound, "Play the sound: default, a card as aplay -L lists it, or off")
        ->capture_default_str();
    receives->add_flag("--hardware", receive.hardware,
                       "Decode by this machine's video hardware, if there is any");
    return receives;
}

CLI::App* add_probe(CLI::App& app, millrace::apps::ProbeOptions& probe) {
    CLI::App* const probes = app.add_subcommand("probe", "Explain a stream: what it is, where it plays");
    probes->add_option("URL", probe.source, "Any address of a source, or a file")->required();
    probes->add_flag("--json", probe.json, "As one JSON object");
    return probes;
}

CLI::App* add_enroll(CLI::App& app, millrace::apps::EnrollOptions& enroll) {
    CLI::App* const enrolls =
        app.add_subcommand("enroll", "Let one camera box in: print a token at the server, use it at the box");
    enrolls
        ->add_option("STREAM|TOKEN", enroll.what,
                     "At the server: the stream that the box may publish. At the box: what that printed")
        ->required();
    enrolls->add_option("--node", enroll.node, "Server: the node's address, http://ADMIN@HOST:PORT")
        ->capture_default_str();
    enrolls->add_option("--name", enroll.name, "Server: what the box is called; else as its stream");
    enrolls->add_option("--server", enroll.server, "Server: the host by which the box reaches it");
    enrolls->add_option("--hours", enroll.hours, "Server: how long the token is good")->capture_default_str();
    enrolls->add_option("--keys", enroll.keys, "Box: the file of its keys (kcp.psk_file)")
        ->capture_default_str();
    return enrolls;
}

struct PasswordOptions {
    std::string name;
    bool digest = false;
};

CLI::App* add_password(CLI::App& app, PasswordOptions& user) {
    CLI::App* const password = app.add_subcommand("password", "Make a user's line for the configuration");
    password->add_option("NAME", user.name, "The user's name")->required();
    password->add_flag("--digest", user.digest, "Let it prove itself by Digest too, as some RTSP clients do");
    return password;
}

CLI::App* add_import(CLI::App& app, millrace::apps::ImportOptions& import) {
    CLI::App* const imports =
        app.add_subcommand("import", "Put a file into an archive that no node has open");
    imports->add_option("FILE", import.file, "Fragmented MP4, such as an export")->required();
    imports->add_option("NAME", import.name, "Of which stream it is")->required();
    imports->add_option("--storage", import.folder, "storage.path of the node")->capture_default_str();
    imports->add_option("--from", import.from,
                        "When it begins, such as 2026-11-20T14:00:00Z; else it says so");
    return imports;
}

CLI::App* add_check(CLI::App& app, millrace::apps::CheckOptions& check) {
    CLI::App* const checks = app.add_subcommand("check", "Verify an archive that no node has open");
    checks->add_option("DIR", check.folder, "storage.path of a node, or the archive in it")->required();
    checks->add_option("--depth", check.depth, "index, heads, or bodies: every byte");
    checks->add_flag("--json", check.json, "As one JSON object");
    return checks;
}

CLI::App* add_serve(CLI::App& app, millrace::control::ConfigurationSources& sources, int& parent) {
    CLI::App* const serves = app.add_subcommand("serve", "Run a node: streams in, streams out");
    serves->add_option("CONFIG", sources.file_name,
                       "Configuration file (YAML); without one the defaults hold");
    serves->add_flag("--open", sources.open, "Let anyone publish and play");
    serves->add_option("--set", sources.sets, "Set one key: --set http.listen=127.0.0.1:8080")
        ->take_all()
        ->allow_extra_args(false);
    // For a program that runs a node of its own and kills it: not for people.
    serves->add_option("--end-with-parent", parent)->group("");
    return serves;
}

CLI::App* add_demo(CLI::App& app, millrace::apps::DemoOptions& demo) {
    CLI::App* const demos = app.add_subcommand(
        "demo", "Show it all here: a camera box, its server, and what becomes of a cut link");
    demos->add_option("--listen", demo.address, "Address to listen on, for machines without a screen");
    return demos;
}

CLI::App* add_devices(CLI::App& app, bool& as_json) {
    CLI::App* const devices =
        app.add_subcommand("devices", "List cameras, screens and microphones that can be a source");
    devices->add_flag("--json", as_json, "One JSON object a line");
    return devices;
}

int serve(millrace::control::ConfigurationSources& sources, int parent) {
    if (parent > 0) {
        millrace::apps::end_with_parent(parent);
    }
    if (!sources.file_name.empty()) {
        sources.file_text = millrace::control::read_configuration_file(sources.file_name);
    }
    sources.environment = environment();
    return millrace::apps::serve(sources);
}

/// What is done where it was said.
struct Verb {
    const CLI::App* said;
    std::function<int()> run;
};

}   // namespace

int main(int argc, char** argv) {
    using namespace millrace;
    CLI::App app{"Millrace: live video, from the camera to every screen."};
    app.set_version_flag("--version", "millrace " MILLRACE_VERSION);
    app.require_subcommand(1);

    control::ConfigurationSources sources;
    int parent = 0;
    apps::DemoOptions demo;
    PasswordOptions user;
    bool as_json = false;
    apps::CheckOptions check;
    apps::ImportOptions import;
    apps::EnrollOptions enroll;
    apps::SendOptions send;
    apps::ReceiveOptions receive;
    apps::ProbeOptions probe;
    const std::array verbs{
        Verb{add_serve(app, sources, parent), [&] { return serve(sources, parent); }},
        Verb{add_demo(app, demo), [&] { return apps::demo(demo); }},
        Verb{add_password(app, user), [&] { return apps::password(user.name, user.digest); }},
        Verb{add_devices(app, as_json), [&] { return apps::devices(as_json); }},
        Verb{add_check(app, check), [&] { return apps::check_archive(check); }},
        Verb{add_import(app, import), [&] { return apps::import_file(import); }},
        Verb{add_enroll(app, enroll), [&] { return apps::enroll(enroll); }},
        Verb{add_send(app, send), [&] { return apps::send(send); }},
        Verb{add_receive(app, receive), [&] { return apps::receive(receive); }},
        Verb{add_probe(app, probe), [&] { return apps::probe(probe); }},
    };
    try {
        app.parse(argc, argv);
        return std::ranges::find_if(verbs, [](const Verb& verb) { return verb.said->parsed(); })->run();
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : apps::wrong_usage;
    } catch (const std::exception& error) {
        fmt::print(stderr, "millrace: {}\n", error.what());
        return apps::failed;
    }
}
