"""Two network namespaces with a wire between them that delays, loses, reorders, and may be narrow."""

import ctypes
import fcntl
import heapq
import os
import random
import re
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


class End:
    """A namespace of its own, and its end of the wire."""

    def __init__(self, address):
        _check(_libc.unshare(CLONE_NEWNET))
        self.namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.tunnel = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.tunnel, TUNSETIFF, struct.pack("16sH22x", b"wire", IFF_TUN | IFF_NO_PI))
        for words in ("link set lo up", f"addr add {address}/24 dev wire", "link set wire up",
                      "route add 239.0.0.0/8 dev wire"):
            self.run("ip", *words.split())

    def enter(self):
        """From now on this thread, or a child before its program, lives here."""
        _check(_libc.setns(self.namespace, CLONE_NEWNET))

    def run(self, *command, said=None):
        """What a command says that lives here; its standard input is `said`."""
        return subprocess.run(command, input=said, text=True, check=True, stdout=subprocess.PIPE,
                              preexec_fn=self.enter).stdout

    def narrow(self, rate=None, queue=0.2):
        """What leaves here takes as long as `rate` says (tc-tbf(8)), in bits a second; a queue of so many
        seconds holds what waits. None: as wide as it may be."""
        if rate is None:
            self.run(*"tc qdisc replace dev wire root pfifo".split())
        else:
            limit = int(rate * queue / 8)
            self.run(*f"tc qdisc replace dev wire root tbf rate {rate}bit burst 5kb limit {limit}".split())

    def lose(self, share):
        """Of what comes here the kernel drops a share, by chance (nft(8)); and counts from 0."""
        rule = f'iifname "wire" numgen random mod 100000 < {round(share * 100_000)} counter drop\n'
        self.run("nft", "-f", "-", said=f"flush ruleset\ntable inet wire {{\nchain in {{\n"
                 f"type filter hook input priority 0\n{rule if share else ''}}}\n}}\n")

    def block_udp(self):
        """As a firewall that knows TCP alone, for what comes here; `lose` ends it."""
        self.run("nft", "-f", "-", said="flush ruleset\ntable inet wire {\nchain in {\n"
                 'type filter hook input priority 0\niifname "wire" meta l4proto udp counter drop\n}\n}\n')

    def lost(self):
        """How many packets that dropped."""
        return sum(int(count) for count in re.findall(r"packets (\d+)", self.run("nft", "list", "ruleset")))


class Wire(threading.Thread):
    """Carries packets both ways, each `delay` seconds later. Unless it is `lossless`, a share of UDP is lost,
    and a share comes late, by a seed."""

    LATE = 0.03      # seconds, of what comes late

    def __init__(self, loss, late, seed):
        super().__init__(daemon=True)
        self.near, self.far = End(NEAR), End(FAR)
        self.near.enter()
        self.loss, self.late, self.dice = loss, late, random.Random(seed)
        self.lossless = True
        self.delay = 0.0
        self.carried = self.dropped = self.delayed = self.bytes = 0
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

    def hold(self, packet, to, seconds):
        heapq.heappush(self.held, (time.monotonic() + seconds, self.bytes, packet, to))

    def pass_on(self, packet, to):
        is_udp = packet[0] >> 4 == 4 and packet[9] == UDP
        fate = self.dice.random() if is_udp and not self.lossless else 1
        self.carried += is_udp
        self.bytes += len(packet)
        if fate < self.loss:
            self.dropped += 1
        elif fate < self.loss + self.late:
            self.delayed += 1
            self.hold(packet, to, self.delay + self.LATE)
        elif self.delay > 0:
            self.hold(packet, to, self.delay)
        else:
            os.write(to, packet)
