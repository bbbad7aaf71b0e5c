"""A sender whose link becomes narrow: how late its pictures come, and whether any is broken."""

import contextlib
import json
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
# What the wire, the encoder and two processes on a busy machine may add to what waits in queues.
MACHINE = 0.25


def row(seen):
    """Raises where a picture is missing without a key frame behind the gap."""
    for (before, *_), (number, _, _, key) in zip(seen, seen[1:]):
        assert number > before, f"picture {number} came behind {before}"
        assert number == before + 1 or key, f"picture {number} came behind {before}, and is no key frame"


def read_until_back(sender):
    """What the sender says each second, until its encoder was asked for little and then for much again."""
    reports, lowered, end = [], False, time.time() + ends.PATIENCE
    while time.time() < end:
        reports.append(json.loads(sender.process.stdout.readline()))
        for forward in reports[-1].get("forwards", [])[:1]:
            target = forward.get("bitrate_target_bps", WIDE)
            lowered = lowered or target < NARROW
            if lowered and target >= MADE_AGAIN:
                return reports
    raise AssertionError(f"the encoder is not back: {reports[-8:]}")


def follow(wire, folder, address, comes_back=False):
    """Sends to a node over a path that is wide, narrow, and wide again: (the pictures as they came, when it
    fell, when it rose, what the sender said each second with when it came)."""
    with ends.Server(wire.near, "server", folder) as server, contextlib.ExitStack() as stack:
        stack.callback(wire.far.narrow)
        wire.far.narrow(WIDE, QUEUE)
        sender = stack.enter_context(ends.Piped(
            wire.far, "send", ["send", SOURCE, address(server), "--json"], folder))
        server.wait_live()
        with ends.Watch(server, "live/cam", stamps.note_of) as watch:
            node.until(lambda: len(watch.seen) > 90, 30, "pictures come")
            wire.far.narrow(NARROW, QUEUE)
            fell = time.time()
            time.sleep(NARROW_SECONDS)
            wire.far.narrow(WIDE, QUEUE)
            rose = time.time()
            time.sleep(WIDE_SECONDS)
            reports = read_until_back(sender) if comes_back else []
            sender.process.terminate()
            reports += [json.loads(line) for line in sender.process.stdout]
            assert sender.wait(10) == 0, sender.said()
        server.stop()
    row(watch.seen)
    return watch, fell, rose, [one["forwards"][0] for one in reports if "forwards" in one]


def judge(delay_max, watch, fell, rose, forwards):
    settled, risen = watch.late(fell + SETTLED_AFTER, rose), watch.late(rose, time.time())
    assert len(settled) > 60, f"only {len(settled)} pictures came through the narrow link"
    assert len(risen) > 30, f"only {len(risen)} pictures came behind it"
    worst = max(settled)
    assert worst < delay_max, f"pictures came {worst:.2f} s late"
    targets = [one.get("bitrate_target_bps") for one in forwards]
    assert any(one is not None and one < NARROW for one in targets), f"the encoder was asked for {targets}"
    return f"{len(settled)} pictures through 1 Mbit/s, at most {worst * 1000:.0f} ms late"


def row_3_5_a_sender_follows_a_link_that_falls_from_8_to_1_mbit(wire, folder, _):
    """Two seconds after the fall, and ever after, pictures come within half a second; then it rises again."""
    return judge(DELAY_MAX + MACHINE, *follow(
        wire, folder, lambda server: f"rtsp://{wires.NEAR}:{server.ports['rtsp']}/live/cam"))


def row_0_30_a_link_follows_a_path_that_falls_from_8_to_1_mbit(wire, folder, _):
    """The same by KCP, which gives nothing up that was on its way; and the encoder comes back."""
    return judge(LINK_DELAY_MAX, *follow(
        wire, folder, lambda server: f"kcp://{wires.NEAR}:{server.ports['kcp']}/live/cam"
                                     f"?fingerprint={server.fingerprint}", comes_back=True))
