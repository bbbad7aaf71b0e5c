"""An edge whose path to its server is too narrow for a while, and then loses: live goes on as it can, and in
the end the server has everything."""

import contextlib
import json
import os
import signal
import time

import ledger
import lossy_wire as wires
import narrow_link
import node
import transports
import wire_ends as ends

KBPS = 2000
HALF = KBPS * 1000 // 2
NARROW_SECONDS = 10      # `run --narrow` says another; F15 in full is 60
LOSSES, LOSS_SECONDS = (0.2, 0.3), 3
DELAY = 0.02             # seconds one way
QUEUE = 0.2
# Of live pictures: what `uplink.deadline` lets wait, a group of pictures, the path; 3 s of slack.
LATE_MAX = 2 + 1 + QUEUE + 3


def uplink(edge):
    items = json.loads(edge.ask("/api/v1/forwards") or b'{"items": []}')["items"]
    return items[0].get("uplink", {}) if items else {}


def everything_is_sent(edge):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    node.until(lambda: uplink(edge).get("state") == "live" and uplink(edge).get("unsent_since", "9") > now,
               ends.PATIENCE, "nothing older waits")


def export(server, folder, until):
    """The pictures' names up to that moment, and their numbers."""
    movie = server.ask(f"/live/cam/archive.mp4?to={until}")
    assert movie is not None, f"{server.name} has no export"
    path = os.path.join(folder, f"{server.name}.mp4")
    with open(path, "wb") as file:
        file.write(movie)
    data = ledger.annex_b_of_file(path)
    numbers = [int(unit[19:35], 16) for unit in ledger.annex_b_units(data)
               if unit[3:19] == transports.IDENTIFIER]
    return [frame.name for frame in ledger.of_annex_b(data)], numbers


def the_archives_are_equal(server, edge, folder):
    there = json.loads(server.ask("/api/v1/recordings/live/cam"))
    assert there["gaps"] == [], there["gaps"]
    until = there["items"][-1]["to"]
    near, numbers = export(edge, folder, until)
    far, _ = export(server, folder, until)
    assert numbers == list(range(numbers[0], numbers[0] + len(near))), numbers
    missing = len(set(near) - set(far))
    assert far == near, f"{missing} of {len(near)} missing, {len(set(far) - set(near))} altered"
    return len(near)


@contextlib.contextmanager
def recorded_beyond(wire, folder):
    """(the server, the edge), which records what a publisher beside it sends."""
    with contextlib.ExitStack() as stack:
        stack.callback(setattr, wire, "delay", 0.0)
        stack.callback(wire.far.narrow)
        for end in (wire.near, wire.far):
            stack.callback(end.lose, 0)
        wire.delay = DELAY
        server = stack.enter_context(ends.Server(wire.near, "server", folder, "--set",
                                                 "streams={ live/cam: { record: true } }"))
        to = f"kcp://{wires.NEAR}:{server.ports['kcp']}/live/cam?fingerprint={server.fingerprint}"
        edge = stack.enter_context(ends.Server(
            wire.far, "edge", folder, "--set", f"streams={{ live/cam: {{ record: true, uplink: '{to}' }} }}"))
        publisher = stack.enter_context(ends.Program(wire.far, "loadgen", [
            os.path.join(os.path.dirname(ends.PROGRAM), "loadgen"), "publish", "--rtmp",
            f"127.0.0.1:{edge.ports['rtmp']}", "--name", "live/cam", "--kbps", str(KBPS), "--gop", "1"],
            folder))
        server.wait_live()
        yield server, edge
        publisher.process.send_signal(signal.SIGTERM)
        publisher.succeed()
        edge.stop()
        server.stop()


def f14_f15_n1_an_uplink_through_half_of_its_rate_and_loss_misses_nothing(wire, folder, _):
    """Live skips whole groups of pictures, and no picture that comes is broken; the archives are equal."""
    with recorded_beyond(wire, folder) as (server, edge), \
            ends.Watch(server, "live/cam", transports.note_of, time.monotonic) as watch:
        node.until(lambda: watch.fault or len(watch.seen) > 60, ends.PATIENCE, "pictures come")
        fell, at = time.monotonic(), len(watch.seen)
        wire.far.narrow(HALF, QUEUE)
        time.sleep(NARROW_SECONDS)
        wire.far.narrow()
        rose, to = time.monotonic(), len(watch.seen)
        numbers = [number for number, *_ in watch.seen[at:to]]
        skipped = numbers[-1] + 1 - numbers[0] - len(numbers)
        worst = max(watch.late(fell, rose))
        assert skipped > 0, "the path was wide enough for everything"
        assert worst < LATE_MAX, f"live pictures came {worst:.1f} s late"
        for loss in LOSSES:
            for end in (wire.near, wire.far):
                end.lose(loss)
            time.sleep(LOSS_SECONDS)
            assert wire.near.lost() > 0 and wire.far.lost() > 0, "the path lost nothing"
        for end in (wire.near, wire.far):
            end.lose(0)
        everything_is_sent(edge)
        assert watch.fault is None, watch.fault
        narrow_link.row(watch.seen)
        count = the_archives_are_equal(server, edge, folder)
    return f"live skipped {skipped} pictures, none later than {worst:.1f} s; none of {count} is missing"
