"""Chromium, Firefox and mpegts.js, an FLV demuxer nobody here wrote, play what the server serves."""

import os
import re

import flv
import node
import peers
from scenario import test
from watching import Broadcast, Viewer, another_origin, played

WIDTH, HEIGHT = 320, 180
FIVE_HOURS_MS = 5 * 3600 * 1000
README_PAGE = re.compile(r"^```html\n(.*?)^```$", re.MULTILINE | re.DOTALL)
README_PUBLISHER = re.compile(r"^ffmpeg -re -f lavfi (?:.*\\\n)*.*$", re.MULTILINE)
README_HTTP, README_RTMP = "http://127.0.0.1:8080/", "rtmp://127.0.0.1/"
README_WIDTH, README_HEIGHT = 1280, 720


def encoding(scene):
    """ffmpeg encodes H.264 and AAC as it publishes."""
    return peers.Program("ffmpeg-publish", [
        "ffmpeg", "-v", "warning", "-nostdin",
        "-re", "-f", "lavfi", "-i", f"testsrc2=size={WIDTH}x{HEIGHT}:rate=25",
        "-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
        "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac",
        "-f", "flv", scene.rtmp()], scene.folder)


@test()
def chromium_plays_h264_and_aac_of_ffmpeg_across_origins(scene):
    with Viewer(scene.folder, stream=scene.flv()) as viewer, encoding(scene):
        scene.server.wait_live("live/cam")
        report = viewer.report()
        played(report, WIDTH, HEIGHT)
        another_origin(report, scene.flv())
        media = report["media"]
        assert media["videoCodec"].startswith("avc1.") and media["audioCodec"] == "mp4a.40.2", media
        assert (media["width"], media["height"], media["audioSampleRate"]) == (WIDTH, HEIGHT, 48000), media


@test()
def chromium_plays_enhanced_av1(scene):
    with Viewer(scene.folder, stream=scene.flv()) as viewer, Broadcast(scene.rtmp_address, scene.clip("av1")):
        scene.server.wait_live("live/cam")
        report = viewer.report()
        played(report, WIDTH, HEIGHT)
        # mpegts.js gives no description of AV1; what it hands to the browser says the codec.
        assert any("mimeType: video/mp4;codecs=av01." in line for line in report["said"]), report["said"]


@test()
def firefox_plays_enhanced_h265(scene):
    with Viewer(scene.folder, browser="firefox", stream=scene.flv()) as viewer, \
            Broadcast(scene.rtmp_address, scene.clip("h265")):
        scene.server.wait_live("live/cam")
        report = viewer.report()
        played(report, WIDTH, HEIGHT)
        assert report["media"]["videoCodec"].startswith("hvc1."), report["media"]


@test()
def chromium_plays_a_stream_that_is_five_hours_old(scene):
    with Viewer(scene.folder, stream=scene.flv()) as viewer, \
            Broadcast(scene.rtmp_address, scene.clip("bframes"), start=FIVE_HOURS_MS):
        scene.server.wait_live("live/cam")
        with peers.FlvReader(scene.flv()) as reader:
            node.until(reader.frames, 10, "a frame comes")
            first = reader.frames()[0]
            assert first.dts >= FIVE_HOURS_MS, f"the stream's time is {first.dts} ms"
        report = viewer.report()
        played(report, WIDTH, HEIGHT)


def of_readme(pattern, scene):
    """What README.md has in that place, with this test's ports for the usual ones."""
    with open(os.path.join(node.ROOT, "README.md"), encoding="utf-8") as file:
        found = pattern.search(file.read())
    assert found, f"README.md has no {pattern.pattern}"
    text = found.group(1) if pattern.groups else found.group(0)
    ports = text.replace(README_HTTP, scene.server.http("/")).replace(README_RTMP, scene.server.rtmp(""))
    assert ports != text, f"README.md names no port of the server in: {text}"
    return ports


@test()
def the_readme_publishes_and_its_page_plays(scene):
    page = os.path.join(scene.folder, "readme.html")
    with open(page, "w", encoding="utf-8") as file:
        file.write(of_readme(README_PAGE, scene))
    command = of_readme(README_PUBLISHER, scene)
    with Viewer(scene.folder, page=page) as viewer, \
            peers.Program("sh", ["sh", "-c", f"exec {command} </dev/null"], scene.folder):
        scene.server.wait_live("live/cam")
        played(viewer.report(), README_WIDTH, README_HEIGHT)
