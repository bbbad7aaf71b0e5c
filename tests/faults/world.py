"""What a fault happens to: a server with a canary beside it, and what must hold before, meanwhile, after."""

import contextlib
import json
import os
import re
import socket
import tempfile
import time
import traceback
from dataclasses import dataclass
from typing import Callable

import canary
import clip
import node
import rtmp

CLOSED_SECONDS = 10 + 3          # an offender is told or closed within 10 s; 3 s of slack
RESIDENT_GROWTH_MAX = 5 * 1024   # KB, 60 s after
SETTLE_SECONDS = 60
LINE_BYTES_MAX = 512
CLIPS = os.path.join(node.ROOT, "build/interop_clips")


@dataclass
class Test:
    name: str
    run: Callable
    quick: bool
    builds: tuple
    canary: bool
    options: object      # of the command line: a tuple, or what makes one from the test's folder
    waits: bool
    around: object       # makes what the server runs in, from the test's folder: see disks.py, clocks.py


def test(quick=False, builds=("release", "asan", "tsan"), canary=True, options=("--open",),
         waits=False, around=None):
    """Marks a function as a test: whether it is in --quick, against which builds it runs, and its scene.

    `waits`: it lets time pass and leaves the machine idle, so it may run beside others that do.
    """
    def mark(function):
        function.fault = (quick, builds, canary, options, waits, around)
        return function
    return mark


def tests_of(module):
    found = [value for value in vars(module).values() if hasattr(value, "fault")]
    return [Test(function.__name__, function, *function.fault) for function in found]


class World:
    """One server for one test. `with world.fault():` around the fault checks what every fault must leave."""

    def __init__(self, folder, build, test):
        self.build, self.folder = build, folder
        program = os.path.join(node.ROOT, f"build/{build}/bin/millrace")
        options = test.options(folder) if callable(test.options) else test.options
        self.around = test.around(folder) if test.around else None
        self.server = node.Millrace(folder, program, options, self.around.before if self.around else ())
        self.listeners = self.server.listeners
        self.bird = None
        try:
            self.bird = canary.Canary(self.listeners, self.clip()) if test.canary else None
            self.measure()
        except BaseException:
            self.end()
            raise

    @property
    def sanitized(self):
        return self.build != "release"

    def clip(self, name="plain"):
        return clip.make(CLIPS, name)

    def end(self):
        """Kills what is left of a test that failed."""
        if self.bird:
            self.bird.kill()
        if self.server.alive():
            self.server.process.kill()
            self.server.process.wait()
        self.leave()

    def leave(self):
        """Takes away what the server ran in."""
        if self.around:
            self.around.close()

    # What it was before, and must be again.

    def threads(self):
        return len(os.listdir(f"/proc/{self.server.process.pid}/task"))

    def cpu_seconds(self):
        with open(f"/proc/{self.server.process.pid}/stat", encoding="utf-8") as file:
            words = file.read().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def measure(self):
        """What it is before the fault; again if the test needs the server to have done something first."""
        self.before = (self.server.resident_kilobytes(), self.server.descriptors(), self.threads())
        self.log_before = len(self.server.said())

    def settle(self):
        """Raises unless memory, descriptors and threads are what they were."""
        resident, descriptors, threads = self.before

        def settled():
            grown = self.server.resident_kilobytes() - resident
            return (self.server.descriptors() <= descriptors and self.threads() == threads
                    and (self.sanitized or grown <= RESIDENT_GROWTH_MAX))

        with contextlib.suppress(AssertionError):
            node.until(settled, SETTLE_SECONDS, "settled")
        if not self.server.alive():
            raise AssertionError("the server died")
        now = (self.server.resident_kilobytes(), self.server.descriptors(), self.threads())
        if not settled():
            raise AssertionError(f"(resident KB, descriptors, threads) were {self.before} and are {now}")

    def lines(self):
        """What the server logged since the test began."""
        return self.server.said()[self.log_before:].splitlines()

    def judge_log(self):
        with open(self.server.log_path, "rb") as file:
            for line in file.read().split(b"\n"):
                if len(line) + 1 > LINE_BYTES_MAX:
                    raise AssertionError(f"a log line of {len(line) + 1} bytes: {line[:80]!r}")
                if re.search(rb"[\x00-\x08\x0b-\x1f\x7f-\xff]", line):
                    raise AssertionError(f"a log line with control characters: {line!r}")

    def wait_said(self, peer, *words):
        """A log line that names this peer and has these words comes soon."""
        def found():
            return [line for line in self.lines() if re.search(rf"{re.escape(peer)}\b", line)
                    and all(word in line for word in words)]
        return node.until(found, CLOSED_SECONDS, f"a log line about {peer} with {words}")

    @contextlib.contextmanager
    def fault(self):
        """The universal expectations around whatever happens inside."""
        pid = self.server.process.pid
        yield
        assert self.server.alive() and self.server.process.pid == pid, "the server died"
        self.settle()
        self.judge_log()
        self.sing()

    def sing(self):
        """The canary ends here, and lost nothing."""
        if self.bird:
            complaints = self.bird.finish()
            self.bird = None
            assert not complaints, "; ".join(complaints)

    # Connections.

    def client(self, name="live/offender"):
        app, key = name.rsplit("/", 1)
        return rtmp.Client(self.listeners["rtmp"], app, key)

    def publisher(self, name="live/offender"):
        """A client that was let in, and its source of frames."""
        client = self.client(name)
        client.publish()
        return client, canary.Source(client, self.clip(), first_number=0x40000000)

    def raw(self, listener, data=b"", source="127.0.0.1"):
        host, port = self.listeners[listener].rsplit(":", 1)
        connection = socket.create_connection((host, int(port)), CLOSED_SECONDS, (source, 0))
        if data:
            push(connection, data)
        return connection

    def document(self, name):
        """The API's document of a stream; None if there is none."""
        status, body = self.server.get(f"/api/v1/streams/{name}")
        return json.loads(body) if status == 200 else None

    def wait_live(self, name):
        node.until(lambda: (self.document(name) or {}).get("state") == "live", CLOSED_SECONDS,
                   f"{name} is live")


def run_one(test, build):
    """None if it passed, else why not."""
    with tempfile.TemporaryDirectory(prefix="millrace-faults-") as folder:
        node.open_folder(folder)
        scene = None
        try:
            scene = World(folder, build, test)
            test.run(scene)
            scene.sing()
            if scene.server.alive() or not scene.server.process.stdout.closed:
                scene.server.stop()
            scene.leave()
            return None
        except Exception:      # a failed test, whatever it tripped over
            words = traceback.format_exc(limit=-4)
            if scene is not None:
                said = scene.server.said()
                scene.end()
                words += f"\nthe server said:\n{said[-3000:]}"
            return words


def elsewhere(number):
    """An address of the loopback that is not the canary's: a new one for each hundred connections of a flood,
    since a node holds only so many strangers of one."""
    return f"127.0.0.{2 + number // 100}"


def push(connection, data):
    """Sends what the other side still takes."""
    with contextlib.suppress(ConnectionError, TimeoutError):
        connection.sendall(data)


def peer_of(connection):
    return "%s:%d" % connection.getsockname()


def closed(connection, seconds=CLOSED_SECONDS):
    """Reads until the server ends the conversation; gives what it said. Raises if it does not end."""
    deadline, said = time.monotonic() + seconds, b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise AssertionError(f"still open after {seconds} s")
        connection.settimeout(left)
        try:
            part = connection.recv(65536)
        except ConnectionError:
            return said
        except TimeoutError:
            continue
        if not part:
            return said
        said += part
