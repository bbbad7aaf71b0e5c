"""RTSP through HTTP as a source: from both ports of a node of ours, and from gst-rtsp-server."""

import fake_camera
import ledger
import node
import peers
import rtsp_peers
from rtsp_pulls import PATIENCE, all_watched, in_the_loop, pulling, report, rule, rules_of
from scenario import test

HTTP = ", transport: http"
SEEN = 40      # pictures


@test(quick=True)
def row_2_20_a_stream_is_pulled_through_http_from_both_ports_of_a_node(scene):
    clip, far = scene.clip(), scene.server
    with peers.ffmpeg_publish(clip, scene.rtmp(), scene.folder, loops=-1):
        far.wait_live("live/cam")
        places = {"live/rtsp": far.listeners["rtsp"], "live/web": far.listeners["http"]}
        rules = {name: rule(f"rtsp://{place}/live/cam", HTTP) for name, place in places.items()}
        with pulling(scene, rules) as near:
            for name in rules:
                near.wait_live(name)
            for name, frames in all_watched(near, rules, SEEN).items():
                in_the_loop(ledger.of_clip(clip), frames, SEEN)
                assert report(near, name)["frames_dropped"] == 0, report(near, name)


@test()
def row_2_20_cameras_of_gst_rtsp_server_are_pulled_through_http(scene):
    clips = {"live/h264": scene.clip(), "live/h265": scene.clip("h265")}
    launches = [rtsp_peers.of_clip(clip) for clip in clips.values()]
    with rtsp_peers.GstCamera(scene.folder, *launches) as camera:
        rules = {name: rule(camera.url(number), HTTP + ", on_demand: true")
                 for number, name in enumerate(clips)}
        with pulling(scene, rules) as server:
            for name, frames in all_watched(server, clips, SEEN).items():
                in_the_loop(ledger.of_clip(clips[name]), frames, SEEN)
                assert report(server, name)["frames_dropped"] == 0, report(server, name)


@test()
def case_30_a_camera_without_a_tunnel_is_named(scene):
    """A camera that takes GET for a strange word of RTSP."""
    with fake_camera.Camera(fake_camera.of_clip(scene.clip())) as plain:
        with pulling(scene, rules_of({"live/plain": plain}, HTTP)) as server:
            node.until(lambda: "the answer does not begin as HTTP/1 does" in server.said(), PATIENCE,
                       f"why is said: {server.said()[-2000:]}")
            assert not server.is_live("live/plain")
