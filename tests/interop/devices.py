"""What a machine captures itself: a screen, and what programs write."""

import contextlib
import json
import os
import signal
import subprocess

import camera
import node
import peers
from scenario import test
from sources import PATIENCE, second_node, state

WHITE = 230


@contextlib.contextmanager
def xvfb(width, height, *options):
    """An X server of our own; its display."""
    read, write = os.pipe()
    server = subprocess.Popen(["Xvfb", *options, "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp",
                               "-displayfd", str(write)], pass_fds=(write,), stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as displays:
            yield ":" + displays.readline().strip()
    finally:
        server.kill()
        server.wait()


def brightness(jpeg):
    """The average of a picture's luma."""
    grey = subprocess.run(["ffmpeg", "-v", "error", "-i", "-", "-f", "rawvideo", "-pix_fmt", "gray", "-"],
                          input=jpeg, capture_output=True, check=True, timeout=60).stdout
    return sum(grey) / len(grey)


def pictures(viewer):
    return [frame for frame in viewer.frames() if frame.kind == "video"]


@test()
def row_3_2_a_screen_and_a_programs_output_become_streams_and_nothing_outlives_the_server(scene):
    program = ("exec:ffmpeg -v error -re -f lavfi -i testsrc2=size=320x240:rate=30 -c:v libx264 "
               "-preset ultrafast -g 30 -f mpegts -?format=ts")
    with xvfb(320, 240, "-wr") as display:      # white
        streams = (f"{{ live/screen: {{ source: \"screen:{display}\", encode: {{ gop: 500ms }} }}, "
                   f"live/program: {{ source: \"{program}\" }}, "
                   "live/gone: { source: \"v4l2:/dev/video99\" } }")
        with second_node(scene, "--set", f"streams={streams}") as server:
            listed = subprocess.run([server.command[0], "devices", "--json"], capture_output=True, check=True,
                                    timeout=60, text=True).stdout
            assert f"screen:{display}" in [json.loads(line)["source"] for line in listed.splitlines()]
            for name in ("live/screen", "live/program"):
                node.until(lambda: state(server, name).get("state") == "live", PATIENCE, f"{name} is live")
                with peers.FlvReader(server.http(f"/{name}.flv")) as viewer:
                    node.until(lambda: len(pictures(viewer)) >= 20, PATIENCE, f"20 pictures of {name}")
                    video = pictures(viewer)
                assert video[0].key
                times = [frame.dts for frame in video]
                assert times == sorted(set(times)), times
            tracks = state(server, "live/screen")["tracks"]
            assert (tracks[0]["width"], tracks[0]["height"]) == (320, 240), tracks
            status, jpeg = server.get("/live/screen.jpg")
            assert status == 200 and brightness(jpeg) > WHITE, brightness(jpeg)
            assert "/dev/video99 is not there" in server.said()
            assert "live/gone is published" not in server.said()
            media = camera.children(server.process.pid)
            programs = [pid for child in media for pid in camera.children(child)]
            assert programs, "the program runs below the child"
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            node.until(lambda: not any(map(camera.is_running, media + programs)), PATIENCE, "nothing is left")
            server.start_again(dict.fromkeys(("http", "rtmp", "rtsp", "rtp", "kcp"), "127.0.0.1:0"))
