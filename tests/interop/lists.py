"""HLS lists under the eyes of tests/hls_rules: live, over a restart, with flapping publishers, to the end."""

import gzip
import http.client
import json
import os
import re
import subprocess
import sys
import time

import node
import peers
from scenario import SHORT_GRACE, test

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import hls_rules      # noqa: E402

BRISK = (*SHORT_GRACE, "--set", "hls.segment=1s")      # with the clip that has a key frame each second
LISTS = ("/live/cam/index.m3u8", "/live/cam/ts.m3u8")
LIST_SECONDS = 30
PICTURES_SEEN = 50
FIRST_SEGMENT_PICTURES = 75


def forever(scene, clip, url, name="ffmpeg-forever"):
    """ffmpeg publishes the clip again and again, its times going on."""
    return peers.Program(name, ["ffmpeg", "-v", "warning", "-nostdin", "-re", "-stream_loop", "-1", "-i",
                                clip.path, "-c", "copy", "-f", "flv", url], scene.folder)


def watched(scene):
    return [hls_rules.Watch(scene.server.http(path)).start() for path in LISTS]


def text_of(scene, path):
    return scene.server.get(path, seconds=20)[1].decode()


def judge(watches):
    findings = [line for watch in watches for line in watch.stop()]
    assert not findings, "\n".join(findings[:20])
    assert all(watch.segments for watch in watches), "a list without a segment"


@test(options=BRISK, company="lists to their end", apart=True)
def rows_0_13_to_0_23_0_32_and_x_1_live_lists_keep_the_rules_to_their_end(scene):
    """RFC 8216 §6.2.1, §6.2.2 and §6.3.3, with what §4 says of each tag, poll by poll."""
    with forever(scene, scene.clip("plain-brisk"), scene.rtmp()) as publisher:
        scene.server.wait_live("live/cam")
        watches = watched(scene)
        node.until(lambda: all(watch.segments >= 12 for watch in watches), LIST_SECONDS + 15, "12 segments")
        publisher.stop()
        node.until(lambda: all("#EXT-X-ENDLIST" in text_of(scene, path) for path in LISTS[1:]), LIST_SECONDS,
                   "the list ends")
        judge(watches)


@test()
def row_0_20_lists_keep_the_rules_over_a_server_restart(scene):
    ports = scene.server.listeners
    with scene.publication(forever=True):
        watches = watched(scene)
        node.until(lambda: all(watch.segments >= 3 for watch in watches), LIST_SECONDS, "3 segments")
        before = {path: number_of(text_of(scene, path)) for path in LISTS[1:]}
        scene.server.process.kill()
        scene.server.process.wait()
        node.until(lambda: all(watch.outages for watch in watches), LIST_SECONDS, "the outage is noticed")
        scene.server.start_again(ports)
        with forever(scene, scene.clip(), scene.rtmp(), "ffmpeg-again"):
            scene.server.wait_live("live/cam")
            seen = [watch.segments for watch in watches]
            node.until(lambda: all(watch.segments >= count + 3 for watch, count in zip(watches, seen)),
                       LIST_SECONDS, "3 segments more")
            for path, number in before.items():
                assert number_of(text_of(scene, path)) > number, f"{path} begins before it did"
            judge(watches)


def number_of(text):
    return int(re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", text).group(1))


@test(options=BRISK[2:], company="lists to their end", apart=True)
def f18_a_publisher_that_comes_and_goes_leaves_discontinuities_in_the_lists(scene):
    clip = scene.clip("plain-brisk")
    first = [sample for sample in clip.samples if sample.dts < 1500]
    watches, marks = [], 0
    for _ in range(4):
        with peers.Publisher(scene.rtmp_address, clip) as publisher:
            publisher.open()
            publisher.send(first, pace=1)
            watches = watches or watched(scene)
            publisher.close_abruptly()
    node.until(lambda: all(watch.segments >= 4 for watch in watches), LIST_SECONDS, "a segment of each")
    for path in LISTS[1:]:
        marks = text_of(scene, path).count("#EXT-X-DISCONTINUITY\n")
        assert marks == 3, f"{path} marks {marks} discontinuities"
    judge(watches)


@test(options=("--set", "grace=3s", *BRISK[2:]), company="lists to their end", apart=True)
def row_1_36_a_publisher_that_was_killed_leaves_an_ended_list(scene):
    with forever(scene, scene.clip("plain-brisk"), scene.rtmp()) as publisher:
        scene.server.wait_live("live/cam")
        node.until(lambda: "#EXTINF" in text_of(scene, LISTS[1]), LIST_SECONDS, "a segment")
        publisher.process.kill()
    node.until(lambda: '"stale"' in text_of(scene, "/api/v1/streams/live/cam"), 5, "the stream is stale")
    node.until(lambda: "#EXT-X-ENDLIST" in text_of(scene, LISTS[1]), 3 + 1 + 2 * 3, "the list ends")


@test(options=BRISK, company="lists to their end", apart=True)
def row_3_9_viewers_of_lists_are_counted_without_a_session(scene):
    """Two programs at one address are two viewers; nothing in the address names them."""
    with scene.publication("plain-brisk", forever=True):
        host = scene.server.listeners["http"]
        for agent in ("one", "two", "two"):
            connection = http.client.HTTPConnection(host, timeout=20)
            connection.request("GET", LISTS[0], headers={"User-Agent": agent})
            answer = connection.getresponse()
            text = answer.read().decode()
            connection.close()
            assert answer.status == 200 and "?" not in text, text
        document = text_of(scene, "/api/v1/streams/live/cam")
        assert re.search(r'"viewers":\s*\{\s*"hls":\s*2\s*\}', document), document


@test(options=BRISK, company="lists")
def row_1_15_a_list_is_held_until_its_first_segment(scene):
    """Asked for while the first segment is under way, it comes with a segment; of nothing, it is 404."""
    assert scene.server.get(LISTS[1])[0] == 404
    with scene.publication("plain-brisk", forever=True):
        begun = time.monotonic()
        text = text_of(scene, LISTS[1])
        assert text.count("#EXTINF") >= 1, text
        assert time.monotonic() - begun < 2 + 3 + 3, "held for more than a segment"


@test(options=SHORT_GRACE, company="savers")
def ts_and_segments_pass_tr_101_290(scene):
    """Our own checker of TR 101 290, over the endless form."""
    path = os.path.join(scene.folder, "cam.ts")
    with scene.publication():
        command = ["curl", "-sS", "--no-buffer", "--fail", "-o", path, scene.server.http("/live/cam.ts")]
        with peers.Program("curl", command, scene.folder) as curl:
            curl.succeed()
    run = subprocess.run([os.path.join(node.ROOT, "tests/ts_check.py"), path], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def addresses_of(scene, path):
    """The media addresses that a list of segments names."""
    folder = path.rsplit("/", 1)[0]
    return [f"{folder}/{line}" for line in text_of(scene, path).splitlines() if line and line[0] != "#"]


@test(options=BRISK, company="lists")
def case_59_segments_that_are_not_there_are_404(scene):
    """Never made, not made yet, of another run, of another stream, and no way around the list."""
    with scene.publication("plain-brisk", forever=True):
        there = addresses_of(scene, LISTS[1])[0]
        assert scene.server.get(there)[0] == 200
        number = int(re.search(r"ts-(\d+)\.ts$", there).group(1))
        run = there.split("/")[4]
        for path in (there.replace(f"ts-{number}", f"ts-{number - 1000}"),
                     there.replace(f"ts-{number}", f"ts-{number + 1000}"),
                     there.replace(run, "1-00000001"), there.replace("live/cam", "live/other"),
                     there + "x", "/live/cam/segments/", "/live/cam/segments/v9.m3u8",
                     "/live/cam/segments/../segments/v0.m3u8"):
            status, _ = scene.server.get(path)
            assert status in (400, 404), f"{path}: {status}"
        assert scene.server.get(there)[0] == 200


@test(options=BRISK)
def row_1_26_no_address_gives_other_bytes_after_a_restart(scene):
    ports = scene.server.listeners
    with scene.publication("plain-brisk", forever=True):
        node.until(lambda: len(addresses_of(scene, LISTS[1])) >= 2, LIST_SECONDS, "two segments")
        before = {path: scene.server.get(path)[1] for path in addresses_of(scene, LISTS[1])}
        scene.server.process.kill()
        scene.server.process.wait()
    scene.server.start_again(ports)
    with forever(scene, scene.clip("plain-brisk"), scene.rtmp(), "ffmpeg-again"):
        scene.server.wait_live("live/cam")
        node.until(lambda: len(addresses_of(scene, LISTS[1])) >= 2, LIST_SECONDS, "two segments")
        after = addresses_of(scene, LISTS[1])
        assert not set(before) & set(after), "an address was named again"
        assert all(scene.server.get(path)[0] == 404 for path in before)


def gstreamer(scene, path):
    """GStreamer's newer HLS demuxer decodes picture after picture and has nothing to complain of.

    Its version 1.22 never finds its place again after a first list of one segment, which is all that there
    is of a stream younger than that: it comes when the stream has one.
    """
    raw = os.path.join(scene.folder, "gst.grey")
    command = ["gst-launch-1.0", "-q", "uridecodebin3", f"uri={scene.server.http(path)}", "name=d",
               "d.", "!", "queue", "!", "videoconvert", "!", "video/x-raw,format=GRAY8", "!",
               "filesink", f"location={raw}", "buffer-mode=unbuffered",
               "d.", "!", "queue", "!", "audioconvert", "!", "fakesink"]

    def pictures():
        return os.path.getsize(raw) // (320 * 180) if os.path.exists(raw) else 0

    def pictures_published():
        tracks = json.loads(text_of(scene, "/api/v1/streams/live/cam"))["tracks"]
        return sum(track["frames"] for track in tracks if track["kind"] == "video")

    with scene.publication("plain-brisk", forever=True):
        node.until(lambda: pictures_published() > FIRST_SEGMENT_PICTURES, 10, "the first segment")
        with peers.Program("gst-hls", command, scene.folder) as player:
            node.until(lambda: pictures() > PICTURES_SEEN, peers.MEDIA_PATIENCE, "GStreamer decodes")
            assert not player.said(), player.said()


@test(options=BRISK, company="lists")
def row_0_5_gstreamer_plays_hls(scene):
    gstreamer(scene, LISTS[0])


@test(options=BRISK, company="lists")
def row_0_5_gstreamer_plays_hls_of_mpeg_ts(scene):
    gstreamer(scene, LISTS[1])


def asked(scene, path, method="GET", **headers):
    """(status, headers, body) of one request, byte for byte."""
    connection = http.client.HTTPConnection(scene.server.listeners["http"], timeout=20)
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=said)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


@test(options=BRISK, company="lists")
def lists_are_gzip_coded_if_asked_and_304_if_known(scene):
    """Of the lists and the API; never of media. curl agrees that it is gzip."""
    with scene.publication("plain-brisk", forever=True):
        node.until(lambda: text_of(scene, LISTS[1]).count("#EXTINF") >= 4, LIST_SECONDS, "4 segments")
        for path in (LISTS[1], "/api/v1/streams/live/cam"):
            status, headers, body = asked(scene, path, Accept_Encoding="gzip")
            assert status == 200 and headers["Content-Encoding"] == "gzip", headers
            assert "Accept-Encoding" in headers["Vary"] and body[:2] == b"\x1f\x8b"
            assert gzip.decompress(body).startswith((b"#EXTM3U", b"{"))
            plain = asked(scene, path, Accept_Encoding="gzip;q=0")
            assert "Content-Encoding" not in plain[1] and plain[1]["Vary"] == headers["Vary"]
        heads = asked(scene, LISTS[1], "HEAD", Accept_Encoding="gzip")
        assert heads[1]["Content-Encoding"] == "gzip" and int(heads[1]["Content-Length"]) > 0 and not heads[2]

        def known(coding):
            tag = asked(scene, LISTS[1], Accept_Encoding=coding)[1]["ETag"]
            return asked(scene, LISTS[1], Accept_Encoding=coding, If_None_Match=tag)[0] == 304

        node.until(lambda: known("gzip") and known("identity"), 5, "a known list is 304")
        segment = asked(scene, addresses_of(scene, LISTS[1])[-1], Accept_Encoding="gzip")
        assert segment[0] == 200 and "Content-Encoding" not in segment[1] and len(segment[2]) % 188 == 0
        run = subprocess.run(["curl", "-sS", "--fail", "--compressed", scene.server.http(LISTS[1])],
                             capture_output=True, check=True)
        assert run.stdout.startswith(b"#EXTM3U"), run.stdout[:100]
