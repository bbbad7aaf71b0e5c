"""A sender whose link becomes narrow: how late its pictures come, and whether any is broken."""

import contextlib
import json
import threading
import time

import flv
import lossy_wire as wires
import node
import stamps

WIDE, NARROW = 8_000_000, 1_000_000
SOURCE = "test:?size=640x360&fps=30&bitrate=4M&preset=ultrafast&audio=none"
DELAY_MAX, SETTLED_AFTER = 0.5, 2.0
# What the wire, the encoder and two processes on a busy machine may add to what waits in queues.
MACHINE = 0.25


class Watch(threading.Thread):
    """Reads FLV as it comes: each picture with its number, how late it is, when it came, and whether it is a
    key frame."""

    def __init__(self, pipe):
        super().__init__(daemon=True)
        self.pipe, self.data, self.seen = pipe, b"", []
        self.start()

    def run(self):
        while more := self.pipe.read1(65536):
            self.data += more
            self.take(time.time())

    def take(self, now):
        used = 13
        for tag in flv.tags(self.data):
            used += 15 + int.from_bytes(self.data[used + 1:used + 4], "big")
            if tag.kind == "video" and not tag.config and tag.body:
                number, taken = stamps.note_of(tag.body)
                self.seen.append((number, now - taken, now, tag.key))
        self.data = self.data[:13] + self.data[used:]

    def late(self, begin, end):
        return [late for _, late, came, _ in self.seen if begin <= came < end]


def row(seen):
    """Raises where a picture is missing without a key frame behind the gap."""
    for (before, *_), (number, _, _, key) in zip(seen, seen[1:]):
        assert number > before, f"picture {number} came behind {before}"
        assert number == before + 1 or key, f"picture {number} came behind {before}, and is no key frame"


def row_3_5_a_sender_follows_a_link_that_falls_from_8_to_1_mbit(wire, folder, make):
    """Two seconds after the fall, and ever after, pictures come within half a second; then it rises again."""
    with make.server(wire.near, "server", folder) as server, contextlib.ExitStack() as stack:
        to = f"rtsp://{wires.NEAR}:{server.ports['rtsp']}/live/cam"
        wire.rate = WIDE
        sender = stack.enter_context(make.piped(wire.far, "send", ["send", SOURCE, to, "--json"], folder))
        server.wait_live()
        viewer = stack.enter_context(make.piped(wire.near, None, [
            "curl", "-sN", f"http://127.0.0.1:{server.ports['http']}/live/cam.flv"], folder))
        watch = Watch(viewer.process.stdout)
        node.until(lambda: len(watch.seen) > 90, 30, "pictures come")
        wire.rate, fell = NARROW, time.time()
        node.until(lambda: time.time() > fell + 8, 20, "the link is narrow for a while")
        wire.rate, rose = WIDE, time.time()
        node.until(lambda: time.time() > rose + 3, 20, "the link is wide again")
        wire.rate = None
        sender.process.terminate()
        reports = [json.loads(line) for line in sender.process.stdout]
        assert sender.wait(10) == 0, sender.said()
        server.stop()
    row(watch.seen)
    settled = watch.late(fell + SETTLED_AFTER, rose)
    assert len(settled) > 60, f"only {len(settled)} pictures came through the narrow link"
    worst = max(settled)
    assert worst < DELAY_MAX + MACHINE, f"pictures came {worst:.2f} s late"
    targets = [report["forwards"][0].get("bitrate_target_bps") for report in reports if "forwards" in report]
    assert any(one is not None and one < NARROW for one in targets), f"the encoder was asked for {targets}"
    return f"{len(settled)} pictures through 1 Mbit/s, at most {worst * 1000:.0f} ms late"
