"""Cameras of pictures and of Opus: what comes in by RTP or HTTP leaves by RTSP bit for bit."""

import contextlib
import os
import subprocess

import clip as clips
import fake_camera
import node
import rtsp_peers
from fake_camera import Camera, Ways
from rtsp_ends import decoded_sound, picture_hashes
from rtsp_pulls import PATIENCE, cameras, pulling, rule
from scenario import test
from sources import Camera as WebCamera
from sources import endless

PICTURES = 50
SEEN = 30


def jpegs_of(scene):
    """(path, JPEGs) of moving pictures whose Huffman tables are those that RFC 2435 §3.1.6 wants."""
    path = os.path.join(scene.folder, "pictures.mjpeg")
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25",
                    "-frames:v", str(PICTURES), "-c:v", "mjpeg", "-huffman", "default", "-pix_fmt",
                    "yuvj420p", "-q:v", "5", path], check=True, timeout=60)
    with open(path, "rb") as file:
        found = [b"\xff\xd8" + part for part in file.read().split(b"\xff\xd8\xff")[1:]]
    found = [b"\xff\xd8\xff" + one[2:] for one in found]
    assert len(found) == PICTURES
    return path, found


def size_of(path):
    return os.path.getsize(path) if os.path.exists(path) else 0


class Copies(contextlib.ExitStack):
    """ffmpeg copies each of these streams by RTSP, until all have come so far; {name: path}."""

    def __init__(self, scene, server, names, transport="tcp"):
        super().__init__()
        self.players = {}
        for name in names:
            address = f"rtsp://{server.listeners['rtsp']}/{name}"
            folder = node.open_folder(os.path.join(scene.folder, f"copied-{name.replace('/', '-')}"))
            self.players[name] = self.enter_context(rtsp_peers.FfmpegCopy(address, folder, transport))

    def until(self, least):
        """Each file has so many bytes; the paths."""
        for player in self.players.values():
            node.until(lambda one=player: size_of(one.path) > least, PATIENCE, f"{least} bytes are copied")
        for player in self.players.values():
            player.stop()
        return {name: player.path for name, player in self.players.items()}


def a_run_of(sent, got, name):
    """What came is a run of what is shown again and again."""
    assert len(got) >= SEEN, f"{name}: {len(got)}"
    first = sent.index(got[0])
    wanted = [sent[(first + number) % len(sent)] for number in range(len(got))]
    assert got == wanted, f"{name} differs at {[a == b for a, b in zip(got, wanted)].index(False)}"


@test(quick=True, company="codecs")
def row_2_20_jpeg_of_an_rtsp_camera_leaves_by_rtsp_pixel_by_pixel(scene):
    path, jpegs = jpegs_of(scene)
    track = fake_camera.jpeg_of(jpegs, 25)
    with cameras({"live/tcp": Ways(), "live/udp": Ways()}, [track]) as found:
        rules = {name: rule(one.url(), f", transport: {name[5:]}") for name, one in found.items()}
        with pulling(scene, rules) as server:
            for name in found:
                server.wait_live(name)
            with Copies(scene, server, found) as copies:
                paths = copies.until(sum(map(len, jpegs)) * SEEN * 3 // 2 // PICTURES)
    for name, copied in paths.items():
        a_run_of(picture_hashes(path), picture_hashes(copied), name)


@test(company="codecs")
def row_0_32_pictures_that_are_pulled_by_http_leave_by_rtsp_pixel_by_pixel(scene):
    path, jpegs = jpegs_of(scene)
    with WebCamera(endless(jpegs)) as good:
        with pulling(scene, {"live/cam": rule(f"http://{good.address}/")}) as server:
            server.wait_live("live/cam")
            with Copies(scene, server, ["live/cam"]) as copies:
                paths = copies.until(sum(map(len, jpegs)) * SEEN * 3 // 2 // PICTURES)
    a_run_of(picture_hashes(path), picture_hashes(paths["live/cam"]), "live/cam")


@test(company="codecs")
def row_2_20_opus_of_an_rtsp_camera_leaves_by_rtsp_byte_by_byte(scene):
    path = os.path.join(scene.folder, "opus.mp4")
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "anoisesrc=sample_rate=48000:amplitude=0.2",
                    "-t", str(clips.SECONDS), "-c:a", "libopus", "-b:a", "64k", path], check=True, timeout=60)
    sound = fake_camera.opus_of(clips.read(path))
    with Camera([fake_camera.video_of(scene.clip()), sound]) as one:
        with pulling(scene, {"live/cam": rule(one.url(), ", transport: tcp")}) as server:
            server.wait_live("live/cam")
            with Copies(scene, server, ["live/cam"]) as copies:
                paths = copies.until(os.path.getsize(scene.clip().path) // 2)
    a_run_of(decoded_sound(path), decoded_sound(paths["live/cam"]), "live/cam")
