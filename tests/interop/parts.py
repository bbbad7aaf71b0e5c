"""Viewers of MJPEG: multipart taken apart strictly, and the stamps that are drawn into the pictures."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
from dataclasses import dataclass

import node
import peers
import stamps

BOUNDARY = b"--frame\r\n"
HEAD = re.compile(rb"Content-Type: image/jpeg\r\nContent-Length: (\d+)\r\nX-Timestamp: (\d+\.\d{6})\r\n"
                  rb"X-Timestamp-Origin: (?:capture|sender|arrival)\r\n\r\n")


@dataclass(frozen=True)
class Part:
    taken: float      # Unix seconds
    jpeg: bytes


def of(body):
    """The whole parts of an answer's body; AssertionError where a byte is not as the guide says."""
    if not body:
        return []
    assert body.startswith(BOUNDARY), body[:40]
    at, found = len(BOUNDARY), []
    while True:
        head = HEAD.match(body, at)
        if head is None:
            rest = body[at:]
            assert len(rest) < 200 and rest.startswith(b"Content-Type: image/jpeg"[:len(rest)]), rest[:200]
            return found
        end = head.end() + int(head[1])
        after = body[end:end + 2 + len(BOUNDARY)]
        if after != b"\r\n" + BOUNDARY:
            assert (b"\r\n" + BOUNDARY).startswith(after), f"no boundary after a picture: {after!r}"
            return found
        jpeg = body[head.end():end]
        assert jpeg.startswith(b"\xff\xd8\xff") and jpeg.endswith(b"\xff\xd9"), "no JPEG"
        found.append(Part(float(head[2]), jpeg))
        at = end + len(after)


class Viewer:
    """An HTTP viewer that reads in a thread, or stops to. `through`: the port of a forward proxy."""

    def __init__(self, scene, path, receive_buffer=None, through=None):
        address = scene.server.listeners["http"]
        host, port = address.rsplit(":", 1)
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(peers.MEDIA_PATIENCE)
        self.socket.connect((host, through or int(port)))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
        self.data, self.ended = bytearray(), False
        self.reads = threading.Event()
        self.reads.set()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            while part := self.socket.recv(16384):
                self.data += part
                self.reads.wait()
        except OSError:
            pass
        self.ended = True

    def head(self):
        return bytes(self.data).split(b"\r\n\r\n", 1)[0].decode("latin-1")

    def parts(self):
        data = bytes(self.data)
        at = data.find(b"\r\n\r\n")
        return [] if at < 0 else of(data[at + 4:])

    def count(self):
        """How many there are, about: cheaper than looking at them."""
        return self.data.count(BOUNDARY) - 1

    def wait(self, count):
        node.until(lambda: self.ended or self.count() >= count, peers.MEDIA_PATIENCE, f"{count} pictures")
        assert len(self.parts()) >= count, f"the viewer was sent away: {self.head()}"
        return self.parts()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reads.set()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)      # a close alone waits for the thread that reads
        self.socket.close()


def stamps_of(scene, parts, size):
    """What is drawn into the pictures, as ffmpeg decodes them."""
    path = os.path.join(scene.folder, "parts.mjpeg")
    with open(path, "wb") as file:
        file.write(b"".join(part.jpeg for part in parts))
    return stamps.of_file(path, *size)


def children_of(scene):
    """The command lines' process ids of the server's children, as ps has them."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(scene.server.process.pid)],
                            capture_output=True, text=True, check=False).stdout
    return {int(pid) for pid in listed.split()}


def kill(pid):
    os.kill(pid, signal.SIGKILL)
