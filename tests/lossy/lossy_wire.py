"""Two network namespaces with a wire between them that loses, delays and reorders UDP, by a seed."""

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time

NEAR, FAR = "10.77.0.1", "10.77.0.2"
GROUP, OTHER_GROUP = "239.77.0.1", "239.77.0.2"
CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
UDP = 17

_libc = ctypes.CDLL(None, use_errno=True)


def _check(code):
    if code != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def _ip(*words):
    subprocess.run(["ip", *words], check=True)


class End:
    """A namespace of its own, and its end of the wire."""

    def __init__(self, address):
        _check(_libc.unshare(CLONE_NEWNET))
        self.namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.tunnel = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.tunnel, TUNSETIFF, struct.pack("16sH22x", b"wire", IFF_TUN | IFF_NO_PI))
        _ip("link", "set", "lo", "up")
        _ip("addr", "add", f"{address}/24", "dev", "wire")
        _ip("link", "set", "wire", "up")
        _ip("route", "add", "239.0.0.0/8", "dev", "wire")

    def enter(self):
        """From now on this thread, or a child before its program, lives here."""
        _check(_libc.setns(self.namespace, CLONE_NEWNET))


class Wire(threading.Thread):
    """Carries packets both ways. TCP passes whole; of UDP a share is lost, and a share comes late. With a
    `rate` the way to the near end is as narrow, and what finds its queue full is lost."""

    DELAY = 0.03      # of what comes late
    QUEUE = 0.2       # seconds that the narrow way holds

    def __init__(self, loss, late, seed):
        super().__init__(daemon=True)
        self.near, self.far = End(NEAR), End(FAR)
        self.near.enter()
        self.loss, self.late, self.dice = loss, late, random.Random(seed)
        self.lossless = True
        self.rate, self.free_at = None, 0.0      # bits a second to the near end; when it is done with them
        self.carried = self.dropped = self.delayed = 0
        self.held, self.ends = [], False

    def run(self):
        ways = {self.near.tunnel: self.far.tunnel, self.far.tunnel: self.near.tunnel}
        while not self.ends:
            wait = min(max(0, self.held[0][0] - time.monotonic()), 0.2) if self.held else 0.2
            for tunnel in select.select(list(ways), [], [], wait)[0]:
                self.pass_on(os.read(tunnel, 65536), ways[tunnel])
            while self.held and self.held[0][0] <= time.monotonic():
                _, _, packet, to = heapq.heappop(self.held)
                os.write(to, packet)

    def narrow(self, packet, to):
        now = time.monotonic()
        if self.free_at - now > self.QUEUE:
            return
        self.free_at = max(self.free_at, now) + len(packet) * 8 / self.rate
        self.carried += 1
        heapq.heappush(self.held, (self.free_at, self.carried, packet, to))

    def pass_on(self, packet, to):
        if self.rate is not None and to == self.near.tunnel:
            self.narrow(packet, to)
            return
        is_udp = packet[0] >> 4 == 4 and packet[9] == UDP
        fate = self.dice.random() if is_udp and not self.lossless else 1
        self.carried += is_udp
        if fate < self.loss:
            self.dropped += 1
        elif fate < self.loss + self.late:
            self.delayed += 1
            heapq.heappush(self.held, (time.monotonic() + self.DELAY, self.carried, packet, to))
        else:
            os.write(to, packet)
