#include "apps/millrace/announce.hpp"

#include "base/log.hpp"

#include <fmt/format.h>
#include <cstdio>

namespace millrace::apps {

namespace {

void print_listeners(const Addresses& addresses, std::string_view fingerprint = {}) {
    std::string line;
    for (const auto& [name, local] : addresses) {
        line += fmt::format("{}\"{}\": \"{}\"", line.empty() ? "" : ", ", name, local.text());
    }
    const std::string known_by =
        fingerprint.empty() ? std::string{} : fmt::format(", \"kcp_fingerprint\": \"{}\"", fingerprint);
    fmt::print("{{\"listeners\": {{{}}}{}}}\n", line, known_by);
    std::fflush(stdout);
}

}   // namespace

void announce_listener(const Addresses& addresses, std::string_view protocol, std::string_view stream) {
    print_listeners(addresses);
    fmt::print(stderr, "  watch     mpv '{}://{}/{}{}'\n", protocol, address_of(addresses, protocol), stream,
               protocol == "http" ? ".flv" : "");
}

void announce(const Addresses& addresses, std::string_view proof, std::string_view fingerprint) {
    print_listeners(addresses, fingerprint);
    const std::string kcp = address_of(addresses, "kcp");
    const std::string rtmp = address_of(addresses, "rtmp");
    const std::string rtsp = address_of(addresses, "rtsp");
    const std::string http = address_of(addresses, "http");
    if (!rtmp.empty()) {
        fmt::print(stderr,
                   "\n  publish   ffmpeg -re -i movie.mp4 -c copy -f flv 'rtmp://{0}/live/cam{1}'\n"
                   "            or OBS: server rtmp://{0}/live, stream key cam{1}\n"
                   "  watch     ffplay 'rtmp://{0}/live/cam{1}'\n",
                   rtmp, proof);
    }
    if (!rtsp.empty()) {
        fmt::print(stderr,
                   "\n  publish   ffmpeg -re -i movie.mp4 -c copy -f rtsp -rtsp_transport tcp "
                   "'rtsp://{0}/live/cam{1}'\n"
                   "  watch     mpv 'rtsp://{0}/live/cam{1}'\n",
                   rtsp, proof);
    }
    if (!kcp.empty()) {
        fmt::print(stderr,
                   "\n  publish over a bad network, believed by the SHA-256 of our certificate\n"
                   "            millrace send test: 'kcp://{}/live/cam{}{}fingerprint={}'\n",
                   kcp, proof, proof.empty() ? '?' : '&', fingerprint);
    }
    if (!http.empty()) {
        fmt::print(stderr,
                   "            mpv 'http://{0}/live/cam.flv{1}'\n"
                   "            mpv 'http://{0}/live/cam/index.m3u8{1}'\n"
                   "  page      http://{0}/\n\n",
                   http, proof);
    }
}

void announce_demo(const DemoShown& shown) {
    const std::string http = address_of(shown.edge, "http");
    const std::string rtmp = address_of(shown.edge, "rtmp");
    const std::string proof = shown.token.empty() ? std::string{} : fmt::format("?token={}", shown.token);
    fmt::print(
        stderr,
        "\n  a camera box, and the server that it sends its pictures and its archive to; both have {0}:\n"
        "  the box   mpv 'http://{1}/{0}.flv{4}'\n"
        "            ffplay 'rtmp://{3}/{0}{4}'\n"
        "  server    mpv 'http://{2}/{0}.flv{4}'\n"
        "  archive   mpv 'http://{2}/{0}/archive.m3u8{4}'\n"
        "  publish   ffmpeg -re -i movie.mp4 -c copy -f flv 'rtmp://{3}/live/cam{4}'\n"
        "  cut the link, kill the server, and watch what becomes of it:\n"
        "            ",
        shown.stream, http, shown.server.text(), rtmp, proof);
    std::fflush(stderr);
    fmt::print("http://{}/demo{}\n", http, proof);
    std::fflush(stdout);
}

}   // namespace millrace::apps
