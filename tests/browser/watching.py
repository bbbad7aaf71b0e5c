"""A browser that watches (watch.mjs) and a publisher that does not end, for the tests of this folder."""

import contextlib
import itertools
import json
import os
import re
import subprocess
import threading
import time

import clip
import node
import peers

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = {"chrome": "chromium", "firefox": "firefox-esr"}      # the driver's word: Debian's program
START_SECONDS = 60       # a browser's first start, on a busy machine
END_SECONDS = 20
PLAY_SECONDS = 3
PATIENCE = 40            # seconds for PLAY_SECONDS of media
FRAMES_MIN = 30          # of the 75 in PLAY_SECONDS: a busy machine may drop some
BRIGHT_MIN, SHADES_MIN = 90, 20      # a test picture has white in it, and many shades


class Broadcast:
    """Publishes a clip over and over, each time later, until the test leaves; starts at `start` ms."""

    def __init__(self, address, source, start=0):
        self.publisher = peers.Publisher(address, source, start=start)
        self.clip, self.fault = source, None
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.publisher.open()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        self.publisher.client.socket.close()
        if self.fault:
            raise AssertionError(f"the publisher was stopped: {self.fault!r}")

    def _run(self):
        try:
            self._send()
        except Exception as fault:      # told to the test when it leaves
            self.fault = fault

    def _send(self):
        begun = time.monotonic()
        for turn in itertools.count():
            later = turn * clip.SECONDS * 1000
            for sample in self.clip.samples:
                due = begun + (sample.dts + later) / 1000
                if self.stopped.wait(max(0.0, due - time.monotonic())):
                    return
                self.publisher.send_one(sample, later)


class Viewer:
    """One page in one new browser, ready before the publisher starts."""

    def __init__(self, folder, browser="chrome", page="page.html", stream=None):
        node.need(PROGRAMS[browser])
        task = {"browser": browser, "program": f"/usr/bin/{PROGRAMS[browser]}", "stream": stream,
                "page": os.path.join(HERE, page), "profile": os.path.join(folder, "profile"),
                "seconds": PLAY_SECONDS, "patience": PATIENCE}
        self.log_path, self.reported = os.path.join(folder, "watch.log"), False
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(["node", os.path.join(HERE, "watch.mjs"), json.dumps(task)],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.timer = threading.Timer(START_SECONDS + PATIENCE + START_SECONDS, self.process.terminate)
        self.timer.start()

    def __enter__(self):
        try:
            self._line("the browser starts")
        except AssertionError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.timer.cancel()
        if not self.reported:
            self.process.terminate()       # node then ends its browser; after a report it does so anyhow
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(END_SECONDS)
        self.process.kill()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def _line(self, what):
        line = self.process.stdout.readline()
        if not line:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                raise AssertionError(f"{what}: no answer\n{file.read()[-3000:]}")
        return line

    def report(self):
        """Opens the page, waits until it has played or failed, and gives what was seen."""
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()
        line = self._line("the page is watched")
        self.reported = True
        return json.loads(line)


def told(report):
    """A report for people: without the pictures, the player's log at the end."""
    short = {word: value for word, value in report.items() if word not in ("brightness", "first", "said")}
    return json.dumps(short, indent=1) + "\n" + "\n".join(report["said"])


def played(report, width, height):
    """The page played: time, decoded frames, a picture that has something in it and moves, sane figures."""
    assert not report["errors"], f"the player told an error\n{told(report)}"
    assert not report["failures"], f"the page failed\n{told(report)}"
    assert not report["refusal"], f"the video element refused\n{told(report)}"
    assert report["played"] >= PLAY_SECONDS, f"played {report['played']} s in {PATIENCE} s\n{told(report)}"
    assert report["frames"] >= FRAMES_MIN, f"{report['frames']} frames were decoded\n{told(report)}"
    assert (report["width"], report["height"]) == (width, height), told(report)
    picture, before = report["brightness"], report["first"]["brightness"]
    assert max(picture) >= BRIGHT_MIN and len(set(picture)) >= SHADES_MIN, f"the picture is dark: {picture}"
    assert picture != before, "the picture stands still"
    statistics = report["statistics"]
    assert statistics["loaderType"] == "fetch-stream-loader", told(report)
    assert statistics["decodedFrames"] > 0 and statistics["speed"] >= 0, told(report)


def another_origin(report, url):
    """The stream came from another origin than the page, so the browser asked the server's leave."""
    asked = re.match(r"https?://[^/]+", url).group(0)
    assert report["origin"] != asked, f"page and stream are both of {asked}"
