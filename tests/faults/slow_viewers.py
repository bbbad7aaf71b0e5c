"""F17: viewers that stop reading, viewers that read a tenth, and others of the stream, who lose nothing."""

import contextlib
import select
import socket
import subprocess
import threading
import time

import canary
import flv
import ledger
import peers
import rtmp
from world import test

STALLED, CRAWLING = 200, 50                  # of each protocol
FRAME_BYTES = 10_000                         # 25 a second: 2 Mbit/s
CRAWL_BYTES_A_SECOND = 25_000                # a tenth
KERNEL_BYTES_MAX = 300_000                   # a stalled viewer
RESIDENT_BYTES_MAX = 60_000                  # a viewer
GONE_SECONDS = 15 + 3
FILL_SECONDS = 5                             # until the kernel's buffers of a stalled viewer are full
RECEIVE_BUFFER = 16 << 10


class HeavySource(canary.Source):
    """A source whose pictures weigh something."""

    def step(self, shift=0):
        sample = self.clip.samples[self.at]
        if sample.kind == "video":
            units = list(ledger.nal_units(canary.numbered(self.clip, sample, self.number)))
            units[-1] += bytes(at % 251 + 1 for at in range(FRAME_BYTES - sum(map(len, units))))
            data = b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)
            when = self.due()
            copy = type(sample)(sample.kind, sample.dts, sample.pts, sample.key, data)
            self.ledger.append(canary.Sent("video", canary.name_of("video", data), when, sample.key, shift))
            self._send(rtmp.VIDEO, flv.video_body(self.clip, copy), when + shift)
            self._on()
        else:
            super().step(shift)


def slow_connection(world, protocol):
    """A viewer that was let in, with a small receive buffer; its socket."""
    listener = "http" if protocol == "flv" else "rtmp"
    host, port = world.listeners[listener].rsplit(":", 1)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    connection.connect((host, int(port)))
    if protocol == "flv":
        connection.sendall(b"GET /live/heavy.flv HTTP/1.1\r\nHost: a\r\n\r\n")
        return connection
    client = rtmp.Client.__new__(rtmp.Client)
    client.adopt(connection, world.listeners["rtmp"], "live", "heavy")
    client.play()
    return connection


def kernel_bytes(world, connections):
    """What the kernel holds on the server's side of these connections, by `ss`."""
    wanted = {str(connection.getsockname()[1]) for connection in connections}
    ports = {address.rsplit(":", 1)[1] for address in world.listeners.values()}
    listing = subprocess.run(["ss", "-tmnH", "state", "all"], capture_output=True, text=True,
                             check=True).stdout
    total, ours = 0, False
    for line in listing.splitlines():
        if not line.startswith("\t"):
            words = line.split()
            ours = words[3].rsplit(":", 1)[1] in ports and words[4].rsplit(":", 1)[1] in wanted
        if ours and "skmem:(" in line:
            memory = line.split("skmem:(")[1].split(")")[0].split(",")
            total += sum(int(field[1:]) for field in memory if field[0] in "rwf" and field[1].isdigit())
    return total


class Crawl:
    """Reads a tenth of the stream from every connection, in one thread; keeps the bytes of the first."""

    def __init__(self, connections):
        self.open = list(connections)
        self.read = {connection: 0 for connection in connections}
        self.kept = bytearray()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._crawl, daemon=True)
        self.thread.start()

    def _crawl(self):
        first = self.open[0]
        while not self.stop.wait(0.1):
            for connection in select.select(self.open, [], [], 0)[0]:
                part = b""
                with contextlib.suppress(OSError):
                    part = connection.recv(CRAWL_BYTES_A_SECOND // 10)
                if not part:
                    self.open.remove(connection)
                self.read[connection] += len(part)
                if connection is first:
                    self.kept += part

    def end(self):
        self.stop.set()
        self.thread.join()


def viewers(world):
    return sum((world.document("live/heavy") or {"viewers": {}})["viewers"].values())


@test(quick=True, builds=("release",))
def f17_four_hundred_stalled_and_a_hundred_crawling(world):
    with world.fault(), contextlib.ExitStack() as scene:
        client = world.client("live/heavy")
        client.publish()
        scene.callback(client.socket.close)
        source = HeavySource(client, world.clip(), first_number=0x40000000)
        source.begin()
        stop = threading.Event()
        thread = threading.Thread(target=source.play, args=(stop.is_set,), daemon=True)
        thread.start()
        world.wait_live("live/heavy")
        healthy = [scene.enter_context(peers.FlvReader(world.server.http("/live/heavy.flv"))),
                   scene.enter_context(peers.RtmpReader(world.listeners["rtmp"], "live", "heavy"))]
        time.sleep(2)
        resident = world.server.resident_kilobytes()
        crawling = [slow_connection(world, protocol) for protocol in ("flv", "rtmp") for _ in range(CRAWLING)]
        crawl = Crawl(crawling)
        stalled = [slow_connection(world, protocol) for protocol in ("flv", "rtmp") for _ in range(STALLED)]
        connected = time.monotonic()
        for connection in crawling + stalled:
            scene.callback(connection.close)
        worst_kernel = worst_resident = 0
        while viewers(world) > 2 + 2 * CRAWLING:
            assert time.monotonic() - connected < FILL_SECONDS + GONE_SECONDS, \
                f"{viewers(world) - 2 - 2 * CRAWLING} stalled viewers are still there"
            worst_kernel = max(worst_kernel, kernel_bytes(world, stalled) / len(stalled))
            worst_resident = max(worst_resident, world.server.resident_kilobytes() - resident)
            time.sleep(0.5)
        total = len(stalled) + len(crawling)
        print(f"     f17: kernel {worst_kernel / 1000:.0f} kB a stalled viewer, resident "
              f"{worst_resident * 1024 / total / 1000:.1f} kB a viewer", flush=True)
        assert worst_kernel > 1000, "the kernel's memory was not seen"
        assert worst_kernel <= KERNEL_BYTES_MAX, f"{worst_kernel:.0f} bytes in the kernel a stalled viewer"
        assert worst_resident * 1024 <= RESIDENT_BYTES_MAX * total, \
            f"{worst_resident} KB more for {total} viewers"
        judge_crawl(world, crawl)
        stop.set()
        thread.join()
        last = [frame.name for frame in source.ledger if frame.kind == "video"][-1]
        for viewer in healthy:
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline and viewer.frames()[-3:] and not any(
                    frame.name == last for frame in viewer.frames()[-20:]):
                time.sleep(0.5)
            missing = canary.lost(source.ledger, viewer.frames())
            assert missing is None, f"a healthy viewer of the same stream: {missing}"


def judge_crawl(world, crawl):
    """Those who read a tenth are skipped ahead or let go; what they got is whole frames in order."""
    crawl.end()
    progress = sorted(crawl.read.values())
    assert progress[0] > CRAWL_BYTES_A_SECOND, f"a crawling viewer got {progress[0]} bytes"
    body = bytes(crawl.kept).split(b"\r\n\r\n", 1)[1]
    frames = ledger.of_flv(body)
    assert frames, "a crawling viewer got no frame"
    ledger.monotonic(frames)
