"""One stream by each transport over the same wire: which pictures come, whole or not, how late, at how
many bytes. A node at the far end is published to and pushes; one at the near end hands out what came.
Every picture carries its number, when it was sent and its digest (apps/loadgen/stamp), so one way of reading
serves all."""

import collections
import contextlib
import json
import os
import signal
import time

import wire_ends as ends
import ledger
import lossy_wire as wires
import node

IDENTIFIER = b"millrace:loadgen"
KBPS, PICTURES_A_SECOND, GOP_SECONDS = 2000, 30, 1
UDP_PORT, SRT_PORT, SRT_OUT_PORT, SRT_IN_PORT = 5004, 9000, 5006, 5010      # in namespaces all ports are free
SETTLE_SECONDS = 2
PRIME, WORD = 0x100000001B3, (1 << 64) - 1

# Seconds one way, and the share that is lost of each way.
Path = collections.namedtuple("Path", "delay loss")
SHORT_PATH = Path(0.02, 0.02)


def _digest(nal, known={}):
    """The one of apps/loadgen/stamp; a camera has few pictures."""
    if nal not in known:
        value = 0xCBF29CE484222325
        for at in range(0, len(nal), 8):
            value = (value ^ int.from_bytes(nal[at:at + 8], "little")) * PRIME & WORD
            value ^= value >> 29
        known[nal] = value
    return known[nal]


def note_of(picture):
    """(number, when it was sent, on the monotonic clock) of a picture, which must be whole."""
    stamp, *slices = ledger.nal_units(picture)
    assert stamp[3:19] == IDENTIFIER and len(slices) == 1, "a picture without its stamp"
    number, sent, digest = (int(stamp[at:at + 16], 16) for at in (19, 35, 51))
    assert _digest(slices[0]) == digest, f"picture {number} is not what was sent"
    return number, sent / 1e9


def srt_latency_ms(path):
    """As its handbook advises: four round trips; 120 ms at least."""
    return max(120, round(8 * path.delay * 1000))


def _srt(wire, folder, path):
    """Both ends of SRT, between the UDP of a node and that of another."""
    latency = f"latency={srt_latency_ms(path)}"
    return [ends.Program(wire.near, "srt-near", [
        "srt-live-transmit", "-q", f"srt://:{SRT_PORT}?mode=listener&{latency}",
        f"udp://127.0.0.1:{SRT_OUT_PORT}"], folder),
            ends.Program(wire.far, "srt-far", [
                "srt-live-transmit", "-q", f"udp://127.0.0.1:{SRT_IN_PORT}",
                f"srt://{wires.NEAR}:{SRT_PORT}?mode=caller&{latency}"], folder)]


# Each: where the far node pushes to, and where the near one listens if nobody says a name there.
Transport = collections.namedtuple("Transport", "to source", defaults=[None])


def _link(server, more=""):
    return f"kcp://{wires.NEAR}:{server.ports['kcp']}/live/{{}}?fingerprint={server.fingerprint}{more}"


TRANSPORTS = {
    "kcp": Transport(lambda server: _link(server, "&parity=off")),
    "kcp-fec": Transport(_link),
    "tls": Transport(lambda server: _link(server, "&transport=tls")),
    "srt": Transport(lambda _: f"udp://127.0.0.1:{SRT_IN_PORT}", f"udp://@127.0.0.1:{SRT_OUT_PORT}"),
    "rtmp": Transport(lambda server: f"rtmp://{wires.NEAR}:{server.ports['rtmp']}/live/{{}}"),
    "udp": Transport(lambda _: f"udp://{wires.NEAR}:{UDP_PORT}", f"udp://@{wires.NEAR}:{UDP_PORT}"),
}


@contextlib.contextmanager
def carried(wire, folder, names, path):
    """One stream on its way by all transports named: (the near node, its publisher). The path loses from the
    time on that all are there."""
    wire.delay = path.delay
    sources = ", ".join(f"live/{name}: {{ source: '{TRANSPORTS[name].source}' }}" for name in names
                        if TRANSPORTS[name].source)
    with contextlib.ExitStack() as stack:
        stack.callback(setattr, wire, "delay", 0.0)
        for end in (wire.near, wire.far):
            stack.callback(end.lose, 0)
        server = stack.enter_context(ends.Server(
            wire.near, "server", folder, "--set", f"streams={{ {sources} }}"))
        if "srt" in names:
            for one in _srt(wire, folder, path):
                stack.enter_context(one)
        to = ", ".join(f"'{TRANSPORTS[name].to(server).format(name)}'" for name in names)
        edge = stack.enter_context(ends.Server(
            wire.far, "edge", folder, "--set", f"streams={{ live/cam: {{ forward: [ {to} ] }} }}",
            "--set", "outgoing.allow=[ 127.0.0.1 ]"))
        publisher = stack.enter_context(ends.Program(wire.far, "loadgen", [
            os.path.join(os.path.dirname(ends.PROGRAM), "loadgen"), "publish", "--rtmp",
            f"127.0.0.1:{edge.ports['rtmp']}", "--name", "live/cam", "--kbps", str(KBPS), "--gop",
            str(GOP_SECONDS)], folder))
        for name in names:
            server.wait_live(f"live/{name}")
        for end in (wire.near, wire.far):
            end.lose(path.loss)
        yield server, publisher


def _found(watch, first, last):
    assert watch.fault is None, watch.fault
    numbers = [number for number, *_ in watch.seen]
    assert all(a < b for a, b in zip(numbers, numbers[1:])), "pictures came twice, or in another order"
    late = [1000 * late for number, late, *_ in watch.seen if first <= number < last]
    return {"pictures": last - first, "missing": last - first - len(late), "late_ms": late}


def measure(wire, folder, names, path, seconds):
    """Of each transport {pictures, missing, late_ms: [of each that came]} in so many seconds of a stream, and
    the bytes of all of them on the wire, both ways, over those of the pictures. Raises if a picture is broken
    or comes before its elder."""
    with carried(wire, folder, names, path) as (server, publisher), contextlib.ExitStack() as stack:
        watches = {name: stack.enter_context(ends.Watch(server, f"live/{name}", note_of, time.monotonic))
                   for name in names}
        node.until(lambda: any(watch.seen for watch in watches.values()), ends.PATIENCE, "a picture comes")
        time.sleep(SETTLE_SECONDS)
        bytes_before, began = wire.bytes, time.monotonic()
        first = 1 + max(watch.seen[-1][0] for watch in watches.values() if watch.seen)
        time.sleep(seconds)
        wire_bytes, took = wire.bytes - bytes_before, time.monotonic() - began
        last = first + int(took * PICTURES_A_SECOND)
        time.sleep(SETTLE_SECONDS)      # for what is on its way
        publisher.process.send_signal(signal.SIGTERM)
        publisher.succeed()
        assert wire.near.lost() + wire.far.lost() > 0 or path.loss == 0, "the path lost nothing"
    return ({name: _found(watch, first, last) for name, watch in watches.items()},
            wire_bytes / (took * KBPS * 125))


def row_x_3_row_3_14_every_transport_over_one_path_by_one_stamp(wire, folder, _):
    """Whatever comes is what was sent, in order; nothing is missing by those that resend for good, and by
    bare UDP something is."""
    found, _ = measure(wire, folder, list(TRANSPORTS), SHORT_PATH, 4)
    told = "; ".join(f"{name} misses {one['missing']} of {one['pictures']}" for name, one in found.items())
    assert all(found[name]["missing"] == 0 for name in ("kcp", "kcp-fec", "tls", "rtmp")), told
    assert found["udp"]["missing"] > 0, told
    return told


def row_0_30_a_link_goes_by_tcp_where_udp_is_blocked(wire, folder, _):
    """A node pushes to another whose UDP a firewall drops: by TCP every picture comes, whole and in order."""
    with contextlib.ExitStack() as stack:
        stack.callback(wire.near.lose, 0)
        server = stack.enter_context(ends.Server(wire.near, "server", folder))
        wire.near.block_udp()
        edge = stack.enter_context(ends.Server(
            wire.far, "edge", folder, "--set",
            f"streams={{ live/cam: {{ forward: '{_link(server).format('cam')}' }} }}"))
        publisher = stack.enter_context(ends.Program(wire.far, "loadgen", [
            os.path.join(os.path.dirname(ends.PROGRAM), "loadgen"), "publish", "--rtmp",
            f"127.0.0.1:{edge.ports['rtmp']}", "--name", "live/cam", "--kbps", str(KBPS), "--gop",
            str(GOP_SECONDS)], folder))
        server.wait_live()
        with ends.Watch(server, "live/cam", note_of, time.monotonic) as watch:
            node.until(lambda: watch.fault or len(watch.seen) > 90, ends.PATIENCE, "pictures come")
            forward, = json.loads(edge.ask("/api/v1/forwards"))["items"]
        assert watch.fault is None, watch.fault
        numbers = [number for number, *_ in watch.seen]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), numbers
        assert (forward["state"], forward["transport"]) == ("live", "tls"), forward
        assert wire.near.lost() > 0, "the firewall dropped nothing"
        chunks = json.loads(server.ask("/api/v1/streams/live/cam"))["chunks"]
        assert chunks["proven"] > 0 and not chunks.get("different"), chunks
        publisher.process.send_signal(signal.SIGTERM)
        publisher.succeed()
        edge.stop()
        server.stop()
    return f"{len(numbers)} pictures by TLS, {chunks['proven']} chunks proven"
