"""Computers of one test, each with network, small disk and clock of its own, and lines between them. Root."""

import contextlib
import ctypes
import os
import subprocess

import clocks
import disks
import node

CLONE_NEWNET = 0x40000000
DISK_MEGABYTES = 400      # 256 of them stay free: the archive's floor
PROGRAM = os.path.join(node.ROOT, "build/release/bin/millrace")
QUEUE = 0.3      # seconds that a narrow line holds
LATE = "rate 100kbit burst 1600 cburst 1600"      # what stands behind another large datagram waits 100 ms

_libc = ctypes.CDLL(None, use_errno=True)


def _check(code):
    if code != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _here():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


def run(*command, said=None):
    subprocess.run(command, input=said, text=True, check=True, capture_output=True)


class Place:
    """A computer. `with place.inside():` this thread, and what it starts, is in its network."""

    def __init__(self, folder):
        self.folder = node.open_folder(folder)
        before = _here()
        try:
            _check(_libc.unshare(CLONE_NEWNET))
            self.network = _here()
            run("ip", "link", "set", "lo", "up")
            self.disk = disks.SmallDisk(folder, DISK_MEGABYTES)
        finally:
            _check(_libc.setns(before, CLONE_NEWNET))
            os.close(before)
        self.clock = clocks.FakeClock(folder)
        self.before = [*self.disk.before, *self.clock.before]

    @contextlib.contextmanager
    def inside(self):
        before = _here()
        _check(_libc.setns(self.network, CLONE_NEWNET))
        try:
            yield
        finally:
            _check(_libc.setns(before, CLONE_NEWNET))
            os.close(before)

    def run(self, *command, said=None):
        with self.inside():
            run(*command, said=said)

    def close(self):
        self.disk.close()
        os.close(self.network)


class Node(node.Millrace):
    """A node in a place, which keeps its addresses over starts."""

    def __init__(self, place, *options):
        self.place = place
        self.addresses = dict.fromkeys(("http", "rtmp", "rtsp", "rtp", "kcp"), "0.0.0.0:0")
        super().__init__(place.folder, PROGRAM, ("--open", *options), place.before)

    def start_again(self, addresses=None):
        with self.place.inside():
            super().start_again(self.addresses)
        self.addresses = self.listeners
        self.listeners = {name: where.replace("0.0.0.0", "127.0.0.1")
                          for name, where in self.listeners.items()}

    def get(self, path, seconds=10):
        with self.place.inside():
            return super().get(path, seconds)


class Line:
    """A wire between two places, of which one may have several: their addresses are `near` and `far`."""

    def __init__(self, number, near, far):
        self.name, self.places = f"line{number}", (near, far)
        self.near, self.far = f"10.77.{number}.1", f"10.77.{number}.2"
        near.run("ip", "link", "add", "name", self.name, "type", "veth", "peer", "name", self.name, "netns",
                 str(far.disk.holder.pid))
        for place, address in ((near, self.near), (far, self.far)):
            place.run("ip", "addr", "add", f"{address}/24", "dev", self.name)
            place.run("ip", "link", "set", self.name, "up")

    def cut(self, away):
        self.places[1].run("ip", "link", "set", self.name, "down" if away else "up")

    def narrow(self, rate=None):
        """What goes from far to near takes as long as `rate` says (tc-tbf(8)), in bits a second."""
        kind = f"tbf rate {rate}bit burst 5kb limit {int(rate * QUEUE / 8)}" if rate else "pfifo"
        self.places[1].run("tc", "qdisc", "replace", "dev", self.name, "root", *kind.split())

    def mix(self, percent=None):
        """Of the datagrams that leave either end so many in a hundred come twice, and late (tc-htb(8))."""
        table = f"table ip {self.name}mix"
        for place, peer in zip(self.places, (self.far, self.near)):
            place.run("nft", "-f", "-", said=f"{table} {{}}\ndelete {table}\n")
            if percent is None:
                place.run("tc", "qdisc", "replace", "dev", self.name, "root", "pfifo")
                continue
            for words in ("qdisc replace dev {} root handle 1: htb default 1",
                          "class replace dev {} parent 1: classid 1:1 htb rate 10gbit",
                          f"class replace dev {{}} parent 1: classid 1:2 htb {LATE}",
                          "qdisc replace dev {} parent 1:2 pfifo limit 2"):
                place.run("tc", *words.format(self.name).split())
            chosen = f'oifname "{self.name}" ip protocol udp numgen random mod 100 < {percent}'
            rules = f"{chosen} meta priority set 1:2\n{chosen} dup to {peer}\n"
            place.run("nft", "-f", "-", said=f"{table} {{\nchain out {{\n"
                      f"type filter hook output priority 0\n{rules}}}\n}}\n")

    def lose(self, share, verdict="drop"):
        """Of what comes to either end a share is lost, or has two of its bytes set (nft(8))."""
        rule = f'iifname "{self.name}" numgen random mod 100000 < {round(share * 100_000)} {verdict}\n'
        table = f"table inet {self.name}"
        for place in self.places:
            place.run("nft", "-f", "-", said=f"{table} {{}}\ndelete {table}\n{table} {{\nchain in {{\n"
                      f"type filter hook input priority 0\n{rule if share else ''}}}\n}}\n")

    def garble(self, share):
        """Changes what a datagram carries behind its header of 8 bytes and 24 more."""
        self.lose(share, "meta l4proto udp @th,256,16 set 0x5a5a")
