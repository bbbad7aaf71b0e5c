"""What comes of a sender's pictures at the other end: which frames, when and how large, and what is said."""

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import threading
import time
from dataclasses import dataclass

import camera
import clip as clips
import stamps

PIPE_BYTES = 1 << 20
UNREADABLE_KEPT = 4      # pictures without a stamp, for a look
F_SETPIPE_SZ = 1031


class Receiver:
    """One `millrace receive` that writes raw pictures: the stamp of each with the moment it came, the objects
    that it says beside them, and the rest of its words."""

    def __init__(self, scene, address, size, *arguments):
        self.width, self.height = size
        self.pictures, self.reports, self.words = [], [], []      # pictures: (stamp or None, seconds of UTC)
        self.unreadable = {}      # the first pictures without a stamp, by their place
        command = [camera.program(scene), "receive", address, "--transport", "tcp", "--raw", "yuv420p",
                   "--json", *arguments]
        self.process = subprocess.Popen(command, cwd=scene.folder, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with contextlib.suppress(OSError):
            fcntl.fcntl(self.process.stdout, F_SETPIPE_SZ, PIPE_BYTES)
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self._look, self._listen)]
        for thread in self.threads:
            thread.start()

    def _look(self):
        picture = bytearray(self.width * self.height * 3 // 2)
        while True:
            filled = 0
            while filled < len(picture):
                count = self.process.stdout.readinto(memoryview(picture)[filled:])
                if not count:
                    return
                filled += count
            stamp = stamps.read(picture, self.width)
            if stamp is None and len(self.unreadable) < UNREADABLE_KEPT:
                self.unreadable[len(self.pictures)] = bytes(picture)
            self.pictures.append((stamp, time.time()))

    def _listen(self):
        for line in self.process.stderr:
            if line.startswith(b"{"):
                self.reports.append(json.loads(line))
            else:
                self.words.append(line.decode(errors="replace"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for thread in self.threads:
            thread.join(5)
        self.process.stdout.close()
        self.process.stderr.close()

    def is_settled(self):
        """Whether its last two reports say the same of what came, and all of that was shown."""
        if len(self.reports) < 2:
            return False
        before, now = self.reports[-2:]
        return before["bytes_in"] == now["bytes_in"] and now["playback"]["frames_shown"] == len(self.pictures)

    def ends(self, seconds):
        """Waits until it ends, as it should."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"receive did not end:\n{''.join(self.words)}") from None
        assert code == 0, f"receive ended with {code}:\n{''.join(self.words)}"
        for thread in self.threads:
            thread.join(5)

    def stamps(self):
        """Of all pictures; AssertionError where one cannot be read."""
        seen = [stamp for stamp, _ in self.pictures]
        assert all(seen), f"the stamp of picture {seen.index(None)} cannot be read"
        return seen

    def keep_unreadable(self, folder):
        """The first pictures without a stamp as PGM files of their luma; their paths."""
        paths = []
        for place, picture in self.unreadable.items():
            os.makedirs(folder, exist_ok=True)
            paths.append(os.path.join(folder, f"unreadable-{place}.pgm"))
            with open(paths[-1], "wb") as file:
                file.write(f"P5 {self.width} {self.height} 255\n".encode())
                file.write(picture[:self.width * self.height])
        return paths


class Port:
    """A TCP port whose connections are counted, and given to `connected` one after the other."""

    def __init__(self):
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections += 1
                self.connected(connection)

    def connected(self, connection):
        raise NotImplementedError


class CountedWay(Port):
    """One before another: the bytes that come back from there are counted, too."""

    def __init__(self, to):
        self.to, self.count = to.rsplit(":", 1), 0
        super().__init__()

    def connected(self, connection):
        far = socket.create_connection((self.to[0], int(self.to[1])))
        for way in ((connection, far, False), (far, connection, True)):
            threading.Thread(target=self._carry, args=way, daemon=True).start()

    def _carry(self, source, sink, counts):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                self.count += len(data) if counts else 0
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@dataclass
class Coded:
    """A picture as it stands in a file: its note, its time in seconds and its bytes."""
    number: int
    taken: float
    pts: float
    size: int


def coded(path):
    """Of an MP4 of H.264 or H.265, in order of decoding."""
    return [Coded(*stamps.note_of(one.data), one.pts / 1000, len(one.data))
            for one in clips.read(path).of("video")]


def readable(pictures):
    """Of pictures with their moments, those with a stamp that is not that of one before."""
    newest, found = -1, []
    for stamp, came in pictures:
        if stamp and stamp.frame > newest:
            newest = stamp.frame
            found.append((stamp, came))
    return found


def video_of(report):
    return next((track for track in report["tracks"] if track["kind"] == "video"), None)


def gaps(numbers):
    """How many are missing between the first and the last; AssertionError where one comes twice or late."""
    for before, after in zip(numbers, numbers[1:]):
        assert after > before, f"picture {after} comes after {before}"
    return numbers[-1] - numbers[0] + 1 - len(numbers)


def at(share, values):
    """The value that so large a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
