"""Sources on demand, and those that the node pulls from elsewhere: MJPEG cameras, good and bad ones."""

import contextlib
import json
import os
import socket
import subprocess
import threading
import time

import camera
import clip
import ledger
import node
import peers
from scenario import CLIPS, test

IDLE_SECONDS = 2
PATIENCE = 20
BOUNDARY = b"frame"


def rule(source, more=""):
    return f"live/cam: {{ source: \"{source}\"{more} }}"


def on_demand(source):
    return ("--set", f"streams={{ {rule(source, f', on_demand: true, idle: {IDLE_SECONDS}s')} }}")


def state(server, name="live/cam"):
    status, body = server.get(f"/api/v1/streams/{name}")
    return json.loads(body) if status == 200 else {}


@contextlib.contextmanager
def second_node(scene, *options, folder="second"):
    """Another node, for what its options say only when the test runs."""
    server = node.Millrace(node.open_folder(os.path.join(scene.folder, folder)), camera.program(scene),
                           ("--open", *options))
    try:
        yield server
    except BaseException:
        print(server.said()[-4000:])
        raise
    finally:
        server.stop()


def pictures(count=30):
    """Different JPEGs, 25 of them a second of moving picture."""
    made = subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25",
                           "-frames:v", str(count), "-c:v", "mjpeg", "-q:v", "5", "-f", "image2pipe", "-"],
                          capture_output=True, check=True, timeout=60).stdout
    found = [b"\xff\xd8" + part for part in made.split(b"\xff\xd8")[1:]]
    assert len(found) == count
    return found


def parts(jpegs, length=True):
    """A multipart answer's parts, with the word boundary inside as cameras' comments may have it."""
    for jpeg in jpegs:
        head = b"--" + BOUNDARY + b"\r\nContent-Type: image/jpeg\r\n"
        head += b"Content-Length: %d\r\n" % len(jpeg) if length else b""
        yield head + b"\r\n" + jpeg + b"\r\n"


class Camera:
    """An HTTP server that answers every connection as `play(connection, request)` says, in a thread each."""

    def __init__(self, play, address="127.0.0.1"):
        self.play = play
        self.requests = []
        self.listener = socket.create_server((address, 0))
        self.address = f"{address}:{self.listener.getsockname()[1]}"
        self.over = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while not self.over.is_set():
                connection, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request:
                more = connection.recv(65536)
                if not more:
                    return
                request += more
            self.requests.append((time.monotonic(), request.decode()))
            self.play(connection, request)


def endless(jpegs, fps=25, length=True):
    """Shows the pictures again and again until nobody looks."""
    def play(connection, _request):
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary="
                           + BOUNDARY + b"\r\n\r\n")
        while True:
            for part in parts(jpegs, length):
                connection.sendall(part)
                time.sleep(1 / fps)
    return play


def seen(server, count):
    """The pictures of a viewer of the stream's .mjpeg, byte for byte."""
    host, port = server.listeners["http"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as viewer:
        viewer.sendall(b"GET /live/cam.mjpeg HTTP/1.1\r\nHost: x\r\n\r\n")
        file = viewer.makefile("rb")
        line = file.readline()
        assert b" 200 " in line, line
        got = []
        while len(got) < count:
            line = file.readline()
            assert line, "the stream ended"
            if line.lower().startswith(b"content-length:"):
                size = int(line.split(b":")[1])
                while file.readline() != b"\r\n":
                    pass
                got.append(file.read(size))
        return got


@test(quick=True, options=on_demand("test:?size=640x360&fps=30&preset=ultrafast"), company="sleepers",
      apart=True)
def row_2_9_a_source_on_demand_runs_from_the_first_viewer_until_the_idle_time(scene):
    server = scene.server
    pid = server.process.pid
    listed = json.loads(server.get("/api/v1/streams")[1])["items"]
    rests = [(one["name"], one["state"], one["on_demand"]) for one in listed]
    assert rests == [("live/cam", "offline", True)], rests
    assert not camera.children(pid), "nobody watches"
    for _ in range(2):
        with peers.curl_play(scene.flv(), scene.folder) as player:
            node.until(lambda: len(camera.children(pid)) == 1, PATIENCE, "one child runs")
            frames = camera.watch(player, 60)
        assert [frame for frame in frames if frame.kind == "video"][0].key, "it begins with a key frame"
        node.until(lambda: not camera.children(pid), PATIENCE, "the child is gone after the idle time")
        node.until(lambda: state(server)["state"] == "offline", PATIENCE, "the stream rests")
    status, body = server.get("/live/cam/index.m3u8", PATIENCE)
    assert status == 200 and body.startswith(b"#EXTM3U"), (status, body)
    node.until(lambda: not camera.children(pid), PATIENCE, "nobody polls any more")
    assert server.said().count("is published by source") == 3


@test(options=on_demand(f"file:{CLIPS}/plain.mp4?loop"), company="files", apart=True)
def row_3_20_a_file_on_demand_is_paced_and_late_joiners_get_header_and_gop(scene):
    sent = [frame for frame in ledger.of_clip(scene.clip()) if frame.kind == "video"]
    names = {frame.name[0] for frame in sent}
    count = clip.SECONDS * clip.FPS
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(peers.FlvReader(scene.flv()))

        def received(pictures_):
            return sum(frame.kind == "video" for frame in first.frames()) >= pictures_

        node.until(lambda: received(2), PATIENCE, "the first viewer sees pictures")
        began = time.monotonic()
        others = [stack.enter_context(peers.FlvReader(scene.flv())) for _ in range(5)]
        node.until(lambda: received(count), clip.SECONDS + PATIENCE, "the file was shown once")
        took = time.monotonic() - began
        assert took > clip.SECONDS - 3, f"{clip.SECONDS} s of file came in {took:.1f} s"
        for other in others:
            video = [frame for frame in other.frames() if frame.kind == "video"]
            assert video and video[0].key, "a late joiner begins with a key frame"
            assert all(frame.name[0] in names for frame in video), "pictures are the file's"
    assert scene.server.said().count("is published by source") == 1, "one source for all viewers"


@test(quick=True)
def pictures_of_a_camera_are_pulled_and_passed_on_byte_for_byte(scene):
    jpegs = pictures()
    with Camera(endless(jpegs)) as good:
        url = f"http://me:pa%20ss@{good.address}/v?a='b'"
        options = ("--set", "outgoing.allow=[ 127.0.0.1 ]", *on_demand(url))
        with second_node(scene, *options) as server:
            assert not good.requests, "nobody watches"
            got = seen(server, 60)
            assert good.requests[0][1].startswith("GET /v?a='b' HTTP/1.1\r\n"), good.requests
            assert "Authorization: Basic bWU6cGEgc3M=\r\n" in good.requests[0][1]
            first = jpegs.index(got[0])
            assert got == [jpegs[(first + at) % len(jpegs)] for at in range(len(got))]
            node.until(lambda: state(server)["state"] == "offline", PATIENCE, "it rests")
            assert len(good.requests) == 1
            assert "pa%20ss" not in server.said() and "pa ss" not in server.said()


@test()
def cameras_that_name_no_lengths_or_give_one_picture_at_a_time_are_pulled_too(scene):
    jpegs = pictures()
    turn = iter(range(10_000))

    def single(connection, _request):
        while True:
            jpeg = jpegs[next(turn) % len(jpegs)]
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
                               % len(jpeg) + jpeg)
            if not connection.recv(65536):
                return

    for play, fragment in ((endless(jpegs, length=False), ""), (single, "#fps=20")):
        with Camera(play) as good:
            url = f"http://{good.address}/{fragment}"
            options = ("--set", "outgoing.allow=[ 127.0.0.0/8 ]", *on_demand(url))
            with second_node(scene, *options) as server:
                got = seen(server, 40)
                first = jpegs.index(got[0])
                assert got == [jpegs[(first + at) % len(jpegs)] for at in range(len(got))]
                assert len(good.requests) == 1


@test()
def a_node_pulls_the_pictures_of_another(scene):
    source = camera.source("test:?size=640x360&fps=30&preset=ultrafast&audio=none")
    with second_node(scene, *source) as far:
        far.wait_live("live/cam")
        address = far.listeners["http"]
        folder = node.open_folder(os.path.join(scene.folder, "third"))
        near = node.Millrace(folder, camera.program(scene),
                             ("--open", "--set", "outgoing.allow=[ 127.0.0.1 ]",
                              *on_demand(f"http://{address}/live/cam.mjpeg")))
        try:
            assert len(set(seen(near, 40))) == 40
            origin = state(near)["latency"]["origin"]
            assert origin == "capture", f"the far node says when and whose word it is, not {origin}"
        finally:
            near.stop()


@test(quick=True, company="sleepers", apart=True)
def case_82_no_way_leads_to_this_machine_unless_it_is_allowed(scene):
    with Camera(endless(pictures(2))) as own:
        port = own.address.rsplit(":", 1)[1]
        # What a name stands for shows when it is connected to.
        with second_node(scene, *on_demand(f"http://localhost:{port}/")) as server:
            status, body = server.get("/live/cam.mjpeg", PATIENCE)
            assert status == 503, (status, body)
            assert "connects to no such address" in server.said()
        for host in ("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::]",
                     "0.0.0.0", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "169.254.169.254",
                     "camera.example@127.0.0.1"):
            check_refused(scene, f"http://{host}:{port}/")
        for source in ("gopher://h/", "concat:a|b", "data:,x", "pipe:0", "unix:/x", "ftp://h/", "//h/"):
            check_refused(scene, source)

        def elsewhere(connection, _request):
            connection.sendall(f"HTTP/1.1 302 Found\r\nLocation: http://{own.address}/\r\n"
                               "Content-Length: 0\r\n\r\n".encode())

        with Camera(elsewhere, "127.0.0.2") as bad:
            options = ("--set", "outgoing.allow=[ 127.0.0.2 ]", *on_demand(f"http://{bad.address}/"))
            with second_node(scene, *options) as server:
                status, body = server.get("/live/cam.mjpeg", PATIENCE)
                assert status == 503 and bad.requests, (status, body)
        assert not own.requests, own.requests


def check_refused(scene, source):
    run = subprocess.run([camera.program(scene), "serve", "--set", "http.listen=127.0.0.1:0", "--set",
                          "rtmp.listen=off", *on_demand(source)], cwd=scene.folder, capture_output=True,
                         text=True, timeout=PATIENCE, check=False)
    assert run.returncode != 0, f"{source} was taken"
    assert "streams" in run.stderr, run.stderr


@test(company="sleepers", apart=True)
def case_84_a_camera_that_never_answers_costs_nothing(scene):
    def silent(connection, _request):
        connection.recv(1)

    def drop_by_drop(connection, _request):
        connection.sendall(b"HTTP/1.1 200 OK\r\n"
                           b"Content-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"-")
            time.sleep(60)

    with Camera(silent) as mute, Camera(drop_by_drop) as slow:
        rules = ", ".join(f'live/{one.address.rpartition(":")[2]}: {{ source: "http://{one.address}/" }}'
                          for one in (mute, slow))
        options = ("--set", "outgoing.allow=[ 127.0.0.1 ]", "--set", f"streams={{ {rules} }}")
        with second_node(scene, *options) as server:
            for bad in (mute, slow):
                node.until(lambda cam=bad: len(cam.requests) >= 2, 60, "it is asked again")
                apart = bad.requests[1][0] - bad.requests[0][0]
                assert 8 < apart < 30, f"again after {apart:.1f} s"
            assert server.get("/healthz")[0] == 200
