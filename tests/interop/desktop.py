"""`millrace-desktop`: windows on a screen of their own, with real clicks and keys, judged by their pixels."""

import contextlib
import glob
import json
import os
import re
import signal
import subprocess
import threading
import time

import camera
import figures
import node
import stamps
from devices import xvfb
from scenario import test
from sources import PATIENCE, second_node, state

SCREEN = (2400, 900)
APART = SCREEN[0] // 2
KEPT = os.path.join(node.ROOT, "build/desktop_pictures")
PICTURE = (640, 360)
SOURCE = f"test:?size={PICTURE[0]}x{PICTURE[1]}&fps=30&audio=none&preset=ultrafast"
NONE = "–"
BLACK_MAX, SEEN_MIN = 16, 40      # average luma
LARGE = {"sender": ("Compression ratio", "Frame rate", "Bit rate"),
         "receiver": ("Delay", "Throughput", "Frame rate")}


class Window:
    """One window in a process of its own, with what it says of itself, and hands that reach it. `scale`: a
    pixel of the window's own is so many of the screen's wide."""

    def __init__(self, scene, display, left, *arguments, scale=1, environment=None):
        self.display, self.scale = display, scale
        self.environment = os.environ | {"DISPLAY": display, "HOME": scene.folder, "QT_QPA_PLATFORM": "xcb",
                                         "XDG_CONFIG_HOME": scene.folder, "XDG_RUNTIME_DIR": scene.folder,
                                         "QT_SCALE_FACTOR": str(scale)} | (environment or {})
        program = os.path.join(os.path.dirname(camera.program(scene)), "millrace-desktop")
        self.log = os.path.join(scene.folder, f"window-{left}-{time.monotonic_ns()}.log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([program, *arguments, "--json"], stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=log, cwd=scene.folder,
                                            env=self.environment)
        self.lines = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        try:
            self.until(lambda now: True, "it says how it looks")
            self.id = self._xdotool("search", "--sync", "--onlyvisible", "--pid",
                                    str(self.process.pid)).split()[0]
            self._xdotool("windowmove", self.id, str(left), "0")
            self.until(lambda now: now["places"]["window"][:2] == [left // scale, 0], "it was moved")
        except BaseException:
            self.kill()
            raise

    def _read(self):
        for line in self.process.stdout:
            self.lines.append((time.monotonic(), json.loads(line)))

    def _xdotool(self, *words):
        return subprocess.run(["xdotool", *words], env=self.environment, capture_output=True, text=True,
                              check=True, timeout=PATIENCE).stdout

    def until(self, condition, what):
        """What it says when that holds, from its newest word on."""
        def holds():
            return self.lines and condition(self.lines[-1][1]) and self.lines[-1][1]
        try:
            return node.until(holds, PATIENCE, what)
        except AssertionError as fault:
            last = self.lines[-1][1] if self.lines else None
            with open(self.log, encoding="utf-8", errors="replace") as file:
                raise AssertionError(f"{fault}; it says {last}, and on stderr {file.read()}") from None

    def when(self, condition, since):
        """When it first said so, after that moment."""
        return next(at for at, said in self.lines if at >= since and condition(said))

    def place(self, name):
        """Left, top, width, height on the screen."""
        return [side * self.scale for side in self.lines[-1][1]["places"][name]]

    def click(self, place):
        left, top, width, height = self.place(place)
        self._xdotool("mousemove", str(left + width // 2), str(top + height // 2), "click", "1")

    def key(self, name):
        self._xdotool("windowfocus", "--sync", self.id, "key", name)

    def grab(self, filters):
        """The pixels of the picture, in grey."""
        left, top, width, height = self.place("picture")
        command = ["ffmpeg", "-v", "error", "-f", "x11grab", "-draw_mouse", "0", "-video_size",
                   f"{width}x{height}", "-i", f"{self.display}+{left},{top}", "-vf", filters]
        return subprocess.run([*command, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "-"],
                              capture_output=True, check=True, timeout=PATIENCE).stdout

    def until_luma(self, condition, what):
        """Of the picture on the screen, which shows what was drawn a moment later."""
        def holds():
            grey = self.grab("scale=64:36")
            return condition(sum(grey) / len(grey))
        node.until(holds, PATIENCE, what)

    def stamp(self):
        """What the camera wrote into the picture that stands on the screen."""
        width, height = self.place("picture")[2:]
        fit = min(width / PICTURE[0], height / PICTURE[1])
        shape = [round(side * fit) for side in PICTURE]
        grey = self.grab(f"crop={shape[0]}:{shape[1]},scale={PICTURE[0]}:{PICTURE[1]}")
        return stamps.read(grey, PICTURE[0])

    def keep(self, name):
        """A picture of the window, for people."""
        os.makedirs(KEPT, exist_ok=True)
        left, top, width, height = self.place("window")
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "x11grab", "-draw_mouse", "0", "-video_size",
                        f"{width}x{height}", "-i", f"{self.display}+{left},{top}", "-frames:v", "1",
                        os.path.join(KEPT, name)], check=True, timeout=PATIENCE)

    def holds(self):
        """Threads and descriptors, without those of Qt's pool: one a core at most, kept for 30 s after their
        work, each with a descriptor."""
        own = pooled = 0
        for entry in glob.glob(f"/proc/{self.process.pid}/task/*/comm"):
            with contextlib.suppress(OSError), open(entry, encoding="utf-8") as name:
                if name.read() == "Thread (pooled)\n":
                    pooled += 1
                else:
                    own += 1
        return [own, len(os.listdir(f"/proc/{self.process.pid}/fd")) - pooled]

    def quit(self):
        """Ends as by its key, and leaves nothing behind."""
        children = camera.children(self.process.pid)
        self.key("q")
        assert self.process.wait(PATIENCE) == 0, self.process.returncode
        node.until(lambda: not any(map(camera.is_running, children)), PATIENCE, "no child is left")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(5)


@contextlib.contextmanager
def windows(scene, *wanted):
    with xvfb(*SCREEN) as display, contextlib.ExitStack() as stack:
        opened = []
        for left, arguments in wanted:
            opened.append(Window(scene, display, left, *arguments))
            stack.callback(opened[-1].kill)
        yield opened


def shows_nothing(said):
    return (said["black"] and (said["start_enabled"], said["stop_enabled"]) == (True, False) and
            set(said["labels"].values()) == {NONE})


def shows_numbers(said):
    return not said["black"] and all(said["labels"][name] != NONE for name in LARGE[said["window"]])


def number(label):
    return float(re.match(r"[\d.]+", label).group())


def agrees(labels, window, theirs):
    """Whether a window's labels and the server's document of the stream are of the same second, or near."""
    rate = labels["Bit rate" if window == "sender" else "Throughput"]
    if NONE in (rate, labels["Frame rate"]):
        return False
    bits = number(rate) * (1e6 if rate.endswith("Mbit/s") else 1e3)
    pictures = theirs["tracks"][0]["fps"]["received"]["1s"]
    theirs_bits = theirs["payload_bps" if window == "sender" else "wire_bps"]["1s"]
    return abs(number(labels["Frame rate"]) - pictures) < 3 and abs(bits / theirs_bits - 1) < 0.15


def check_labels(window, server, stream):
    """What the labels say is what its document says, and that agrees with the server's own."""
    said = window.until(lambda now: shows_numbers(now) and now["stream"], "it shows numbers")
    labels, document = said["labels"], said["stream"]
    picture = document["tracks"][0]
    assert picture["codec"] == "h265" and "H.265" in labels["Picture"], (labels, document)
    assert labels["QP"].startswith(f"{picture['slice_qp']['average']:.0f}"), (labels, picture)
    if said["window"] == "sender":
        assert labels["Compression ratio"] == f"{document['compression_ratio']:.0f} : 1", (labels, document)
        assert labels["Frame rate"] == f"{picture['fps']['received']['1s']:.1f} fps", (labels, picture)
        assert labels["Reconnects"] == "0" and labels["Queue"].endswith(" ms"), labels
    else:
        played = document["playback"]
        assert labels["Frame rate"] == f"{played['shown_fps']:.1f} fps", (labels, played)
        assert labels["Delay"] == f"{played['latency']['shown_seconds']['p50'] * 1000:.0f} ms", labels
        assert labels["Delay known by"] == "capture" and labels["Lost"] == "0", labels
        assert played["latency"]["shown_seconds"]["p50"] < 3, played
    node.until(lambda: agrees(window.lines[-1][1]["labels"], window.lines[-1][1]["window"],
                              state(server, stream)), PATIENCE, "the server has the same numbers")


@test()
def rows_2_22_4_2_and_4_4_to_4_13_both_windows_show_what_is_sent_and_go_black_with_its_end(scene):
    address = scene.server.rtsp("live/cam")
    sends = ("send", address, "--source", SOURCE, "--codec", "h265", "--bitrate", "1M", "--light")
    with windows(scene, (0, sends), (APART, ("receive", scene.rtmp(), "--dark"))) as (sender, receiver):
        sender.until(shows_nothing, "nothing is sent yet")
        sender.until_luma(lambda luma: luma <= BLACK_MAX, "black before the start")
        receiver.until(lambda now: now["mood"] == "trouble" and now["black"], "it says that nothing is there")
        holds = sender.holds()

        sender.click("start")
        sender.until(lambda now: now["mood"] == "good" and not now["start_enabled"] and now["stop_enabled"],
                     "it sends")
        receiver.until(lambda now: now["mood"] == "good", "the other plays by itself")
        for window in (sender, receiver):
            check_labels(window, scene.server, "live/cam")
            window.until_luma(lambda luma: luma >= SEEN_MIN, "there is a picture")
            first = node.until(window.stamp, PATIENCE, "the camera's stamp stands on the screen")
            node.until(lambda at=window, seen=first: (now := at.stamp()) and now.frame > seen.frame, PATIENCE,
                       "the picture moves")
            assert abs(time.time() * 1000 - first.utc) < 20_000, first

            window.keep(f"{window.lines[-1][1]['window']}.png")
        receiver.key("s")
        kept = os.path.join(scene.folder, "Pictures")
        node.until(lambda: os.path.isdir(kept) and os.listdir(kept), PATIENCE, "a picture is kept")
        receiver.until(lambda now: kept in now["message"], "it says where")
        receiver.key("f")
        receiver.until(lambda now: now["full_screen"], "f fills the screen")
        receiver.key("Escape")
        receiver.until(lambda now: not now["full_screen"], "Esc leaves it")

        stopped = time.monotonic()
        sender.click("stop")
        sender.until(shows_nothing, "nothing is sent any more")
        sender.until_luma(lambda luma: luma <= BLACK_MAX, "black at the end")
        said = receiver.until(lambda now: now["black"], "the end is seen")
        assert said["message"] == "The sender ended the stream." and said["stop_enabled"], said
        receiver.until_luma(lambda luma: luma <= BLACK_MAX, "black but for the reason")
        assert receiver.when(lambda now: now["black"], stopped) - stopped < 3.5
        node.until(lambda: all(now <= then for now, then in zip(sender.holds(), holds)), PATIENCE,
                   f"no more threads and descriptors than before: {holds}")

        sender.key("space")
        for window in (sender, receiver):
            window.until(lambda now: now["mood"] == "good" and shows_numbers(now), "it begins anew by itself")
        for window in (sender, receiver):
            window.quit()


PAUSE_MIN = 0.5      # seconds between two tries, at least


@test()
def a_sender_that_is_refused_says_why_and_tries_again_in_peace(scene):
    user = subprocess.run([camera.program(scene), "password", "cam"], input="the right one\n", text=True,
                          capture_output=True, check=True, timeout=PATIENCE).stdout.splitlines()[0]
    user = user.strip().removeprefix("- ").replace("play:*", "publish:*")
    server = node.Millrace(node.open_folder(os.path.join(scene.folder, "closed")), camera.program(scene),
                           ("--set", f"auth.users=[ {user} ]"))
    try:
        with figures.CountedWay(server.listeners["rtsp"]) as rtsp, \
                figures.CountedWay(server.listeners["rtmp"]) as rtmp:
            ways = {rtsp: (f"rtsp://cam:n0t-it@{rtsp.address}/live/cam", "another user or password"),
                    rtmp: (f"rtmp://{rtmp.address}/live/cam?user=cam&pass=n0t-it", "the server refuses")}
            sends = [("send", address, "--source", SOURCE, "--start") for address, _ in ways.values()]
            with windows(scene, *zip((0, APART), sends)) as opened:
                began = time.monotonic()
                for window, (_, words) in zip(opened, ways.values()):
                    said = window.until(lambda now, wanted=words: wanted in now["message"], "it says why")
                    assert said["mood"] == "trouble" and said["message"].endswith("It is tried again."), said
                    assert "n0t-it" not in json.dumps(said), said
                    assert said["stop_enabled"] and not said["start_enabled"], said
                for way in ways:
                    node.until(lambda at=way: at.connections >= 3, PATIENCE, "it goes on trying")
                    tries = (time.monotonic() - began) / PAUSE_MIN
                    assert way.connections <= 2 + tries, (way.connections, tries)
                for window in opened:
                    assert not window.lines[-1][1]["black"], "what would be sent is still seen"
                    window.click("stop")
                    window.until(shows_nothing, "it stops all the same")
                    window.quit()
    finally:
        server.stop()


@test()
def a_film_of_one_picture_is_seen_in_the_receivers_window(scene):
    film = os.path.join(scene.folder, "one.mp4")
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180", "-frames:v", "1",
                    "-pix_fmt", "yuv420p", film], check=True, timeout=PATIENCE)
    with windows(scene, (0, ("receive", film))) as (window,):
        window.until(lambda now: now["message"] == "The file has come to its end.", "it ends")
        window.until(shows_nothing, "it is black")
        assert any(not said["black"] for _, said in window.lines), "its picture was never seen"
        window.quit()


@test()
def row_4_5_the_receivers_window_has_the_picture_left_and_delay_and_throughput_right(scene):
    sender = ("send", scene.server.rtsp("live/cam"), "--source", SOURCE, "--codec", "h265", "--start")
    with windows(scene, (0, sender), (APART, ("receive", scene.server.rtsp("live/cam")))) as (_, receiver):
        check_labels(receiver, scene.server, "live/cam")
        said = receiver.lines[-1][1]
        assert list(said["labels"])[:2] == ["Delay", "Throughput"], said["labels"]
        window, picture = (edges(said["places"][name]) for name in ("window", "picture"))
        middle = (window[0] + window[2]) / 2
        assert picture[0] - window[0] < window[2] - picture[2], "there is room right of it"
        assert picture[0] < middle < picture[2], "and it is the larger part"


NOISE = (640, 360)


@test()
def row_4_7_the_senders_picture_is_what_was_encoded_decoded_back(scene):
    """Of noise little is left by few bits; a window that showed its source would show it all."""
    film, found = still_film(scene, os.urandom(NOISE[0] * NOISE[1]), NOISE), []
    begun = [(left, ("send", scene.server.rtsp(f"live/{rate}"), "--source", f"file:{film}", "--codec", "h264",
                     "--bitrate", rate, "--start")) for left, rate in ((0, "50k"), (APART, "20M"))]
    with windows(scene, *begun) as opened:
        for window in opened:
            window.until(lambda now: not now["black"] and now["mood"] == "good", "it sends noise")
            shown = "scale=640:360,crop=640:200"
            node.until(lambda at=window: contrast(at.grab(shown)) > 0, PATIENCE, "it is seen")
            found.append(contrast(window.grab(shown)))
    assert found[0] < found[1] / 2, found


@test()
def row_4_10_a_stopped_senders_picture_is_black_and_its_labels_say_nothing_at_once(scene):
    sender = ("send", scene.server.rtsp("live/cam"), "--source", SOURCE, "--start")
    with windows(scene, (0, sender)) as (window,):
        window.until(lambda now: now["mood"] == "good" and shows_numbers(now), "it sends")
        window.until_luma(lambda luma: luma >= SEEN_MIN, "there is a picture")
        assert not any(said["start_enabled"] for _, said in window.lines[-3:])
        sent = len(window.lines)
        window.click("stop")
        window.until(shows_nothing, "nothing is sent any more")
        stopped = [said for _, said in window.lines[sent:] if said["start_enabled"]]
        assert stopped and all(shows_nothing(said) for said in stopped), stopped[:1]
        window.until_luma(lambda luma: luma <= BLACK_MAX, "black to the eye")
        window.quit()


STRIPED = (1280, 720)    # one pixel black, one white


def still_film(scene, grey, size):
    """A film of a minute that shows one grey picture, nearly as it is."""
    path = os.path.join(scene.folder, "still.mp4")
    subprocess.run(["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s",
                    f"{size[0]}x{size[1]}", "-r", "5", "-i", "-", "-vf", "loop=299:1:0", "-c:v", "libx264",
                    "-preset", "ultrafast", "-qp", "2", path],
                   input=grey + bytes([128]) * (len(grey) // 2), check=True, timeout=PATIENCE)
    return path


def contrast(row):
    return sum(abs(after - before) for before, after in zip(row, row[1:])) / len(row)


def scaled(row, *widths):
    """The row brought to these widths, one after the other, each pixel the mean of what it covers."""
    for width in widths:
        step, source = len(row) / width, row
        row = [_mean(source, at * step, (at + 1) * step) for at in range(width)]
    return row


def _mean(row, begin, end):
    total, at = 0.0, begin
    while at < end - 1e-9:
        until = min(int(at + 1e-9) + 1, end)
        total += row[min(int(at + 1e-9), len(row) - 1)] * (until - at)
        at = until
    return total / (end - begin)


@test()
def row_4_11_where_pixels_are_small_the_picture_is_as_sharp_as_they_are_and_the_layout_the_same(scene):
    stripes = [0, 255] * (STRIPED[0] // 2)
    film = still_film(scene, bytes([16, 235] * (STRIPED[0] // 2)) * STRIPED[1], STRIPED)
    with xvfb(2800, 1800) as display, contextlib.ExitStack() as stack:
        laid_out = []
        for scale in (1, 2):
            window = Window(scene, display, 0, "receive", film, scale=scale)
            stack.callback(window.kill)
            window.until(lambda now: not now["black"], "it shows the film")
            width, height = window.place("picture")[2:]
            shown = min(width, height * STRIPED[0] // STRIPED[1]) // 2 * 2
            sharp = contrast(scaled(stripes, shown))
            if scale == 2:
                dull = contrast(scaled(stripes, shown // 2, shown))
                assert dull < sharp / 2, (dull, sharp, shown)
                least = (sharp + 2 * dull) / 3
                node.until(lambda at=window, w=width, wanted=least: contrast(at.grab(f"crop={w}:1")) > wanted,
                           PATIENCE, f"it is sharper than {dull:.0f}, nearer to {sharp:.0f}")
            places = window.lines[-1][1]["places"]
            left, top, right, bottom = edges(places["window"])
            for name, place in places.items():
                inside = edges(place)
                assert left <= inside[0] < inside[2] <= right and top <= inside[1] < inside[3] <= bottom, (
                    scale, name, places)
            for name in ("start", "stop"):
                assert apart(places[name], places["picture"]), (scale, name, places)
            assert apart(places["start"], places["stop"]), (scale, places)
            laid_out.append(places)
            window.quit()
        for name, place in laid_out[0].items():
            assert all(abs(a - b) <= 4 for a, b in zip(place, laid_out[1][name])), (name, laid_out)


def edges(place):
    left, top, width, height = place
    return left, top, left + width, top + height


def apart(one, other):
    a, b = edges(one), edges(other)
    return a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


ANSWER_MAX = 4       # seconds; a child that stands still is replaced after 5


@test()
def row_4_11_a_window_answers_while_pictures_pour_in_and_while_their_decoder_stands_still(scene):
    flood = "test:?size=640x360&fps=60&gop=500ms&audio=none&preset=ultrafast"
    with windows(scene, (0, ("send", scene.server.rtsp("live/cam"), "--source", flood, "--start")),
                 (APART, ("receive", scene.server.rtsp("live/cam")))) as (sender, receiver):
        for window in (sender, receiver):
            window.until(lambda now: now["mood"] == "good" and shows_numbers(now), "pictures pour in")
        places = receiver.lines[-1][1]["places"]
        for standing in (False, True):
            decoders = camera.children(receiver.process.pid) if standing else []
            assert bool(decoders) == standing
            for decoder in decoders:
                os.kill(decoder, signal.SIGSTOP)
            try:
                pressed = time.monotonic()
                receiver.key("f")
                receiver.until(lambda now: now["full_screen"], "f fills the screen")
                assert receiver.when(lambda now: now["full_screen"], pressed) - pressed < ANSWER_MAX
                pressed = time.monotonic()
                receiver.key("Escape")
                receiver.until(lambda now: not now["full_screen"], "Esc leaves it")
                assert receiver.when(lambda now: not now["full_screen"], pressed) - pressed < ANSWER_MAX
            finally:
                for decoder in decoders:
                    if camera.is_running(decoder):
                        os.kill(decoder, signal.SIGCONT)
        receiver.until(lambda now: now["mood"] == "good" and shows_numbers(now) and now["places"] == places,
                       "it shows pictures again, where it was")
        for window in (sender, receiver):
            window.click("stop")
            window.until(shows_nothing, "it stops")
            window.quit()


@test()
def row_4_13_windows_say_in_a_sentence_what_is_missing(scene):
    with second_node(scene) as server:
        address = server.rtmp("live/far")
        with windows(scene, (0, ("send", "file:x.ts", "--source", "v4l2:/dev/video99", "--start")),
                     (APART, ("receive", "rtsp://127.0.0.1:9/cam"))) as (sender, receiver):
            sender.until(lambda now: "/dev/video99 is not there" in now["message"], "no camera")
            receiver.until(lambda now: "nobody listens" in now["message"], "no server")
            for window in (sender, receiver):
                assert window.lines[-1][1]["mood"] == "trouble" and window.lines[-1][1]["black"]
                window.click("stop")
                window.until(shows_nothing, "it stops all the same")
                window.quit()
        with windows(scene, (0, ("send", address, "--source", SOURCE, "--start")),
                     (APART, ("receive", server.http("/live/far.flv")))) as (sender, receiver):
            for window in (sender, receiver):
                window.until(lambda now: now["mood"] == "good" and shows_numbers(now), "it works")
            died = time.monotonic()
            server.process.kill()
            server.process.wait()
            for window in (sender, receiver):
                window.until(lambda now: "nobody listens" in now["message"], "the server is gone")
            receiver.until(lambda now: now["black"], "it is black")
            assert receiver.when(lambda now: now["black"], died) - died < 5
            assert not sender.lines[-1][1]["black"], "what would be sent is still seen"
            server.start_again(server.listeners)
            for window in (sender, receiver):
                window.until(lambda now: now["mood"] == "good" and shows_numbers(now), "it comes back")
            for window in (sender, receiver):
                window.quit()
