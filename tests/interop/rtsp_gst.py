"""gst-rtsp-server: as a camera that this node pulls from, and as the server that it pushes to."""

import contextlib
import os

import ledger
import node
import peers
import rtsp_peers
from rtsp_pulls import PATIENCE, all_watched, in_the_loop, pictures, pulling, report, rule
from scenario import test
from sources import second_node

SEEN = 40      # pictures


@test()
def cameras_of_gst_rtsp_server_give_each_picture(scene):
    """It says the parameter sets before each slice, and of sound more in RTP-Info than it sends."""
    clips = {"live/tcp": scene.clip(), "live/udp": scene.clip(), "live/h265": scene.clip("h265")}
    launches = [rtsp_peers.of_clip(clip) for clip in clips.values()]
    with rtsp_peers.GstCamera(scene.folder, *launches, rtsp_peers.JPEG_WITH_SOUND) as camera:
        rules = {name: rule(camera.url(number), f", transport: {'udp' if name == 'live/udp' else 'tcp'}, "
                            "on_demand: true")
                 for number, name in enumerate((*clips, "live/jpeg"))}
        with pulling(scene, rules) as server, \
                peers.curl_play(server.http("/live/jpeg.mjpeg"), scene.folder):
            for name, frames in all_watched(server, clips, SEEN).items():
                in_the_loop(ledger.of_clip(clips[name]), frames, SEEN)
                assert report(server, name)["frames_dropped"] == 0, report(server, name)
            node.until(lambda: report(server, "live/jpeg").get("frames_in", 0) > SEEN, PATIENCE,
                       "pictures and sound come")
            kinds = [track["codec"] for track in report(server, "live/jpeg")["tracks"]]
            assert kinds == ["mjpeg", "pcmu"], kinds


@test()
def a_push_to_gst_rtsp_server_arrives_with_each_picture(scene):
    clip, path = scene.clip(), os.path.join(scene.folder, "recorded.h264")
    with rtsp_peers.GstCamera(scene.folder, "--record", rtsp_peers.into_file(path)) as far:
        with second_node(scene, "--set", "outgoing.allow=[ 127.0.0.1 ]", "--set", "grace=1s", "--set",
                         f'streams={{ live/cam: {{ forward: "{far.url()}" }} }}') as near:
            with peers.ffmpeg_publish(clip, near.rtmp("live/cam"), scene.folder) as publisher:
                publisher.succeed()
            with contextlib.suppress(AssertionError):
                node.until(lambda: len(recorded(path)) >= len(pictures(ledger.of_clip(clip))) - 1, 3, "all")
    ledger.match(pictures(ledger.of_clip(clip)), recorded(path), times=False, least=0.6, to_the_end=False)


def recorded(path):
    """The pictures of a byte stream; the last may be cut."""
    if not os.path.exists(path):
        return []
    with open(path, "rb") as file:
        return ledger.of_annex_b(file.read())[:-1]
