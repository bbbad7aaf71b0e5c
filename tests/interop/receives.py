"""`millrace receive` and `millrace probe`: every address of ours, files, raw pictures, and what they say."""

import contextlib
import json
import os
import subprocess
import threading

import camera
import clip as clips
import node
import peers
import sends
import stamps
import ts_check
from scenario import CLIPS, test

PATIENCE = 60
WIDTH, HEIGHT = 320, 180
CAMERA = camera.source(f"test:?size={WIDTH}x{HEIGHT}&fps=30&gop=1s&preset=ultrafast&audio=aac")


def begun(scene, verb, *arguments, environment=None):
    return subprocess.Popen([camera.program(scene), verb, *arguments], cwd=scene.folder,
                            env=os.environ | (environment or {}), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(process, code):
    """(stdout, stderr) of a verb that ends by itself with this code."""
    try:
        out, said = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"it did not end:\n{process.communicate()[1].decode()}") from None
    assert process.returncode == code, (process.returncode, process.args, said.decode())
    return out, said.decode()


class Viewer:
    """One `millrace receive`, with what it says of itself each second."""

    def __init__(self, scene, address):
        self.address, self.lines = address, []
        self.process = begun(scene, "receive", address, "--json")
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(json.loads(line)["playback"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join(5)
        self.process.stdout.close()
        self.process.stderr.close()

    def newest(self):
        return self.lines[-1]

    def until(self, condition, what):
        return node.until(lambda: self.lines and condition(self.newest()) and self.newest(), PATIENCE,
                          f"{self.address}: {what}; it says {self.lines[-1:]}")


def last_report(out):
    report = json.loads(out.splitlines()[-1])
    playback = report["playback"]
    assert playback["frames_received"] == (playback["frames_decoded"] + playback["frames_broken"] +
                                           playback["frames_skipped"] + playback["frames_waiting"]), playback
    return report, playback


@test(quick=True, options=CAMERA, company="receives")
def row_4_11_every_address_of_ours_is_received_and_decoded(scene):
    scene.server.wait_live("live/cam")
    http = scene.server.http("/live/cam")
    addresses = [scene.server.rtsp("live/cam"), scene.rtmp(), f"{http}.flv", f"{http}.ts", f"{http}.mp4",
                 f"{http}/index.m3u8", f"{http}.mjpeg", f"{http}.flv".replace("http:", "ws:"),
                 f"{http}.mp4".replace("http:", "ws:"), f"{http}.mjpeg".replace("http:", "ws:")]
    running = [begun(scene, "receive", address, "--json", "--frames", "30") for address in addresses]
    for address, process in zip(addresses, running):
        out, _ = ended(process, 0)
        report, playback = last_report(out)
        assert playback["frames_shown"] >= 30 and playback["frames_broken"] == 0, (address, playback)
        assert (playback["width"], playback["height"]) == (WIDTH, HEIGHT), (address, playback)
        assert report["bytes_in"] > 10_000, address
        if "mjpeg" not in address:
            assert playback["latency"]["origin"] == "capture", (address, playback)
            assert playback["latency"]["shown_seconds"]["p50"] < 20, (address, playback)


@test(options=CAMERA, company="receives")
def row_0_27_raw_pictures_on_stdout_are_those_of_the_camera_one_after_the_other(scene):
    scene.server.wait_live("live/cam")
    saved = os.path.join(scene.folder, "saved.ts")
    running = {form: begun(scene, "receive", scene.server.rtsp("live/cam"), "--raw", form, "--frames", "25",
                           *more) for form, more in (("yuv420p", ("--save", saved)), ("bgr24", ()))}
    for form, process in running.items():
        out, _ = ended(process, 0)
        size = WIDTH * HEIGHT * 3 // (2 if form == "yuv420p" else 1)
        assert len(out) == 25 * size, (form, len(out) / size)
        pictures = [out[at:at + size] for at in range(0, len(out), size)]
        grey = [one[:WIDTH * HEIGHT] if form == "yuv420p" else one[1::3] for one in pictures]
        numbers = [stamps.read(one, WIDTH).frame for one in grey]
        assert numbers == list(range(numbers[0], numbers[0] + 25)), (form, numbers)
    probe = subprocess.run(["ffprobe", "-v", "error", "-count_packets", "-select_streams", "v", "-of",
                            "csv=p=0", "-show_entries", "stream=nb_read_packets", saved],
                           capture_output=True, check=True, timeout=PATIENCE)
    assert int(probe.stdout.split()[0].strip(b",")) >= 15, probe.stdout


@test(options=CAMERA, company="receives")
def a_probe_says_what_a_stream_is_and_where_it_plays(scene):
    scene.server.wait_live("live/cam")
    for_people = begun(scene, "probe", scene.server.http("/live/cam.flv"))
    out, _ = ended(begun(scene, "probe", scene.server.rtsp("live/cam"), "--json"), 0)
    report = json.loads(out)
    video, sound = report["tracks"]
    assert video["codec_string"].startswith("avc1.") and sound["codec"] == "aac", report["tracks"]
    assert (video["width"], video["height"]) == (WIDTH, HEIGHT)
    assert 20 < video["fps"]["received"]["1s"] < 40, video
    assert 0.9 < report["gop_seconds"] < 1.1, report["gop_seconds"]
    assert report["latency"]["origin"] in ("capture", "sender") and report["obstacles"] == [], report
    text = ended(for_people, 0)[0].decode()
    for words in ("picture   h264 (avc1.", "320x180", "a key frame every 1.00 s", "no B-frames",
                  "sound     aac", "  latency ", "plays     everywhere"):
        assert words in text, (words, text)


SOUNDS = {"pcmu": ("pcm_mulaw", 8000), "pcma": ("pcm_alaw", 8000), "g722": ("g722", 16000),
          "l16": ("pcm_s16be", 44100)}


@test(options=CAMERA, company="receives")
def row_4_11_sound_that_only_rtsp_carries_is_decoded_too(scene):
    with contextlib.ExitStack() as stack:
        for name, (codec, rate) in SOUNDS.items():
            stack.enter_context(peers.Program(f"ffmpeg-{name}", [
                "ffmpeg", "-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i", f"sine=sample_rate={rate}",
                "-c:a", codec, "-ac", "1", "-rtsp_transport", "tcp", "-f", "rtsp",
                scene.server.rtsp(f"sound/{name}")], scene.folder))
        for name in SOUNDS:
            scene.server.wait_live(f"sound/{name}")
        running = {name: begun(scene, "receive", scene.server.rtsp(f"sound/{name}"), "--json", "--seconds",
                               "1.5") for name in SOUNDS}
        for name, process in running.items():
            report, playback = last_report(ended(process, 0)[0])
            assert report["tracks"][0]["codec"] == name, report["tracks"]
            assert playback["sounds_decoded"] > 5 and playback["sounds_broken"] == 0, (name, playback)


@test()
def row_4_13_receivers_are_told_the_end_of_a_push_and_go_on_with_the_next(scene):
    """Each form has a word for it; without one it would be the silence that makes them black, after 2 s, and
    another reason. Lists are played to their last picture before."""
    http = scene.server.http(f"/{scene.own}")
    web_socket = http.replace("http:", "ws:")
    addresses = (scene.server.rtsp(scene.own), scene.server.rtmp(scene.own), f"{http}.flv", f"{http}.mp4",
                 f"{http}.ts", f"{http}.mjpeg", f"{http}/index.m3u8", f"{http}/ts.m3u8",
                 f"{web_socket}.flv", f"{web_socket}.mp4", f"{web_socket}.ts",
                 f"{web_socket}.mjpeg")
    source = f"test:?size={WIDTH}x{HEIGHT}&fps=30&gop=500ms&preset=ultrafast&audio=aac"
    with contextlib.ExitStack() as stack:
        with sends.Sender(scene, source, scene.server.rtsp(scene.own)) as sender:
            scene.server.wait_live(scene.own)
            viewers = [stack.enter_context(Viewer(scene, address)) for address in addresses]
            for viewer in viewers:
                viewer.until(lambda now: now["frames_shown"] > 10 and not now["dark"], "it shows pictures")
            sender.stop()
        for viewer in viewers:
            said = viewer.until(lambda now: now["dark"], "it is black")
            assert said["reason"] == "the sender ended the stream", (viewer.address, said)
        shown = [viewer.newest()["frames_shown"] for viewer in viewers]
        with sends.Sender(scene, source, scene.server.rtsp(scene.own)) as sender:
            for viewer, before in zip(viewers, shown):
                viewer.until(lambda now, then=before: now["frames_shown"] > then + 10 and not now["dark"],
                             "it goes on by itself")
            sender.stop()


def running_statuses(packets):
    """What the SDTs say of the service, one after the other, each once (EN 300 468 table 6)."""
    said = [packets[at + 19] >> 5 for at in range(0, len(packets), 188)
            if packets[at + 1] & 0x1F == 0 and packets[at + 2] == 0x11]
    return [status for at, status in enumerate(said) if at == 0 or status != said[at - 1]]


@test()
def row_4_13_what_says_the_end_of_a_push_leaves_other_programs_as_they_were(scene):
    """One connection over the end of a push and the next: MPEG-TS stays sound, and so do pictures' parts."""
    paths = {form: os.path.join(scene.folder, f"over.{form}") for form in ("ts", "mjpeg")}
    source = f"test:?size={WIDTH}x{HEIGHT}&fps=30&gop=500ms&preset=ultrafast&audio=aac"
    with contextlib.ExitStack() as stack:
        def contents(form):
            with open(paths[form], "rb") as file:
                return file.read()

        def grown(by):
            before = {form: os.path.getsize(path) for form, path in paths.items()}
            node.until(lambda: all(os.path.getsize(paths[form]) > size + by for form, size in before.items()),
                       PATIENCE, "both go on")

        for turn in range(2):
            with sends.Sender(scene, source, scene.server.rtsp(scene.own)) as sender:
                scene.server.wait_live(scene.own)
                for form, path in paths.items() if turn == 0 else ():
                    address = scene.server.http(f"/{scene.own}.{form}")
                    curl = subprocess.Popen(["curl", "-sN", address, "-o", path])
                    stack.callback(curl.wait)
                    stack.callback(curl.kill)
                    node.until(lambda at=path: os.path.exists(at), PATIENCE, "it begins")
                grown(150_000)
                sender.stop()
                node.until(lambda said=turn + 1: contents("mjpeg").count(b"X-Publisher: ended") == said,
                           PATIENCE, "the parts say the end")
    with open(paths["ts"], "rb") as file:
        packets = file.read()
    packets = packets[:len(packets) // 188 * 188]
    checker = ts_check.Checker()
    checker.feed(packets)
    checker.finish()
    assert not checker.findings, checker.findings[:5]
    assert running_statuses(packets)[:3] == [4, 1, 4], running_statuses(packets)
    with open(paths["mjpeg"], "rb") as file:
        parts = file.read()
    assert b"--frame\r\nX-Publisher: ended\r\nContent-Type: image/jpeg\r\n" in parts
    pictures = parts.count(b"X-Timestamp-Origin")
    shown = read_by_ffmpeg(paths["mjpeg"], "mpjpeg")
    assert pictures - 1 <= shown <= pictures, "all but one that the test cut"
    assert read_by_ffmpeg(paths["ts"], "mpegts") > 30


def read_by_ffmpeg(path, form):
    """How many pictures it decodes."""
    command = ["ffmpeg", "-v", "error", "-f", form, "-i", path, "-map", "0:v", "-f", "framecrc", "-"]
    run = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True)
    return sum(not line.startswith(b"#") for line in run.stdout.splitlines())


@test(company="receives")
def a_film_of_one_picture_shows_it_before_it_ends(scene):
    film = os.path.join(scene.folder, "one.mp4")
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180", "-frames:v", "1",
                    "-pix_fmt", "yuv420p", film], check=True, timeout=PATIENCE)
    for arguments, size in ((("--json",), None), (("--raw", "yuv420p"), 320 * 180 * 3 // 2)):
        out, said = ended(begun(scene, "receive", film, *arguments), 0)
        if size:
            assert len(out) == size, (len(out), said)
        else:
            _, playback = last_report(out)
            assert playback["frames_shown"] == 1 and playback["frames_unseen"] == 0, playback


@test(company="receives")
def a_file_is_received_whole_and_what_is_no_address_is_said(scene):
    path = os.path.join(scene.folder, "short.mkv")
    subprocess.run(["ffmpeg", "-v", "error", "-i", clips.make(CLIPS, "plain").path, "-frames:v", "25", "-t",
                    "1", "-c", "copy", path], check=True, timeout=PATIENCE)
    running = begun(scene, "receive", "short.mkv", "--json")
    for wrong, words in (("nonsense:x", "no sources of the kind"), ("rtsp://", "host")):
        for verb in ("receive", "probe"):
            _, said = ended(begun(scene, verb, wrong), 2)
            assert words in said, said
    _, playback = last_report(ended(running, 0)[0])
    assert playback["frames_decoded"] == 25 and playback["sounds_decoded"] > 20, playback
    _, said = ended(begun(scene, "receive", "none.mkv"), 1)
    assert "No such file" in said, said
