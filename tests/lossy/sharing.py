"""A link and a TCP that takes what it can, on one narrow path: what each gets."""

import contextlib
import json
import sys
import threading
import time

import lossy_wire as wires
import node
import stamps
import wire_ends as ends

DELAY = 0.02      # seconds one way
TCP_PORT = 7000
SETTLE_SECONDS = 5
# Sends as fast as TCP lets it.
SENDER = """
import socket, sys
there = socket.create_connection((sys.argv[1], int(sys.argv[2])))
while True:
    there.sendall(bytes(65536))
"""
# Says how many bytes it has, each tenth of a second.
RECEIVER = """
import socket, sys, time
door = socket.create_server((sys.argv[1], int(sys.argv[2])))
print(0, flush=True)
here, _ = door.accept()
total, said = 0, time.monotonic()
while data := here.recv(65536):
    total += len(data)
    if time.monotonic() - said > 0.1:
        said = time.monotonic()
        print(total, flush=True)
"""


class Sink(threading.Thread):
    """How many bytes TCP has brought."""

    def __init__(self, stack, wire, folder):
        super().__init__(daemon=True)
        self.total = None
        where = [wires.NEAR, str(TCP_PORT)]
        receiver = ends.Piped(wire.near, None, [sys.executable, "-c", RECEIVER, *where], folder)
        self.pipe = stack.enter_context(receiver).process.stdout
        self.start()
        node.until(lambda: self.total is not None, ends.PATIENCE, "TCP listens")
        stack.enter_context(ends.Program(wire.far, "tcp", [sys.executable, "-c", SENDER, *where], folder))

    def run(self):
        for line in self.pipe:
            self.total = int(line)


def _percent(values, share):
    return 1000 * sorted(values)[int(share * (len(values) - 1))] if values else None


def _rates(server, sink, seconds):
    """Bits a second that the stream and TCP bring."""
    def brought():
        document = json.loads(server.ask("/api/v1/streams/live/cam"))
        return document["bytes_in"], sink.total if sink else 0, time.monotonic()
    before = brought()
    time.sleep(seconds)
    link, tcp, took = (after - was for after, was in zip(brought(), before))
    return 8 * link / took, 8 * tcp / took


def beside_tcp(wire, folder, rate, queue, camera, seconds):
    """{alone_bps: what the link brought before TCP came, link_bps, tcp_bps: what each brought then,
    share_percent: of the equal share or what it brought alone, p50_ms, p99_ms: of the pictures} through a
    path of `rate` whose queue holds `queue` seconds; the camera makes
    at most `camera` bits a second."""
    source = f"test:?size=1280x720&fps=30&bitrate={camera}&preset=ultrafast&audio=none"
    with contextlib.ExitStack() as stack:
        stack.callback(setattr, wire, "delay", 0.0)
        stack.callback(wire.far.narrow)
        wire.delay = DELAY
        server = stack.enter_context(ends.Server(wire.near, "server", folder))
        wire.far.narrow(rate, queue)
        to = f"kcp://{wires.NEAR}:{server.ports['kcp']}/live/cam?fingerprint={server.fingerprint}"
        stack.enter_context(ends.Program(wire.far, "send", [ends.PROGRAM, "send", source, to], folder))
        server.wait_live()
        watch = stack.enter_context(ends.Watch(server, "live/cam", stamps.note_of))
        node.until(lambda: watch.seen, ends.PATIENCE, "pictures come")
        time.sleep(SETTLE_SECONDS)
        alone, _ = _rates(server, None, seconds)
        sink = Sink(stack, wire, folder)
        node.until(lambda: sink.total > 0, ends.PATIENCE, "TCP comes")
        time.sleep(SETTLE_SECONDS)
        began = time.time()
        link, tcp = _rates(server, sink, seconds)
        late = watch.late(began, time.time())
    return {"rate": rate, "queue_s": queue, "camera_bps": camera, "alone_bps": alone, "link_bps": link,
            "tcp_bps": tcp, "share_percent": 100 * link / min(rate / 2, alone), "pictures": len(late),
            "p50_ms": _percent(late, 0.5), "p99_ms": _percent(late, 0.99)}
