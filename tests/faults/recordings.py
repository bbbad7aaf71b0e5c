"""What was recorded is there after kill -9 and a new start, frame for frame, and the archive is sound."""

import concurrent.futures
import json
import os
import socket
import subprocess
import urllib.request

import durable
import ledger
import node
import peers
from world import test

NAME = "live/kept"
KEY_EVERY = 25      # frames of the clip, which is a second
WHOLE = f"/{NAME}/archive.m3u8?to=2100-01-01T00:00:00Z"


def recording(_folder):
    return ("--open", "--set", f"streams={{ {NAME}: {{ record: true }} }}")


def what_there_is(world, name=NAME):
    status, body = world.server.get(f"/api/v1/recordings/{name}")
    assert status == 200, body
    return json.loads(body)


def check(folder):
    """What `millrace check` says of the node's archive."""
    program = os.path.join(node.ROOT, "build/release/bin/millrace")
    run = subprocess.run([program, "check", os.path.join(folder, "millrace-data"), "--json"],
                         capture_output=True, timeout=30, check=False)
    return run.returncode, json.loads(run.stdout or "{}")


def the_export_is_the_same(world, frames):
    """One file has the frames that the list has; a part of it is those bytes of the whole."""
    status, whole = world.server.get(f"/{NAME}/archive.mp4")
    assert status == 200
    path = os.path.join(world.folder, "export.mp4")
    with open(path, "wb") as file:
        file.write(whole)
    assert [frame.name for frame in ledger.of_annex_b(ledger.annex_b_of_file(path))] == frames
    run = subprocess.run(["mediainfo", "--Output=JSON", path], capture_output=True, timeout=30, check=True)
    tracks = {track["@type"]: track for track in json.loads(run.stdout)["media"]["track"]}
    video = tracks["Video"]
    assert (video["Format"], int(video["FrameCount"])) == ("AVC", len(frames)), video
    assert abs(float(video["Duration"]) - len(frames) / KEY_EVERY) < 0.1 and "Audio" in tracks, tracks
    request = urllib.request.Request(world.server.http(f"/{NAME}/archive.mp4"),
                                     headers={"Range": f"bytes={len(whole) // 2}-"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 206
        assert answer.read() == whole[len(whole) // 2:], "another part than was asked for"


def the_transport_stream_is_the_same(world, frames):
    status, whole = world.server.get(f"/{NAME}/archive.ts")
    assert status == 200
    path = os.path.join(world.folder, "export.ts")
    with open(path, "wb") as file:
        file.write(whole)
    assert [frame.name for frame in ledger.of_annex_b(ledger.annex_b_of_file(path))] == frames


def by_rtsp(world, transport, *seek, after="?to=2100-01-01T00:00:00Z"):
    """The names of the frames that FFmpeg gets by RTSP, to their end."""
    run = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", transport, *seek, "-i",
                          world.server.rtsp(f"{NAME}/archive{after}"), "-map", "0:v", "-c", "copy", "-f",
                          "h264", "-"], capture_output=True, timeout=60, check=True)
    return [frame.name for frame in ledger.of_annex_b(run.stdout)]


def by_rtsp_it_is_the_same(world, frames, key_every):
    """By TCP and UDP, from the beginning and from a moment: each frame once, from a key frame to the end."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        tcp, udp = (pool.submit(by_rtsp, world, one) for one in ("tcp", "udp"))
        sought = pool.submit(by_rtsp, world, "tcp", "-ss", "1.5", "-noaccurate_seek")
        assert tcp.result() == frames and udp.result() == frames
        left_out = len(frames) - len(sought.result())
        assert left_out > 0 and left_out % key_every == 0 and sought.result() == frames[left_out:], left_out
    long_ago = "from=2001-01-01T00:00:00Z&to=2001-01-02T00:00:00Z"
    words = rtsp_answer(world, "DESCRIBE", f"{NAME}/archive?{long_ago}")
    assert words.startswith("RTSP/1.0 404 nothing of this stream was recorded then"), words


def rtsp_answer(world, method, path):
    host, port = world.listeners["rtsp"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(f"{method} {world.server.rtsp(path)} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        return line.recv(4096).decode()


def a_moment_has_a_picture(world):
    """A JPEG of the key frame; a moment without a recording has none."""
    begin = what_there_is(world)["items"][0]["from"]
    status, picture = world.server.get(f"/{NAME}/archive.jpg?at={begin}&width=160")
    assert status == 200 and picture[:3] == b"\xff\xd8\xff", (status, picture[:80])
    assert world.server.get(f"/{NAME}/archive.jpg?at=2001-01-01T00:00:00Z")[0] == 404
    for query in ("", "?at=noon", f"?at={begin}&width=7"):
        assert world.server.get(f"/{NAME}/archive.jpg{query}")[0] == 400, query


def strange_addresses_find_nothing(world):
    """case 90: what is served comes from the index, never from a path."""
    for rest in ("archive/2.mp4", "archive/1-1.m4s", "archive/index", "archive/lock",
                 "archive/0000000001.mp4x", "archive/..%2findex", "archive/%2e%2e/state.json",
                 "archive.m3u8?rev=2"):
        status, body = world.server.get(f"/{NAME}/{rest}")
        assert status in (400, 404), f"{rest}: {status} {body[:80]}"
    for query in ("from=yesterday", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"):
        assert world.server.get(f"/api/v1/recordings/{NAME}?{query}")[0] == 400, query
    assert world.server.get("/live/other/archive/1.mp4")[0] == 404, "another stream's file"


@test(quick=True, builds=("release",), canary=False, options=recording)
def case_f1_a_killed_node_has_what_it_recorded(world):
    source = world.clip("plain-brisk")
    names = [frame.name for frame in ledger.of_clip(source) if frame.kind == "video"]
    with peers.ffmpeg_publish(source, world.server.rtmp(NAME), world.folder):
        world.server.wait_live(NAME)
        node.until(lambda: what_there_is(world)["items"], 10, "a fragment is recorded")
        before = what_there_is(world)
        assert before["recording"] and not before["gaps"], before
        world.server.process.kill()
        world.server.process.wait()
    durable.restart(world)
    got = [frame.name for frame in ledger.of_annex_b(ledger.annex_b_of_file(world.server.http(WHOLE)))]
    assert got == names[:len(got)], "not the frames that were sent, from the first on and in order"
    assert len(got) >= 50, f"{len(got)} frames of the 50 that were acknowledged"
    there = what_there_is(world)
    assert len(there["items"]) == 1 and not there["recording"] and not there["gaps"], there
    the_export_is_the_same(world, got)
    the_transport_stream_is_the_same(world, got)
    by_rtsp_it_is_the_same(world, got, KEY_EVERY)
    a_moment_has_a_picture(world)
    strange_addresses_find_nothing(world)
    world.server.stop()
    code, found = check(world.folder)
    assert code == 0 and found["sound"], found
