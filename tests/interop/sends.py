"""`millrace send`: the camera's side without a configuration, into servers, files, and as a server itself."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import camera
import clip as clips
import ledger
import node
import outputs
import peers
from scenario import test

PATIENCE = 20
PICTURE = "test:?size=320x180&fps=30&bitrate=500k&audio=none"


class Sender:
    """One `millrace send`, with the objects that it says on stdout and its words on stderr."""

    def __init__(self, scene, *arguments, json_lines=True):
        self.log_path = os.path.join(scene.folder, f"send-{time.monotonic_ns()}.log")
        command = [camera.program(scene), "send", *arguments, *(["--json"] if json_lines else [])]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=log, cwd=scene.folder)
        self.lines = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(5)

    def said(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def reports(self):
        return [line for line in self.lines if "state" in line]

    def live(self):
        return any(one["forwards"][0]["state"] == "live" for one in self.reports() if "forwards" in one)

    def ends(self, code, seconds=PATIENCE):
        """Its whole reports, once it ended with this code by itself."""
        try:
            got = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"send did not end:\n{self.said()}") from None
        assert got == code, f"send ended with {got}, not {code}:\n{self.said()}"
        self.reader.join(5)
        return self.reports()

    def stop(self, signal_number=signal.SIGINT):
        self.process.send_signal(signal_number)
        return self.ends(0, 10)


def state_at(server, name):
    status, body = server.get(f"/api/v1/streams/{name}")
    return json.loads(body)["state"] if status == 200 else "gone"


@test(quick=True)
def a_sender_pushes_by_rtsp_and_rtmp_says_how_it_goes_and_says_its_end(scene):
    with Sender(scene, PICTURE, scene.server.rtsp("live/one"), "--codec", "h265") as one, \
            Sender(scene, PICTURE, scene.rtmp("live/two")) as two:
        for name in ("live/one", "live/two"):
            scene.server.wait_live(name)
        with peers.FlvReader(scene.flv("live/one")) as viewer:
            node.until(lambda: sum(frame.kind == "video" for frame in viewer.frames()) > 30, PATIENCE,
                       "pictures arrive")
        node.until(lambda: one.live() and two.live(), PATIENCE, "both say that they send")
        reports = [one.stop(), two.stop(signal.SIGTERM)]
        for name in ("live/one", "live/two"):
            node.until(lambda at=name: state_at(scene.server, at) in ("offline", "gone"), 5,
                       "the server is told the end")
    for said, codec in zip(reports, ("h265", "h264")):
        last = [report for report in said if "forwards" in report and report["tracks"]][-1]
        video = last["tracks"][0]
        assert (video["codec"], video["width"], video["height"]) == (codec, 320, 180), video
        assert last["forwards"][0]["reconnects"] == 0 and last["forwards"][0]["bytes"] > 10_000, last
        assert last["compression_ratio"] > 1, last
    assert "was lost" not in scene.server.said(), scene.server.said()[-2000:]


@test()
def row_4_17_a_sender_is_a_server_for_whoever_comes(scene):
    with Sender(scene, PICTURE, "--listen", "rtsp://127.0.0.1:0/cam") as sender:
        node.until(lambda: sender.lines and "listeners" in sender.lines[0], PATIENCE, "it says where")
        address = sender.lines[0]["listeners"]["rtsp"]
        run = subprocess.run(["ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-show_entries",
                              "stream=codec_name,width", "-of", "csv=p=0", f"rtsp://{address}/cam"],
                             capture_output=True, text=True, timeout=30, check=True)
        assert run.stdout.strip() == "h264,320" and not run.stderr, (run.stdout, run.stderr)
        publish = subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x64",
                                  "-frames:v", "5", "-rtsp_transport", "tcp", "-f", "rtsp",
                                  f"rtsp://{address}/other"],
                                 capture_output=True, text=True, timeout=30, check=False)
        assert publish.returncode != 0, "nobody else may publish there"
        sender.stop()


@test()
def a_sender_writes_files_that_are_whole(scene):
    paths = {ending: os.path.join(scene.folder, f"made.{ending}") for ending in ("ts", "flv", "mp4")}
    with contextlib.ExitStack() as stack:
        senders = [stack.enter_context(Sender(scene, PICTURE + ("&codec=h265" if ending == "mp4" else ""),
                                              f"file:{path}"))
                   for ending, path in paths.items()]
        for path in paths.values():
            part = path + ".part"
            node.until(lambda at=part: os.path.exists(at) and os.path.getsize(at) > 50_000, PATIENCE,
                       "the file grows")
            assert not os.path.exists(path), "it has its name only when it is whole"
        for sender in senders:
            sender.stop()
    for path in paths.values():
        frames = outputs.frames_of(path, scene.folder)
        assert frames and frames[0].key, path
        ledger.monotonic(frames)
        assert not os.path.exists(path + ".part")


@test()
def a_film_is_sent_to_its_end_and_the_sender_ends_with_it(scene):
    film, path = (os.path.join(scene.folder, name) for name in ("film.mp4", "copy.flv"))
    subprocess.run(["ffmpeg", "-v", "error", "-t", "1.5", "-i", scene.clip().path, "-c", "copy", film],
                   check=True, timeout=30)
    with Sender(scene, f"file:{film}", f"file:{path}") as sender:
        sender.ends(0, peers.MEDIA_PATIENCE)
    scene.exact(clips.read(film), outputs.frames_of(path, scene.folder), least=0.95)


@test()
def row_7_7_raw_pictures_of_a_program_are_sent_from_stdin(scene):
    path = os.path.join(scene.folder, "raw.mp4")
    pictures = b"".join(bytes([number * 4 % 256]) * (128 * 96 * 3) for number in range(45))
    command = [camera.program(scene), "send", "raw:-?size=128x96&fps=30&format=bgr24", f"file:{path}",
               "--bitrate", "300k", "--json"]
    run = subprocess.run(command, input=pictures, capture_output=True, timeout=PATIENCE, check=False)
    assert run.returncode == 0, run.stderr.decode()
    frames = outputs.frames_of(path, scene.folder)
    assert len(frames) == 45 and frames[0].key, len(frames)


@test(quick=True)
def a_sender_says_in_one_sentence_what_is_wrong_and_goes_on_or_ends(scene):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"rtmp://127.0.0.1:{probe.getsockname()[1]}/live/cam"

    def words(*arguments, code):
        with Sender(scene, *arguments) as sender:
            sender.ends(code)
            return sender.said()

    assert "nobody listens" in words(PICTURE, closed, "--once", code=1)
    for arguments, wanted in {
            ("film.mp4", closed): "this is no source",
            ("test:", "ftp://127.0.0.1/"): "wanted is a destination",
            ("test:", "file:film.avi"): "ends in .ts, .flv or .mp4",
            ("test:",): "DESTINATION",
            ("test:?size=1x1", closed): "size",
            ("rtsp://127.0.0.1/cam", closed, "--codec", "h265"): "is sent as it comes"}.items():
        said = words(*arguments, code=2)
        assert wanted in said and len(said.strip().splitlines()) <= 2, (arguments, said)
    with Sender(scene, "file:no-such-film.mp4", closed) as sender:
        node.until(lambda: "No such file" in sender.said(), PATIENCE, "it says what is missing")
        sender.stop()
    with Sender(scene, PICTURE, closed) as sender:
        node.until(lambda: "it is tried again" in sender.said(), PATIENCE, "it says that it goes on")
        sender.stop()
        assert len(re.findall("nobody listens", sender.said())) == 1, sender.said()
