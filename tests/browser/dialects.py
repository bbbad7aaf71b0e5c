"""A page written to the protocol of wfs.js plays in Chromium, cut at start codes and by sizes."""

import peers
from plays import HEIGHT, WIDTH
from scenario import test
from watching import BRIGHT_MIN, FRAMES_MIN, PLAY_SECONDS, SHADES_MIN, Viewer, told

CHANNELS = ("--set", "http.wfs={ ch1: live/cam }", "--set", "http.default_stream=live/cam")


def encoding(scene):
    """ffmpeg without B-frames: on this wire pictures have no times, so they come as they are shown."""
    return peers.Program("ffmpeg-publish", [
        "ffmpeg", "-v", "warning", "-nostdin", "-re", "-f", "lavfi", "-i",
        f"testsrc2=size={WIDTH}x{HEIGHT}:rate=25", "-c:v", "libx264", "-preset", "veryfast", "-bf", "0",
        "-pix_fmt", "yuv420p", "-g", "25", "-f", "flv", scene.rtmp()], scene.folder)


def plays(scene, path):
    with encoding(scene), Viewer(scene.folder, page="wfs.html", stream=scene.server.http(path)) as viewer:
        scene.server.wait_live("live/cam")
        report = viewer.report()
        assert not report["errors"] and not report["failures"] and not report["refusal"], told(report)
        assert report["played"] >= PLAY_SECONDS and report["frames"] >= FRAMES_MIN, told(report)
        assert (report["width"], report["height"]) == (WIDTH, HEIGHT), told(report)
        picture, before = report["brightness"], report["first"]["brightness"]
        assert max(picture) >= BRIGHT_MIN and len(set(picture)) >= SHADES_MIN, f"it is dark: {picture}"
        assert picture != before, "the picture stands still"
        # A picture a message, none held back: what a page had to wait for stood in the next message.
        assert report["statistics"]["pictures"] >= report["statistics"]["messages"], told(report)


@test(options=CHANNELS)
def row_2_17_a_wfs_page_plays_the_channel_it_names(scene):
    plays(scene, "/play2#ch1")


@test(options=CHANNELS)
def row_2_17_a_wfs_page_plays_the_default_stream_for_an_unknown_channel(scene):
    plays(scene, "/play2#chX")


@test(options=CHANNELS)
def row_2_18_the_forks_page_plays_access_units_behind_their_sizes(scene):
    plays(scene, "/play2?binary#ch1")


@test()
def row_2_17_a_wfs_page_plays_the_stream_in_the_address(scene):
    plays(scene, "/live/cam.h264?wfs#ch9")
