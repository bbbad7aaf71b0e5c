"""A child of its own for each test, and our end of its link."""

import contextlib
import os
import select
import socket
import struct
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/interop"))

import clip          # noqa: E402

HELLO, START, TRACK, UNIT, COMMAND, STATISTICS, FAULT, END = range(1, 9)
PICTURE, RELEASE, PLAYED = range(16, 19)
KEY_FRAME, BITRATE, STOP, PICTURE_WIDTH = range(4)
VIDEO, AUDIO = 0, 1
DTS, PTS, PAYLOAD = slice(22, 30), slice(30, 38), 42      # of a unit's message
SECONDS = 20
CLIPS = os.path.join(ROOT, "build/interop_clips")
SMALL = "test:?size=320x180&fps=25&preset=ultrafast"


class Child:
    """A child and our end of its link; `memory` is a descriptor for its pictures."""

    def __init__(self, program, folder, memory=None):
        self.program, self.buffer, self.code = program, b"", None
        self.log_path = os.path.join(folder, "child.log")
        ours, theirs = socket.socketpair()
        self.socket = ours
        log = os.open(self.log_path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        command = [program, "--parent", str(os.getpid())]
        actions = [(os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2),
                   (os.POSIX_SPAWN_DUP2, theirs.fileno(), 3)]
        if memory is not None:
            actions.append((os.POSIX_SPAWN_DUP2, memory, 4))
        self.pid = os.posix_spawn(program, command, os.environ, file_actions=actions)
        theirs.close()
        os.close(log)

    def say(self, kind, body=b""):
        self.socket.sendall(struct.pack(">IB", 1 + len(body), kind) + body)

    def start(self, source):
        self.say(HELLO, struct.pack(">H", 1))
        self.say(START, source.encode())

    def command(self, what, value=0):
        self.say(COMMAND, struct.pack(">BQ", what, value))

    def messages(self):
        """(kind, body) of each message, until the link ends."""
        deadline = time.monotonic() + SECONDS
        while True:
            if len(self.buffer) >= 4:
                size = 4 + struct.unpack(">I", self.buffer[:4])[0]
                if len(self.buffer) >= size:
                    whole, self.buffer = self.buffer[:size], self.buffer[size:]
                    yield whole[4], whole[5:]
                    continue
            if not select.select([self.socket], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"the child said nothing more for {SECONDS} s")
            with contextlib.suppress(ConnectionResetError):
                part = self.socket.recv(1 << 16)
                if part:
                    self.buffer += part
                    continue
            return

    def units(self, count, track=VIDEO):
        """So many access units of a track: (flags, dts, payload) each."""
        found = []
        for kind, body in self.messages():
            assert kind != FAULT, body
            if kind == UNIT and body[0] == track:
                found.append((body[1], struct.unpack(">q", body[DTS])[0], body[PAYLOAD:]))
                if len(found) == count:
                    return found
        raise AssertionError(f"the child ended after {len(found)} of {count} units of track {track}")

    def rest(self):
        """All that comes until the link ends: {kind: [body…]}."""
        found = {}
        for kind, body in self.messages():
            found.setdefault(kind, []).append(body)
        return found

    def gone(self):
        """Waits for its exit; what it said."""
        self.socket.close()
        deadline = time.monotonic() + SECONDS
        while self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                os.kill(self.pid, 9)
                os.waitpid(self.pid, 0)
                self.code = "the end of our patience"
            else:
                time.sleep(0.01)
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()


def stopped(child):
    child.command(STOP)
    assert END in child.rest(), "stopped, the child does not say its end"


def faulty(child, source, words):
    child.start(source)
    found = child.rest()
    assert END in found and any(words in body.decode() for body in found.get(FAULT, [])), found.get(FAULT)


def shortened(folder, name):
    """The first second of a clip, as Matroska."""
    path = os.path.join(folder, "short.mkv")
    subprocess.run(["ffmpeg", "-v", "error", "-i", clip.make(CLIPS, name).path, "-frames:v", "25", "-t", "1",
                    "-c", "copy", path], check=True, timeout=60)
    return path
