"""A sender whose link becomes narrow: how late its pictures come, and whether any is broken."""

import contextlib
import json
import os
import threading
import time

import wire_ends as ends
import lossy_wire as wires
import node
import stamps

WIDE, NARROW = 8_000_000, 1_000_000
QUEUE = 0.2      # seconds that the path holds
SOURCE = "test:?size=640x360&fps=30&bitrate=4M&preset=ultrafast&audio=none"
DELAY_MAX, SETTLED_AFTER = 0.5, 2.0
LINK_DELAY_MAX = 4.0
NARROW_SECONDS, WIDE_SECONDS = 8, 3
MADE_AGAIN = 2 * NARROW      # bits a second that an encoder is asked for again, if at all
# Of what was sent before the fall, that much again.
SENT_AGAIN = 0.8
BACK_AFTER, SLACK = 2.0, 3.0
# What the wire, the encoder and two processes on a busy machine may add to what waits in queues.
MACHINE = 0.25


def row(seen):
    """Raises where a picture is missing without a key frame behind the gap."""
    for (before, *_), (number, _, _, key) in zip(seen, seen[1:]):
        assert number > before, f"picture {number} came behind {before}"
        assert number == before + 1 or key, f"picture {number} came behind {before}, and is no key frame"


@contextlib.contextmanager
def before_all_others():
    """What is begun here runs before everything else on a busy machine, where that may be had: a second in
    which nobody is run is a path that is full."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class Reports(threading.Thread):
    """What `send` says of its one destination each second, with when it came."""

    def __init__(self, sender):
        super().__init__(daemon=True)
        self.sender, self.seen = sender, []
        self.start()

    def run(self):
        for line in self.sender.process.stdout:
            for forward in json.loads(line).get("forwards", []):
                self.seen.append((time.time(), forward))

    def targets(self, begin=0):
        """(when, bits a second that its encoder was asked for)."""
        return [(when, one.get("bitrate_target_bps", WIDE)) for when, one in self.seen if when >= begin]

    def rate(self, begin, end):
        """Bits a second that left meanwhile."""
        inside = [(when, one["bytes"]) for when, one in self.seen if begin <= when <= end]
        (first, before), (last, after) = inside[0], inside[-1]
        return (after - before) * 8 / (last - first) if last > first else 0

    def back_after(self, fell, rose):
        """Seconds behind the rise until its encoder may make much again, and from when on as much leaves as
        did: of the two between two reports."""
        before = self.rate(0, fell)
        node.until(lambda: self.told(rose), ends.PATIENCE, "the encoder may make much again")
        node.until(lambda: self.sends(rose, SENT_AGAIN * before), ends.PATIENCE, "as much leaves as before")
        return self.told(rose), self.sends(rose, SENT_AGAIN * before)

    def sends(self, rose, rate):
        times = [when for when, _ in self.seen if when >= rose]
        return next((begin - rose for begin, end in zip(times, times[1:]) if self.rate(begin, end) >= rate),
                    None)

    def told(self, rose):
        return next((when - rose for when, target in self.targets(rose) if target >= MADE_AGAIN), None)


@contextlib.contextmanager
def follow(wire, folder, address):
    """Sends to a node over a path that is wide, narrow, and wide again: the pictures as they came, when it
    fell, when it rose, and what the sender said."""
    with ends.Server(wire.near, "server", folder) as server, contextlib.ExitStack() as stack:
        stack.callback(wire.far.narrow)
        wire.far.narrow(WIDE, QUEUE)
        sender = stack.enter_context(ends.Piped(
            wire.far, "send", ["send", SOURCE, address(server), "--json"], folder))
        reports = Reports(sender)
        server.wait_live()
        with ends.Watch(server, "live/cam", stamps.note_of) as watch:
            node.until(lambda: len(watch.seen) > 90, 30, "pictures come")
            wire.far.narrow(NARROW, QUEUE)
            fell = time.time()
            time.sleep(NARROW_SECONDS)
            wire.far.narrow(WIDE, QUEUE)
            rose = time.time()
            time.sleep(WIDE_SECONDS)
            yield watch, fell, rose, reports
            sender.process.terminate()
            assert sender.wait(10) == 0, sender.said()
        server.stop()
    row(watch.seen)


def judge(delay_max, watch, fell, rose, reports):
    settled, risen = watch.late(fell + SETTLED_AFTER, rose), watch.late(rose, time.time())
    assert len(settled) > 60, f"only {len(settled)} pictures came through the narrow link"
    assert len(risen) > 30, f"only {len(risen)} pictures came behind it"
    worst = max(settled)
    assert worst < delay_max, f"pictures came {worst:.2f} s late"
    targets = reports.targets()
    assert any(target < NARROW for _, target in targets), f"the encoder was asked for {targets}"
    return f"{len(settled)} pictures through 1 Mbit/s, at most {worst * 1000:.0f} ms late"


def row_3_5_a_sender_follows_a_link_that_falls_from_8_to_1_mbit(wire, folder, _):
    """Two seconds after the fall, and ever after, pictures come within half a second; then it rises again."""
    with follow(wire, folder,
                lambda server: f"rtsp://{wires.NEAR}:{server.ports['rtsp']}/live/cam") as followed:
        return judge(DELAY_MAX + MACHINE, *followed)


def row_0_30_a_link_follows_a_path_that_falls_from_8_to_1_mbit(wire, folder, _):
    """The same by KCP, which gives nothing up that was on its way; and within two seconds the encoder may
    make much again, and does."""
    with before_all_others(), follow(
            wire, folder, lambda server: f"kcp://{wires.NEAR}:{server.ports['kcp']}/live/cam"
                                         f"?fingerprint={server.fingerprint}") as followed:
        _, fell, rose, reports = followed
        told, sent = reports.back_after(fell, rose)
        said = judge(LINK_DELAY_MAX, *followed)
        assert told < BACK_AFTER + SLACK, f"{told:.1f} s: {reports.targets(rose)}"
        assert sent < BACK_AFTER + SLACK, f"{sent:.1f} s: {reports.targets(rose)}"
    return f"{said}; told {told:.1f} s behind the rise, sends as before the fall from {sent:.1f} s on"
