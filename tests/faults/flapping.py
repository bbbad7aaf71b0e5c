"""F18: publishers that come and go in every way, while viewers join and leave at random moments."""

import contextlib
import random
import socket
import struct
import threading
import time

import canary
import flv
import node
import rtmp
from world import CLOSED_SECONDS, test

NAMES = 4                    # streams that flap at the same time
VIEWERS = 20
CYCLES = 200                 # the short form; tools/long flapping runs 5,000
MEDIA_MS = (20, 400)         # of each cycle
LEAVINGS = ("FIN", "RST", "said") * 8 + ("nothing",)
RESIDENT_SLOPE_MAX = 3 * 1024      # KB from the first half to the end


def reset(connection):
    """Closes with a reset."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Flapper:
    """One name whose publisher comes and goes; in a thread."""

    def __init__(self, world, name, cycles, seed):
        self.world, self.name, self.cycles = world, name, cycles
        self.chance = random.Random(seed)
        self.done = self.refused = 0
        self.silent = []
        self.complaint = None
        self.thread = threading.Thread(target=self._flap, daemon=True)
        self.thread.start()

    def _flap(self):
        try:
            while self.done < self.cycles:
                self._cycle()
        except Exception as error:      # told to the test, whatever it was
            self.complaint = f"{self.name} in cycle {self.done}: {error!r}"

    def _cycle(self):
        client = self.world.client(self.name)
        try:
            client.publish()
        except rtmp.Refused:
            self.refused += 1
            client.socket.close()
            return
        self.done += 1
        source = canary.Source(client, self.world.clip(), first_number=self.done << 12)
        length = self.chance.randrange(*MEDIA_MS)
        with contextlib.suppress(ConnectionError, rtmp.Refused):
            source.begin()
            source.play(lambda: source.due() > length, pace=self.chance.choice((1, 4)))
        self._leave(client)

    def _leave(self, client):
        how = self.chance.choice(LEAVINGS)
        if how == "nothing":
            self.silent.append(client)      # its place is taken when the next has knocked for 3 s
            return
        with contextlib.suppress(OSError):
            if how == "said":
                client.unpublish()
        if how == "RST":
            reset(client.socket)
        else:
            client.socket.close()

    def close(self):
        for client in self.silent:
            client.socket.close()


class Wanderer:
    """One viewer that joins and leaves again and again; in a thread."""

    def __init__(self, world, names, seed):
        self.world, self.names, self.chance = world, names, random.Random(seed)
        self.stop = threading.Event()
        self.joined = self.ended = self.bytes = 0
        self.complaint = None
        self.thread = threading.Thread(target=self._wander, daemon=True)
        self.thread.start()

    def _wander(self):
        while not self.stop.is_set():
            name = self.chance.choice(self.names)
            try:
                if self.chance.random() < 0.5:
                    self._flv(name)
                else:
                    self._rtmp(name)
            except (OSError, rtmp.Refused, TimeoutError):
                time.sleep(0.02)
            except Exception as error:      # told to the test, whatever it was
                self.complaint = f"a viewer of {name}: {error!r}"
                return

    def _read_on(self, connection, read):
        """Reads for a random while, then leaves by FIN or RST; gives the bytes."""
        data, until = bytearray(), time.monotonic() + self.chance.choice((0, 0.01, 0.1, 0.5, 2))
        connection.settimeout(0.05)
        while time.monotonic() < until and not self.stop.is_set():
            with contextlib.suppress(TimeoutError):
                part = read(65536)
                if not part:
                    self.ended += 1
                    break
                data += part
        self.bytes += len(data)
        self.joined += 1
        (reset if self.chance.random() < 0.5 else socket.socket.close)(connection)
        return bytes(data)

    def _flv(self, name):
        connection = self.world.raw("http", f"GET /{name}.flv HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        with contextlib.closing(connection):
            data = self._read_on(connection, connection.recv)
        head, _, body = data.partition(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 200") and body:
            list(flv.tags(body))      # raises if it is none

    def _rtmp(self, name):
        client = self.world.client(name)
        with contextlib.closing(client.socket):
            client.play()
            self._read_on(client.socket, client.socket.recv)


def churn(world, cycles):
    """The whole fault; raises if anything but churn happened."""
    with world.fault():
        names = [f"flap/{letter}" for letter in "abcd"[:NAMES]]
        wanderers = [Wanderer(world, names, seed) for seed in range(VIEWERS)]
        flappers = [Flapper(world, name, cycles // NAMES, seed) for seed, name in enumerate(names)]
        half = None
        while any(flapper.thread.is_alive() for flapper in flappers):
            assert world.server.alive(), "the server died"
            if half is None and sum(flapper.done for flapper in flappers) > cycles / 2:
                half = world.server.resident_kilobytes()
            time.sleep(0.2)
        last = world.server.resident_kilobytes()
        for wanderer in wanderers:
            wanderer.stop.set()
        for wanderer in wanderers:
            wanderer.thread.join(CLOSED_SECONDS * 2)
        for flapper in flappers:
            flapper.close()
        complaints = [one.complaint for one in (*flappers, *wanderers) if one.complaint]
        assert not complaints, "; ".join(complaints)
        joined = sum(wanderer.joined for wanderer in wanderers)
        received = sum(wanderer.bytes for wanderer in wanderers)
        print(f"     f18: {sum(flapper.done for flapper in flappers)} publications, "
              f"{sum(flapper.refused for flapper in flappers)} refused, {joined} viewers, {received} bytes, "
              f"resident {half} KB half way, {last} KB at the end", flush=True)
        assert joined >= cycles / 2 and received > 100 * cycles, "too few viewers to prove anything"
        assert world.sanitized or last - half <= RESIDENT_SLOPE_MAX, f"resident grew from {half} to {last} KB"
        node.until(lambda: world.document(names[0]) is None, CLOSED_SECONDS + 10, "the streams end")


@test(builds=("asan", "tsan"))
def f18_flapping_publishers_and_viewer_churn(world):
    churn(world, CYCLES)


@test(quick=True, builds=("release",))
def f18_flapping_publishers_grow_nothing(world):
    churn(world, CYCLES)
