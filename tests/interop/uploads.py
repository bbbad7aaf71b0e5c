"""Streams published by PUT of HLS segments, as ffmpeg and curl upload them."""

import contextlib
import http.client
import os
import subprocess

import camera
import clip as clips
import ledger
import node
import peers
import sends
from scenario import test

PATIENCE = 20
SEGMENT = 1


def uploader(scene, clip, form, name="live/cam"):
    """ffmpeg, which uploads the clip in segments of 1 s at its own pace."""
    address = scene.server.http(f"/{name}/upload/")
    return peers.Program("ffmpeg-upload", [
        "ffmpeg", "-v", "warning", "-nostdin", "-re", "-i", clip.path, "-c", "copy", "-f", "hls",
        "-method", "PUT", "-hls_time", str(SEGMENT), "-hls_segment_type", form, "-hls_list_size", "3",
        "-hls_flags", "delete_segments", "-hls_segment_filename",
        f"{address}%d.{'ts' if form == 'mpegts' else 'm4s'}", f"{address}list.m3u8"],
        scene.folder)


def cut(scene, seconds):
    """So much of the clip."""
    path = os.path.join(scene.folder, "cut.mp4")
    subprocess.run(["ffmpeg", "-v", "error", "-t", str(seconds), "-i", scene.clip().path, "-c", "copy", path],
                   check=True, timeout=30)
    return clips.read(path)


def published(scene, form):
    """The frames that a viewer gets of what ffmpeg uploads, and the end that its list says."""
    clip = cut(scene, 3)
    with uploader(scene, clip, form) as ffmpeg:
        scene.server.wait_live("live/cam")
        with peers.FlvReader(scene.flv()) as viewer:
            ffmpeg.succeed()
            node.until(lambda: "live/cam: publisher" in scene.server.said(), PATIENCE,
                       "the list's end is said")
            got = viewer.frames()
    assert not ffmpeg.said(), ffmpeg.said()
    ledger.match(ledger.of_clip(clip), got, times=False, least=0.5)
    ledger.monotonic(got)
    assert "was lost" not in scene.server.said()


@test(quick=True, company="uploads", apart=True)
def ffmpeg_publishes_ts_segments_by_put(scene):
    published(scene, "mpegts")


@test(company="uploads", apart=True)
def ffmpeg_publishes_fmp4_segments_by_put(scene):
    published(scene, "fmp4")


@test(company="uploads", apart=True)
def a_sender_uploads_hls_and_says_its_end(scene):
    with sends.Sender(scene, sends.PICTURE, scene.server.http("/live/cam/upload/")) as sender:
        scene.server.wait_live("live/cam")
        with peers.FlvReader(scene.flv()) as viewer:
            node.until(lambda: sum(frame.kind == "video" for frame in viewer.frames()) > 30, PATIENCE,
                       "pictures arrive")
            sender.stop()
            node.until(lambda: not scene.server.is_live("live/cam"), PATIENCE, "the server is told the end")
            ledger.monotonic(viewer.frames())
    assert "was lost" not in scene.server.said(), scene.server.said()[-2000:]


def put(server, path, body, method="PUT", headers=()):
    host, port = server.listeners["http"].rsplit(":", 1)
    with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=PATIENCE)) as connection:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()


CLOSED = ("--set", 'auth.users=[ { name: anyone, allow: [ "play:*", "publish:open/*" ] } ]')


@test(company="uploads", apart=True)
def an_upload_is_let_in_as_any_publisher_is_and_refused_in_words(scene):
    folder = node.open_folder(os.path.join(scene.folder, "closed"))
    server = node.Millrace(folder, camera.program(scene), CLOSED)
    try:
        assert put(server, "/live/cam/upload/0.ts", b"G" * 300_000)[0] in (401, 403)
        assert put(server, "/open/cam/upload/0.avi", b"x" * 300_000)[0] == 415
        assert put(server, "/open/cam/upload/0.mp4", b"\0\0\0\4moof" * 40_000)[0] == 400
        assert put(server, "/open/cam/upload/0.ts", b"")[0] == 201
        assert put(server, "/open/cam/upload/0.ts", None, "DELETE")[0] == 204
        endless = [("Content-Length", "99999999999")]
        assert put(server, "/open/cam/upload/0.ts", None, headers=endless)[0] == 413
        assert server.get("/healthz")[0] == 200
    finally:
        server.stop()
