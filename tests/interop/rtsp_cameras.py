"""RTSP cameras as sources: good ones, those of other makers, and one that loses its power."""

import contextlib
import time

import fake_camera
import ledger
import node
import peers
from fake_camera import Camera, Ways
from rtsp_pulls import (PATIENCE, TCP, cameras, each_is_watched, in_the_loop, only_the_clips, pictures,
                        pulling, report, rule, viewer_of, watched)
from scenario import test

SECRET = "p'a=s_s"


@test(quick=True)
def row_2_20_cameras_of_every_transport_and_password_give_each_frame(scene):
    """The URL as it was written goes to the camera, without the password, and no log or answer has it."""
    clip = scene.clip()
    ways = {f"live/{name}": Ways(user="admin", password=SECRET, challenges=challenges)
            for name, challenges in {"basic": ("basic",), "md5": ("md5",), "old": ("md5-plain",),
                                     "sha": ("sha256", "md5", "basic")}.items()}
    ways |= {"live/udp": Ways(), "live/auto": Ways(), "live/only": Ways(transports=("tcp",))}
    with cameras(ways, fake_camera.of_clip(clip)) as found:
        rules = {name: rule(one.url("//Streaming/Channels/1?a='b'_c=d",
                                    "admin:p'a=s_s@" if one.ways.user else ""),
                            ", transport: udp" if name == "live/udp" else
                            ", transport: auto" if name in ("live/auto", "live/only") else ", transport: tcp")
                 for name, one in found.items()}
        with pulling(scene, rules) as server:
            each_is_watched(server, found, ledger.of_clip(clip))
            for name, one in found.items():
                asked = one.requests[0]
                assert asked.url == f"rtsp://{one.address}//Streaming/Channels/1?a='b'_c=d", (name, asked.url)
            assert SECRET not in server.said() and "p%27" not in server.said()
            assert SECRET.encode() not in server.get("/api/v1/streams")[1]
            assert not any("TCP" in asked["Transport"] for asked in found["live/udp"].requests)


@test(company="cameras")
def row_3_25_a_password_inside_the_path_goes_out_as_it_stands_and_is_told_nobody(scene):
    clip, path = scene.clip(), "/user=admin_password='tlJwpbo6'_channel=1_stream=0.sdp"
    with Camera(fake_camera.of_clip(clip)) as one:
        with pulling(scene, {"live/cam": rule(one.url(path))}) as server:
            each_is_watched(server, ["live/cam"], ledger.of_clip(clip))
            assert one.requests[0].url.endswith(path), one.requests[0].url
            told = [server.said().encode(), server.get("/api/v1/streams")[1],
                    server.get("/api/v1/streams/live/cam")[1], server.get("/api/v1/config")[1]]
            assert not any(b"tlJwpbo6" in text for text in told), "the password is told"


@test(company="cameras")
def row_4_6_h265_is_pulled_with_each_frame(scene):
    clip = scene.clip("h265")
    ways = {"live/tcp": Ways(), "live/udp": Ways(), "live/bare": Ways(sdp=("no_sprop",))}
    with cameras(ways, fake_camera.of_clip(clip)) as found:
        rules = {name: rule(one.url(), f", transport: {'udp' if name == 'live/udp' else 'tcp'}")
                 for name, one in found.items()}
        with pulling(scene, rules) as server:
            each_is_watched(server, found, ledger.of_clip(clip))


@test(quick=True, company="cameras")
def row_2_21_a_camera_that_is_power_cycled_comes_back_to_the_same_viewers(scene):
    clip = scene.clip()
    with Camera(fake_camera.of_clip(clip)) as one:
        with pulling(scene, {"live/cam": rule(one.url(), TCP)}) as server:
            server.wait_live("live/cam")
            with viewer_of(server, "live/cam") as viewer:
                node.until(lambda: len(pictures(viewer.frames())) > 40, PATIENCE, "pictures come")
                one.power_off()
                node.until(lambda: not server.is_live("live/cam"), PATIENCE, "it is not live")
                before = len(pictures(viewer.frames()))
                one.power_on()
                server.wait_live("live/cam")
                node.until(lambda: len(pictures(viewer.frames())) > before + 40, PATIENCE, "it goes on")
                only_the_clips(clip, viewer)


@test(company="cameras")
def row_0_32_mpeg_ts_in_rtp_is_taken(scene):
    clip = scene.clip()
    with Camera([fake_camera.ts_of(clip)], Ways(loop=False)) as one:
        with pulling(scene, {"live/cam": rule(one.url(), ", transport: tcp, on_demand: true")}) as server:
            in_the_loop(ledger.of_clip(clip), watched(server, "live/cam", 60), 60)


@test(quick=True, company="cameras")
def row_3_24_a_camera_on_demand_is_asked_by_the_first_viewer_and_left_after_the_last(scene):
    clip = scene.clip()
    with Camera(fake_camera.of_clip(clip)) as one:
        words = ", on_demand: true, idle: 2s, transport: tcp"
        with pulling(scene, {"live/cam": rule(one.url(), words)}) as server:
            assert not one.requests, "nobody watches"
            begun = time.monotonic()
            in_the_loop(ledger.of_clip(clip), watched(server, "live/cam", 40), 40)
            assert time.monotonic() - begun < 10
            node.until(lambda: "TEARDOWN" in one.methods(), PATIENCE, "it is left")
            node.until(lambda: not one.talks, PATIENCE, "and hung up")
            assert report(server, "live/cam")["state"] == "offline"


@test(company="cameras")
def a_node_pulls_from_another_by_rtsp_and_each_frame_arrives(scene):
    clip = scene.clip()
    with peers.ffmpeg_publish(clip, scene.rtmp(), scene.folder) as publisher:
        scene.server.wait_live("live/cam")
        source = f"rtsp://{scene.server.listeners['rtsp']}/live/cam"
        rules = {f"live/{way}": rule(source, f", transport: {way}") for way in ("tcp", "udp")}
        with pulling(scene, rules) as server, contextlib.ExitStack() as stack:
            for name in rules:
                server.wait_live(name)
            viewers = [stack.enter_context(viewer_of(server, name)) for name in rules]
            for viewer in viewers:
                scene.exact(clip, viewer.receive_all(ledger.of_clip(clip)), least=0.5)
            publisher.succeed()
